//! Sends the mails of invitations.
//!
//! A message names an invitation and one of its tokens. The token and the address are read when the mail is sent, so that
//! an invitation that was revoked, answered or sent again meanwhile sends no mail. A lease on the invitation makes sure
//! that of two who have the message, one sends. While SES does not accept mails, messages go back to the queue with a
//! growing delay. A message that cannot be dealt with is returned as failed: the queue delivers it again, and sets it
//! aside after several times.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use lambda_runtime::Context;
use muster::config::SettingError;
use muster::domain::{InvitationPage, InvitationSecret, Name, Timestamp};
use muster::store::{MailClaim, MailLease};
use muster_delivery::Queue;
use muster_delivery::mail::{InvitationMail, InvitationTask, Mail, Mailer, SendMailError};
use serde::Deserialize;
use serde_json::{Value, json};

use super::invitation_mails::INVITATION_QUEUE_URL;
use crate::invitations::secret::TokenSecret;
use crate::messages::Batch;
use crate::runs::{RunLine, run_counts};
use crate::runtime::{Error, StartedFunction, event_source};
use crate::services::Services as _;
use crate::{App, Variables};

/// The variable with the URL of the queue of invitations whose mails were given up.
const FAILURES_QUEUE_URL: &str = "INVITATION_FAILURES_QUEUE_URL";
/// The variable with the name of the template of SES.
const INVITATION_TEMPLATE: &str = "INVITATION_TEMPLATE";
/// The kind of the mails in the events of SES.
const KIND: &str = "invitation";
/// Time to put a message on a queue.
const QUEUE_TIME: Duration = Duration::from_secs(5);
/// A message that is due within this time is sent now: the delay of a queue has whole seconds.
const EARLY: Duration = Duration::from_secs(1);

run_counts! {
    /// One batch of mails of invitations.
    SendCounts of "send-invitation", "send invitations", warns of rejected | given_up | failed;
    /// Messages in the batch.
    messages,
    /// Mails that SES has.
    sent => "InvitationsSent",
    /// Mails whose attempt failed, to be sent again.
    retried => "InvitationsRetried",
    /// Mails that SES rejects.
    rejected => "InvitationsRejected",
    /// Mails without another attempt.
    given_up => "InvitationsGivenUp",
    /// Messages that are not due yet, or whose mail is being sent.
    deferred => "InvitationsDeferred",
    /// Messages whose mail is sent, or is not to be sent.
    dropped => "InvitationsDropped",
    /// Messages that could not be dealt with.
    failed => "InvitationsFailed",
}

struct Postman {
    app: App,
    /// `None` if the deployment sends no mail.
    mailer: Option<Mailer>,
    template: Option<String>,
    secret: TokenSecret,
    queue: Queue,
    failures: Queue,
}

/// The result for one message.
enum MailOutcome {
    Sent,
    /// To be sent again later.
    Retried,
    /// SES will never accept it.
    Rejected,
    /// There are no more attempts.
    GivenUp,
    /// Back on the queue, without an attempt.
    Deferred,
    /// The mail is sent, or is not to be sent.
    Dropped,
}

/// The function, with the sender and the queues that the variables name.
pub fn start(app: App, variables: Variables<'_>) -> Result<StartedFunction, SettingError> {
    let template = variables(INVITATION_TEMPLATE).filter(|name| !name.is_empty());
    let postman = Postman {
        mailer: Mailer::read(variables)?,
        template,
        secret: TokenSecret::read(&app, variables)?,
        queue: Queue::read(INVITATION_QUEUE_URL, variables)?,
        failures: Queue::read(FAILURES_QUEUE_URL, variables)?,
        app,
    };
    Ok(event_source(postman, handle))
}

/// Sends the mails of a batch at once, and returns the messages that failed.
async fn handle(own: Arc<Postman>, batch: Value, context: Context) -> Result<Value, Error> {
    let arrived = Instant::now();
    let batch = Batch::deserialize(&batch)?;
    let request_id = &context.request_id;
    let outcomes = batch.records.iter().map(|record| async {
        let task: InvitationTask = serde_json::from_str(&record.body)?;
        own.deal_with(&task, request_id).await
    });
    let outcomes = join_all(outcomes).await;

    let app = &own.app;
    let now = app.clock.now();
    let mut counts = SendCounts {
        messages: outcomes.len(),
        ..SendCounts::default()
    };
    let mut failed = Vec::new();
    for (record, outcome) in batch.records.iter().zip(outcomes) {
        match outcome {
            Ok(MailOutcome::Sent) => counts.sent += 1,
            Ok(MailOutcome::Retried) => counts.retried += 1,
            Ok(MailOutcome::Rejected) => counts.rejected += 1,
            Ok(MailOutcome::GivenUp) => counts.given_up += 1,
            Ok(MailOutcome::Deferred) => counts.deferred += 1,
            Ok(MailOutcome::Dropped) => counts.dropped += 1,
            Err(error) => {
                counts.failed += 1;
                let telemetry = &app.telemetry;
                telemetry.failure(now, request_id, "invitation-not-sent", &*error);
                failed.push(json!({"itemIdentifier": record.message_id}));
            }
        }
    }
    app.telemetry.write(&RunLine {
        now,
        request_id,
        counts,
        duration: arrived.elapsed(),
        measure: None,
    });
    Ok(json!({"batchItemFailures": failed}))
}

impl Postman {
    async fn deal_with(
        &self,
        task: &InvitationTask,
        request_id: &str,
    ) -> Result<MailOutcome, Error> {
        let (app, issued) = (&self.app, &task.issued);
        let now = app.clock.now();
        if let Some(sent_at) = task.sent_at {
            app.store.record_invitation_sent(issued, sent_at).await?;
            return Ok(MailOutcome::Dropped);
        }
        if task.wait(now) > EARLY {
            put(&self.queue, task, now).await?;
            return Ok(MailOutcome::Deferred);
        }
        // Before the claim, which would only hold the message back.
        let secret = match self.secret.get().await {
            Ok(secret) => secret,
            Err(problem) => {
                let error = problem.source.as_deref();
                if let Some(error) = error {
                    self.report(request_id, "invitation-secret-not-read", error);
                }
                return self.retry(task, request_id).await;
            }
        };
        let lease = match app.store.claim_invitation_mail(issued, now).await? {
            MailClaim::Granted(lease) => lease,
            MailClaim::Held(until) => {
                put(&self.queue, &task.at(until), now).await?;
                return Ok(MailOutcome::Deferred);
            }
            MailClaim::Over => return Ok(MailOutcome::Dropped),
        };
        let page = app.settings.invitation_page.as_ref();
        let (Some(mailer), Some(page)) = (&self.mailer, page) else {
            app.store.release_invitation_mail(&lease).await?;
            return Err("INVITATION_FROM and INVITATION_URL must be set".into());
        };
        match self.send(mailer, &lease, &secret, page).await {
            Ok(()) => {
                self.record(task, request_id).await;
                Ok(MailOutcome::Sent)
            }
            Err(error @ SendMailError::Rejected(_)) => {
                self.report(request_id, "invitation-rejected", &error);
                app.store
                    .record_invitation_not_sent(issued, request_id)
                    .await?;
                Ok(MailOutcome::Rejected)
            }
            Err(error @ SendMailError::Failed(_)) => {
                self.report(request_id, "invitation-not-accepted", &error);
                // The message goes back first. Without the release, it waits until the lease ends.
                let outcome = self.retry(task, request_id).await?;
                if let Err(error) = app.store.release_invitation_mail(&lease).await {
                    self.report(request_id, "invitation-not-released", &error);
                }
                Ok(outcome)
            }
        }
    }

    async fn send(
        &self,
        mailer: &Mailer,
        lease: &MailLease,
        secret: &InvitationSecret,
        page: &InvitationPage,
    ) -> Result<(), SendMailError> {
        let invitation = &lease.invitation;
        let Some(to) = &invitation.email else {
            return Err(SendMailError::Rejected("NoAddress".to_owned()));
        };
        let mail = InvitationMail {
            organization_name: lease.organization_name.as_str(),
            inviter_name: lease.inviter_name.as_ref().map(Name::as_str),
            role: invitation.role,
            accept_url: &page.link(invitation, &secret.token(invitation)),
            expires_at: invitation.expires_at,
        };
        let content = mail.content(self.template.as_deref());
        mailer.send(&Mail { to, content }, KIND).await
    }

    /// Records that the mail was sent. To fail here would send it twice, so if the table does not answer, a message
    /// records it later.
    async fn record(&self, task: &InvitationTask, request_id: &str) {
        let (store, now) = (&self.app.store, self.app.clock.now());
        let Err(error) = store.record_invitation_sent(&task.issued, now).await else {
            return;
        };
        self.report(request_id, "invitation-not-recorded", &error);
        let later = InvitationTask {
            sent_at: Some(now),
            ..task.at(now)
        };
        if let Err(error) = put(&self.queue, &later, now).await {
            self.report(request_id, "invitation-not-recorded", &*error);
        }
    }

    /// Puts the next attempt on the queue. After the last one, records the failure and sets the message aside.
    async fn retry(&self, task: &InvitationTask, request_id: &str) -> Result<MailOutcome, Error> {
        let now = self.app.clock.now();
        if let Some(next) = task.next(now, fastrand::f64()) {
            put(&self.queue, &next, now).await?;
            return Ok(MailOutcome::Retried);
        }
        let store = &self.app.store;
        store
            .record_invitation_not_sent(&task.issued, request_id)
            .await?;
        put(&self.failures, &task.again(now), now).await?;
        Ok(MailOutcome::GivenUp)
    }

    fn report(&self, request_id: &str, code: &str, error: &(dyn std::error::Error + 'static)) {
        let now = self.app.clock.now();
        self.app.telemetry.failure(now, request_id, code, error);
    }
}

/// Puts a task on a queue.
async fn put(queue: &Queue, task: &InvitationTask, now: Timestamp) -> Result<(), Error> {
    let deadline = tokio::time::Instant::now() + QUEUE_TIME;
    Ok(queue.put(task.message(now)?, deadline).await?)
}
