//! Emulates `SendEmail` of SES, version 2. The mails are kept for the developer to read.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use muster::domain::Clock;
use serde_json::{Value, json};

use super::ServiceError;

/// Mails that are kept.
const KEPT: usize = 1_000;

/// The mails that were sent.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    mails: Mutex<VecDeque<Value>>,
}

impl Outbox {
    /// Sends a mail, as the body of `SendEmail` has it.
    pub(super) fn send(&self, input: &Value) -> Result<Value, ServiceError> {
        let invalid = |problem: &str| ServiceError::new("BadRequestException", problem);
        let text = |pointer: &str| input.pointer(pointer).and_then(Value::as_str);
        let to = input.pointer("/Destination/ToAddresses");
        let [to] = to
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default()
        else {
            return Err(invalid("the local stack sends a mail to one address"));
        };
        let to = to.as_str().filter(|to| to.contains('@'));
        let to = to.ok_or_else(|| invalid("Missing final '@domain'"))?;
        let from = text("/FromEmailAddress").filter(|from| from.contains('@'));
        let from = from.ok_or_else(|| invalid("Missing final '@domain'"))?;
        let template = text("/Content/Template/TemplateName");
        let (subject, body) = if let Some(name) = template {
            // It is in the account, and not played.
            (name, text("/Content/Template/TemplateData"))
        } else {
            let subject = text("/Content/Simple/Subject/Data");
            let subject = subject.ok_or_else(|| invalid("Content has no subject"))?;
            (subject, text("/Content/Simple/Body/Text/Data"))
        };
        if subject.contains(['\r', '\n']) {
            return Err(invalid("Header with control characters"));
        }
        let clock = Clock::system();
        let id = clock.new_id().to_string();
        let mail = json!({
            "id": id,
            "from": from,
            "to": to,
            "subject": subject,
            "text": body,
            "html": text("/Content/Simple/Body/Html/Data"),
            "template": template,
            "sent_at": clock.now().to_string(),
        });
        let mut mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        mails.push_front(mail);
        mails.truncate(KEPT);
        Ok(json!({"MessageId": id}))
    }

    /// The mails, newest first.
    pub(super) fn mails(&self) -> Vec<Value> {
        let mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        mails.iter().cloned().collect()
    }

    /// Forgets all mails.
    pub(super) fn clear(&self) {
        let mut mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        mails.clear();
    }
}
