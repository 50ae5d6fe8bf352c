//! Mails, and how they are sent through SES.

mod invitation;
mod line;
mod mailer;
mod task;

pub use invitation::InvitationMail;
pub use mailer::{Mailer, SendMailError};
pub use task::{InvitationTask, MAX_ATTEMPTS};

use muster::domain::Email;

/// A mail to one address.
#[derive(Clone, Debug)]
pub struct Mail<'a> {
    /// The address.
    pub to: &'a Email,
    /// Its content.
    pub content: MailContent,
}

/// The content of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailContent {
    /// Finished texts.
    Texts {
        /// The subject: one line.
        subject: String,
        /// The body as plain text.
        text: String,
        /// The body as HTML.
        html: String,
    },
    /// A template of SES, and the values for it.
    Template {
        /// The name of the template.
        name: String,
        /// A JSON object.
        data: String,
    },
}
