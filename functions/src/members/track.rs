//! Keeps the number of members of each organization, copies the names of new members, and removes the names of erased ones
//! that were written late, from the events in the table's stream.
//!
//! The mapping restarts a batch at the lowest record that is returned as failed. The records behind it that were counted
//! are passed again, and do not count twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use lambda_runtime::Context;
use muster::config::SettingError;
use muster::domain::{Event, EventType, OrganizationId, TargetType, TenantId, UserId};
use muster::store::{self, metered};
use muster_delivery::{EventRecord, stream as records};
use serde_json::{Value, json};

use crate::runs::{RunLine, run_counts};
use crate::runtime::{Error, StartedFunction, deadline, event_source};
use crate::{App, Variables};

/// Time for a batch. Under the timeout of the function, so that it ends with a list of what failed. The members of an
/// organization of an older release are counted in it, 2,000 for each page of the index.
const BUDGET: Duration = Duration::from_mins(4);
/// Left of the invocation's time for the answer.
const RESERVE: Duration = Duration::from_secs(2);
/// How long before it takes back memberships a login, or a run, can have made them.
const LONGEST_SYNC: Duration = Duration::from_mins(15);
/// Organizations that are counted at once.
const AT_ONCE: usize = 8;

run_counts! {
    /// One batch of events whose members were counted.
    TrackCounts of "track-members", "count members", warns of unreadable | failed;
    /// Events in the batch.
    records,
    /// Events that cannot be read, and are not counted.
    unreadable => "EventsNotCounted",
    /// Events that will be sent again.
    failed => "CountsFailed",
}

/// The readable records of one organization.
#[derive(Default)]
struct OfOrganization<'a> {
    events: Vec<&'a Event>,
    numbers: Vec<String>,
}

/// The function, with what every function works with.
pub fn start(app: App, _: Variables<'_>) -> Result<StartedFunction, SettingError> {
    Ok(event_source(app, handle))
}

/// Counts the events of a batch, and returns the records to send again. Fails only for a batch that is not from a
/// stream.
async fn handle(app: Arc<App>, batch: Value, context: Context) -> Result<Value, Error> {
    let arrived = Instant::now();
    let until = deadline(&context, app.clock.now(), BUDGET, RESERVE);
    let records = records::read(&batch)?;
    let mut organizations: BTreeMap<(&TenantId, &OrganizationId), OfOrganization<'_>> =
        BTreeMap::new();
    let mut unreadable = 0;
    for record in &records {
        match &record.event {
            Ok(published) => {
                let event = &published.event;
                if let Some(organization) = &event.organization_id {
                    let of = organizations.entry((&event.tenant_id, organization));
                    let of = of.or_default();
                    of.events.push(event);
                    of.numbers.push(record.sequence_number.clone());
                }
            }
            // It is on the queue of failures of publish-events, which reads the same stream.
            Err(error) => {
                unreadable += 1;
                report(
                    &app,
                    &context,
                    "event-not-counted",
                    &of_record(record, error),
                );
            }
        }
    }

    let counts = organizations.into_iter();
    let counts: Vec<_> = counts
        .map(|((tenant, organization), of)| count(&app, &context, until, tenant, organization, of))
        .collect();
    let counts = stream::iter(counts).buffer_unordered(AT_ONCE);
    let (failed, measure) = metered(counts.collect::<Vec<_>>()).await;
    let failed: Vec<_> = failed.into_iter().flatten().collect();

    app.telemetry.write(&RunLine {
        now: app.clock.now(),
        request_id: &context.request_id,
        counts: TrackCounts {
            records: records.len(),
            unreadable,
            failed: failed.len(),
        },
        duration: arrived.elapsed(),
        measure: Some(measure),
    });
    let failed = failed
        .iter()
        .map(|number| json!({"itemIdentifier": number}));
    Ok(json!({"batchItemFailures": failed.collect::<Vec<_>>()}))
}

/// Counts the events of an organization. Returns the numbers of its records if that failed.
async fn count(
    app: &App,
    context: &Context,
    until: tokio::time::Instant,
    tenant: &TenantId,
    organization: &OrganizationId,
    of: OfOrganization<'_>,
) -> Vec<String> {
    let counted = async {
        app.store
            .count_members(tenant, organization, &of.events)
            .await?;
        copy_names(app, tenant, organization, &of.events).await?;
        erase_late_events(app, tenant, &of.events).await
    };
    let error: Error = match tokio::time::timeout_at(until, counted).await {
        Ok(Ok(())) => return Vec::new(),
        Ok(Err(error)) => error.into(),
        Err(elapsed) => elapsed.into(),
    };
    report(app, context, "members-not-counted", &error);
    of.numbers
}

/// Copies the names of users onto the memberships that were made without reading their profiles.
async fn copy_names(
    app: &App,
    tenant: &TenantId,
    organization: &OrganizationId,
    events: &[&Event],
) -> Result<(), store::Error> {
    use EventType::{MembershipAccepted, MembershipAdded, MembershipInvited};

    let made = [MembershipAccepted, MembershipAdded, MembershipInvited];
    let made = events
        .iter()
        .filter(|event| made.contains(&event.event_type));
    let users: BTreeSet<_> = made
        .flat_map(|event| event.users())
        .filter_map(|user| UserId::from_table(user).ok())
        .collect();
    for user in &users {
        app.store.copy_profile(tenant, user, organization).await?;
    }
    Ok(())
}

/// Removes the personal details of erased users from events that were written after the erasure. A login that was under
/// way takes back the memberships that it made, with events that do not name the user.
async fn erase_late_events(
    app: &App,
    tenant: &TenantId,
    events: &[&Event],
) -> Result<(), store::Error> {
    let removed = events
        .iter()
        .filter(|event| event.event_type == EventType::MembershipRemoved);
    let mut unnamed = BTreeMap::new();
    for event in removed {
        let targets = event.targets.iter();
        let users = targets.filter(|it| it.target_type == TargetType::User && it.name.is_none());
        for user in users.filter_map(|it| UserId::from_table(&it.id).ok()) {
            let since = event.occurred_at.before(LONGEST_SYNC);
            let first = unnamed.entry(user).or_insert(since);
            *first = since.min(*first);
        }
    }
    for (user, since) in unnamed {
        app.store.erase_late_events(tenant, &user, since).await?;
    }
    Ok(())
}

fn of_record(record: &EventRecord, error: &impl std::fmt::Display) -> Error {
    Error::from(format!("record {}: {error}", record.sequence_number))
}

fn report(app: &App, context: &Context, code: &str, error: &Error) {
    let now = app.clock.now();
    app.telemetry
        .failure(now, &context.request_id, code, error.as_ref());
}
