//! The mail of an invitation.

use maud::{DOCTYPE, html};
use muster::domain::{Role, Timestamp};
use serde_json::json;

use super::MailContent;
use super::line::{line, plain};

const STYLE: &str = "font-family:system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;font-size:16px;line-height:1.5;color:#1f2328;max-width:36rem;margin:0 auto;padding:1.5rem";
const BUTTON: &str = "display:inline-block;padding:.6rem 1.2rem;border-radius:.4rem;background:#0b57d0;color:#ffffff;text-decoration:none";
const SMALL: &str = "font-size:14px;color:#57606a";

/// The content of the mail of an invitation. The names are those that users chose.
#[derive(Clone, Debug)]
pub struct InvitationMail<'a> {
    /// The name of the organization.
    pub organization_name: &'a str,
    /// The name of the inviter, if it is known.
    pub inviter_name: Option<&'a str>,
    /// The role that the invitation grants.
    pub role: Role,
    /// The link that opens the invitation.
    pub accept_url: &'a str,
    /// When the invitation expires.
    pub expires_at: Timestamp,
}

impl InvitationMail<'_> {
    /// Returns the mail in English, or the values for a template of SES.
    pub fn content(&self, template: Option<&str>) -> MailContent {
        match template {
            None => self.texts(),
            Some(name) => MailContent::Template {
                name: name.to_owned(),
                data: self.template_data(),
            },
        }
    }

    fn organization(&self) -> String {
        line(self.organization_name)
    }

    /// The inviter as the subject of a sentence.
    fn inviter(&self) -> Option<String> {
        let name = self.inviter_name.map(line);
        name.filter(|name| !name.is_empty())
    }

    /// In minutes: `2026-12-05 09:00 UTC`.
    fn expiry(&self) -> String {
        let time = self.expires_at.to_string();
        let minutes = time.get(..16).unwrap_or(&time);
        format!("{} UTC", minutes.replace('T', " "))
    }

    fn texts(&self) -> MailContent {
        let organization = self.organization();
        let subject = format!("You are invited to join {organization}");
        let name = plain(&organization);
        let inviter = self.inviter().map(|name| plain(&name));
        let (role, url, expiry) = (self.role.as_str(), self.accept_url, self.expiry());
        let who = inviter.as_deref().unwrap_or("An administrator");
        let ignore = "If you did not expect this invitation, ignore this mail: nothing happens unless you accept.";
        let text = format!(
            "{who} invited you to join the organization \"{name}\" with the role {role}.\n\n\
             Open the invitation:\n{url}\n\n\
             It expires on {expiry}. The link is for you only: do not forward it.\n\n\
             {ignore}\n"
        );
        let html = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width";
                    title { "You are invited to join " (name) }
                }
                body style=(STYLE) {
                    p {
                        strong { bdi { (who) } }
                        " invited you to join the organization "
                        strong { "\"" bdi { (name) } "\"" }
                        " with the role " strong { (role) } "."
                    }
                    p { a href=(url) style=(BUTTON) { "Open the invitation" } }
                    p style=(SMALL) {
                        "It expires on " (expiry) ". The link is for you only: do not forward it."
                    }
                    p style=(SMALL) { (ignore) }
                }
            }
        };
        MailContent::Texts {
            subject,
            text,
            html: html.into_string(),
        }
    }

    /// The values for a template. SES puts them in as they are, so names are escaped for HTML. For the subject and the
    /// plain text, each name also exists without that, as `…_text`.
    fn template_data(&self) -> String {
        let escaped = |text: &str| html! { (plain(text)) }.into_string();
        let organization = self.organization();
        let inviter = self.inviter().unwrap_or_default();
        json!({
            "organization_name": escaped(&organization),
            "organization_name_text": organization,
            "inviter_name": escaped(&inviter),
            "inviter_name_text": inviter,
            "role": self.role.as_str(),
            "accept_url": self.accept_url,
            "expires_at": self.expires_at.to_string(),
        })
        .to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn mail<'a>(organization_name: &'a str, inviter_name: Option<&'a str>) -> InvitationMail<'a> {
        InvitationMail {
            organization_name,
            inviter_name,
            role: Role::Admin,
            accept_url: "https://app.example/join?lang=en&invitation=inv1_abc.def",
            expires_at: "2026-12-05T09:00:12.345Z".parse().unwrap(),
        }
    }

    fn texts(mail: &InvitationMail<'_>) -> (String, String, String) {
        match mail.content(None) {
            MailContent::Texts {
                subject,
                text,
                html,
            } => (subject, text, html),
            MailContent::Template { .. } => panic!("not the built-in mail"),
        }
    }

    #[test]
    fn a_mail_contains_inviter_organization_role_expiry() {
        let (subject, text, html) = texts(&mail("Contoso", Some("Ada Lovelace")));
        assert_eq!(subject, "You are invited to join Contoso");
        assert_eq!(
            text,
            "Ada Lovelace invited you to join the organization \"Contoso\" with the role admin.\n\n\
             Open the invitation:\nhttps://app.example/join?lang=en&invitation=inv1_abc.def\n\n\
             It expires on 2026-12-05 09:00 UTC. The link is for you only: do not forward it.\n\n\
             If you did not expect this invitation, ignore this mail: nothing happens unless you accept.\n"
        );
        for part in [
            "<bdi>Ada Lovelace</bdi>",
            "<bdi>Contoso</bdi>",
            "<strong>admin</strong>",
            "href=\"https://app.example/join?lang=en&amp;invitation=inv1_abc.def\"",
            "2026-12-05 09:00 UTC",
            "If you did not expect this invitation",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        let (_, text, _) = texts(&mail("Contoso", None));
        assert!(text.starts_with("An administrator invited you"), "{text}");
    }

    #[test]
    fn a_hostile_name_is_text_on_one_line() {
        let name = "</bdi><a href='https://evil.example'>\r\nBcc: eve@evil.example\u{202e}";
        let (subject, text, html) = texts(&mail(name, Some(name)));
        assert!(!subject.contains(['\r', '\n', '\u{202e}']), "{subject}");
        // The markup of the mail has the same lines and links as that of a plain name.
        let (_, plain_text, plain_html) = texts(&mail("Contoso", Some("Ada")));
        assert_eq!(text.lines().count(), plain_text.lines().count());
        for markup in ["<a", "</bdi>", "<p", "href="] {
            let count = |html: &str| html.replace("a href=&#", "").matches(markup).count();
            let in_names = if markup == "href=" { 3 } else { 0 };
            assert_eq!(
                count(&html),
                count(&plain_html) + in_names,
                "{markup}: {html}"
            );
        }
        for link in ["https://evil", "evil.example", "eve@evil"] {
            assert!(
                !text.contains(link) && !html.contains(link),
                "{link}: {text}"
            );
        }
    }

    #[test]
    fn values_for_a_template_are_safe_in_html() {
        let content = mail("<b>Ben & Jerry</b>", None).content(Some("welcome"));
        let MailContent::Template { name, data } = content else {
            panic!("not a template");
        };
        assert_eq!(name, "welcome");
        let data: Value = serde_json::from_str(&data).unwrap();
        assert_eq!(
            data,
            json!({
                "organization_name": "&lt;b&gt;Ben &amp; Jerry&lt;/b&gt;",
                "organization_name_text": "<b>Ben & Jerry</b>",
                "inviter_name": "",
                "inviter_name_text": "",
                "role": "admin",
                "accept_url": "https://app.example/join?lang=en&invitation=inv1_abc.def",
                "expires_at": "2026-12-05T09:00:12.345Z",
            })
        );
    }
}
