//! The log line of a batch of mails.

use std::time::Duration;

use muster::domain::Timestamp;
use muster::telemetry::{Counted, Level, Metric, Record, milliseconds};
use serde::Serialize;

/// One batch of mails of invitations, and how it ended.
#[derive(Clone, Debug)]
pub struct SendLine<'a> {
    /// When it was answered.
    pub now: Timestamp,
    /// The invocation's id.
    pub request_id: &'a str,
    /// Messages in the batch.
    pub messages: usize,
    /// Mails that SES has.
    pub sent: usize,
    /// Mails whose attempt failed, to be sent again.
    pub retried: usize,
    /// Mails that SES rejects.
    pub rejected: usize,
    /// Mails without another attempt.
    pub given_up: usize,
    /// Messages that are not due yet, or whose mail is being sent.
    pub deferred: usize,
    /// Messages whose mail is sent, or is not to be sent.
    pub dropped: usize,
    /// Messages that could not be dealt with.
    pub failed: usize,
    /// From the batch's arrival to the answer.
    pub duration: Duration,
}

impl Record for SendLine<'_> {
    const MESSAGE: &'static str = "send invitations";
    const COUNTED: [Counted; 2] = [
        (
            &[&[]],
            &[
                Metric::count("InvitationsSent"),
                Metric::count("InvitationsRetried"),
                Metric::count("InvitationsRejected"),
                Metric::count("InvitationsGivenUp"),
                Metric::count("InvitationsDeferred"),
                Metric::count("InvitationsDropped"),
                Metric::count("InvitationsFailed"),
            ],
        ),
        (&[&["trigger"]], &[Metric::milliseconds("Duration")]),
    ];

    fn time(&self) -> Timestamp {
        self.now
    }

    fn level(&self) -> Level {
        if self.rejected + self.given_up + self.failed > 0 {
            Level::Warn
        } else {
            Level::Info
        }
    }

    fn fields(&self) -> impl Serialize {
        SendFields {
            request_id: self.request_id,
            trigger: "send-invitation",
            messages: self.messages,
            sent: self.sent,
            retried: self.retried,
            rejected: self.rejected,
            given_up: self.given_up,
            deferred: self.deferred,
            dropped: self.dropped,
            failed: self.failed,
            duration: milliseconds(self.duration),
        }
    }
}

#[derive(Serialize)]
struct SendFields<'a> {
    request_id: &'a str,
    trigger: &'static str,
    messages: usize,
    #[serde(rename = "InvitationsSent")]
    sent: usize,
    #[serde(rename = "InvitationsRetried")]
    retried: usize,
    #[serde(rename = "InvitationsRejected")]
    rejected: usize,
    #[serde(rename = "InvitationsGivenUp")]
    given_up: usize,
    #[serde(rename = "InvitationsDeferred")]
    deferred: usize,
    #[serde(rename = "InvitationsDropped")]
    dropped: usize,
    #[serde(rename = "InvitationsFailed")]
    failed: usize,
    #[serde(rename = "Duration")]
    duration: f64,
}
