//! Sends mails with the API of SES, version 2.

use std::time::Duration;

use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::config::retry::RetryConfig;
use aws_sdk_sesv2::config::timeout::TimeoutConfig;
use aws_sdk_sesv2::error::BuildError;
use aws_sdk_sesv2::types::{
    Body, Content, Destination, EmailContent, Message, MessageTag, Template,
};
use muster::aws::sdk_config;
use muster::config::SettingError;
use thiserror::Error;

use super::{Mail, MailContent};
use crate::batch::CallError;
use crate::client::required;

/// The variable with the sender: an address, or a name with the address in angle brackets.
const FROM: &str = "INVITATION_FROM";
/// The variable with the endpoint of SES.
const ENDPOINT: &str = "AWS_ENDPOINT_URL_SESV2";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Long, because a call that ends without an answer may have sent the mail, which is then sent again.
const CALL_TIMEOUT: Duration = Duration::from_secs(15);

/// A client of SES.
#[derive(Clone, Debug)]
pub struct Mailer {
    client: Client,
    from: String,
}

/// A mail that was not sent, with the code of SES. Without the message of SES, which can contain addresses.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SendMailError {
    /// SES will never accept it.
    #[error("SES rejects the mail: {0}")]
    Rejected(String),
    /// It may be accepted later. If SES did not answer, it may have been sent.
    #[error("SES does not accept the mail now: {0}")]
    Failed(String),
}

impl Mailer {
    /// The client for the sender in `INVITATION_FROM`. `None` if the deployment sends no mail. Makes no call.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, SettingError> {
        let Ok(from) = required(FROM, &variable) else {
            return Ok(None);
        };
        if !is_sender(&from) {
            return Err(SettingError {
                variable: FROM,
                problem: "must be an address, or Name <address>, in ASCII".to_owned(),
            });
        }
        // No retry of the SDK: SES has no token that makes one safe. The queue retries.
        let config = sdk_config(ENDPOINT, variable)?
            .into_builder()
            .retry_config(RetryConfig::disabled())
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .operation_timeout(CALL_TIMEOUT)
                    .build(),
            )
            .build();
        let client = Client::new(&config);
        Ok(Some(Self { client, from }))
    }

    /// Sends a mail. `kind` names its sort in the events of SES.
    pub async fn send(&self, mail: &Mail<'_>, kind: &str) -> Result<(), SendMailError> {
        let unfit = |_: BuildError| SendMailError::Rejected("NotSent".to_owned());
        let content = content(&mail.content).map_err(unfit)?;
        let tag = MessageTag::builder().name("kind").value(kind).build();
        let to = Destination::builder().to_addresses(mail.to.as_str());
        let call = self
            .client
            .send_email()
            .from_email_address(&self.from)
            .destination(to.build())
            .email_tags(tag.map_err(unfit)?)
            .content(content);
        match call.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(refusal(CallError::new(&error).code)),
        }
    }
}

/// Only two codes are about this mail. All others, such as a paused account, an unverified sender, a missing template or
/// a missing permission, pass when their cause is removed.
fn refusal(code: String) -> SendMailError {
    match code.as_str() {
        "MessageRejected" | "BadRequestException" => SendMailError::Rejected(code),
        _ => SendMailError::Failed(code),
    }
}

fn content(content: &MailContent) -> Result<EmailContent, BuildError> {
    let utf8 = |data: &str| Content::builder().data(data).charset("UTF-8").build();
    Ok(match content {
        MailContent::Texts {
            subject,
            text,
            html,
        } => {
            let body = Body::builder().text(utf8(text)?).html(utf8(html)?).build();
            let message = Message::builder().subject(utf8(subject)?).body(body);
            EmailContent::builder().simple(message.build()).build()
        }
        MailContent::Template { name, data } => {
            let template = Template::builder().template_name(name).template_data(data);
            EmailContent::builder().template(template.build()).build()
        }
    })
}

/// Returns whether SES takes the text as one sender. A name with other characters than those of ASCII has to be an
/// encoded word (RFC 2047).
fn is_sender(from: &str) -> bool {
    let is_printable = from.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let address = match from.split_once('<') {
        None => Some(from),
        Some((_, address)) => address.strip_suffix('>'),
    };
    let is_address = |address: &str| {
        let is_bare = !address.contains([' ', '<', '>', ',', ';']);
        let parts = address.rsplit_once('@');
        is_bare && parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
    };
    is_printable && address.is_some_and(is_address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_an_address_with_or_without_a_name() {
        for good in [
            "no-reply@example.com",
            "Muster <no-reply@example.com>",
            "\"Muster, Inc.\" <no-reply@example.com>",
            "=?utf-8?B?TcO8c3Rlcg==?= <no-reply@example.com>",
        ] {
            assert!(is_sender(good), "{good}");
        }
        for bad in [
            "Muster",
            "@example.com",
            "no-reply@",
            "Muster <no-reply@example.com",
            "a@example.com, b@example.com",
            "a@example.com\r\nBcc: b@example.com",
            "M\u{fc}ster <no-reply@example.com>",
        ] {
            assert!(!is_sender(bad), "{bad}");
        }
    }

    #[test]
    fn without_a_sender_there_is_no_mailer() {
        for from in [None, Some(String::new())] {
            assert!(Mailer::read(|_| from.clone()).unwrap().is_none());
        }
        let wrong = Mailer::read(|_| Some("Muster".to_owned()));
        assert_eq!(wrong.unwrap_err().variable, FROM);
    }

    #[test]
    fn only_codes_about_the_mail_are_final() {
        for code in ["MessageRejected", "BadRequestException"] {
            let rejected = SendMailError::Rejected(code.to_owned());
            assert_eq!(refusal(code.to_owned()), rejected);
        }
        for code in [
            "AccessDeniedException",
            "AccountSuspendedException",
            "InternalServiceErrorException",
            "LimitExceededException",
            "MailFromDomainNotVerifiedException",
            "NoResponse",
            "NotFoundException",
            "SendingPausedException",
            "Timeout",
            "TooManyRequestsException",
        ] {
            let failed = SendMailError::Failed(code.to_owned());
            assert_eq!(refusal(code.to_owned()), failed);
        }
    }
}
