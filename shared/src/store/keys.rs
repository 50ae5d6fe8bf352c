//! The format of every key. No other module knows it.
//!
//! The tenant comes first in every partition key. User ids, names and email addresses are escaped, so that no
//! value can imitate another key. Other ids cannot contain `#`, the separator (see `domain::ids`).

mod directories;
mod domains;
mod invitations;
mod scim;
mod teams;
mod webhooks;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

pub(super) use super::table::Key;
use crate::domain::{
    Domain, Email, EventId, FoldedName, OrganizationId, OrganizationStatus, TenantId, Timestamp,
    UserId, WebhookEndpointId,
};
pub(super) use directories::{
    DIRECTORY_PREFIX, RUN_PREFIX, account_entry, deleted_directory, directories_partition,
    directory, directory_at, directory_partition, directory_to_run, entra_claim, entra_directory,
    run, run_state, runs_partition, users_of_account,
};
pub(super) use domains::{
    DOMAIN_PREFIX, domain, domain_at, domain_check_place, domain_checks_partition, domain_claim,
    domain_count, domains_partition, has_domains, left_mark,
};
pub(super) use invitations::{
    INVITATION_PREFIX, invitation, invitation_at, invitation_by_email, invitation_place,
    invitation_start, invitations_of, invitations_partition, invitee,
};
pub(super) use scim::{
    SCIM_GROUP_PREFIX, SCIM_MEMBER_PREFIX, SCIM_USER_PREFIX, ScimIndex, ScimPlace, scim_access,
    scim_found, scim_found_partition, scim_found_start, scim_group, scim_group_of,
    scim_groups_partition, scim_member, scim_members_partition, scim_name, scim_names_from,
    scim_names_partition, scim_numbers, scim_numbers_partition, scim_partition, scim_pending,
    scim_pending_partition, scim_place, scim_slots, scim_unapplied, scim_unapplied_partition,
    scim_user,
};
pub(super) use teams::{
    team, team_by_name, team_in, team_member, team_membership, team_name_reservation,
    team_partition, teams_partition,
};
pub(super) use webhooks::{
    WEBHOOK_ENDPOINT_PREFIX, webhook_deliveries_partition, webhook_delivery, webhook_endpoint,
    webhook_endpoint_at, webhook_endpoint_count, webhook_endpoints_partition,
};

/// Index of members by organization, organizations by name, and users by email address.
pub(super) const GSI1: &str = "gsi1";
/// Sparse index of organizations by domain, of the domains to check again, and of the directories to read.
pub(super) const GSI2: &str = "gsi2";
/// Index of people by name and email address: the members of an organization, and the users of a tenant.
pub(super) const GSI3: &str = "gsi3";

/// Sort key prefix of a user's team memberships.
pub(super) const TEAM_MEMBERSHIP_PREFIX: &str = "TEAM#";
/// Sort key of a user's profile, right after their team memberships.
pub(super) const PROFILE: &str = "USER";
/// Sorts after all of a user's team memberships, and before their profile.
pub(super) const TEAM_MEMBERSHIPS_END: &str = "TEAM#~";
/// Prefix of the index key of a user.
pub(super) const USER_PREFIX: &str = "USER#";
/// Sort key prefix of a user's memberships.
pub(super) const MEMBERSHIP_PREFIX: &str = "ORG#";

/// Maximum length of a DynamoDB sort key, in bytes.
pub(super) const MAX_SORT_KEY_BYTES: usize = 1_024;
/// Maximum length of an escaped name in a key, in bytes. A sort key also contains an id, and a name of 255
/// characters can exceed the rest.
const MAX_NAME_BYTES: usize = 800;
/// Maximum length of an escaped name or email address in the key of a person, in bytes. The key also contains the
/// escaped user id, of up to 765 bytes.
const MAX_PERSON_BYTES: usize = 250;

/// Characters that are percent-encoded in a user id: all but those that other ids may contain too. A user id
/// without any other character is its own key part.
const ESCAPED_IN_USER_ID: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'.')
    .remove(b'_')
    .remove(b'-')
    .remove(b'@')
    .remove(b'+')
    .remove(b':')
    .remove(b'|')
    .remove(b'=');

/// Returns the partition of a user's items: profile, memberships, team memberships.
pub(super) fn user_partition(tenant: &TenantId, user: &UserId) -> String {
    format!("TENANT#{tenant}#USER#{}", user_part(user))
}

/// Returns the key of a user's profile.
pub(super) fn user(tenant: &TenantId, user: &UserId) -> Key {
    Key::new(user_partition(tenant, user), PROFILE)
}

/// Returns the key of a user's profile in [`GSI1`].
pub(super) fn user_by_email(tenant: &TenantId, email: &Email, user: &UserId) -> Key {
    Key::new(users_of_email(tenant, email), user_place(user))
}

/// Returns the partition in [`GSI1`] of the users with an email address.
pub(super) fn users_of_email(tenant: &TenantId, email: &Email) -> String {
    format!("TENANT#{tenant}#EMAIL#{}", escaped(&email.folded()))
}

/// Returns the index key of a user, sorted by id.
fn user_place(user: &UserId) -> String {
    format!("{USER_PREFIX}{}", user_part(user))
}

/// Returns the user of an index key.
pub(super) fn user_at(place: &str) -> Option<UserId> {
    let escaped = place.strip_prefix(USER_PREFIX)?;
    let id = percent_decode_str(escaped).decode_utf8().ok()?;
    UserId::from_table(id).ok()
}

/// Escapes a user id for a key.
fn user_part(user: &UserId) -> impl std::fmt::Display {
    utf8_percent_encode(user.as_str(), ESCAPED_IN_USER_ID)
}

/// Returns the key of a membership.
pub(super) fn membership(tenant: &TenantId, user: &UserId, organization: &OrganizationId) -> Key {
    Key::new(
        user_partition(tenant, user),
        format!("{MEMBERSHIP_PREFIX}{organization}"),
    )
}

/// Returns the key of a membership in [`GSI1`], under its organization and sorted by the time of joining. Memberships
/// of the last release have the user id alone, which sorts after all times.
pub(super) fn member(
    tenant: &TenantId,
    organization: &OrganizationId,
    user: &UserId,
    joined_at: Timestamp,
) -> Key {
    Key::new(
        organization_partition(tenant, organization),
        format!("{USER_PREFIX}${joined_at}#{}", user_part(user)),
    )
}

/// Returns the user of a membership's key in [`GSI1`].
pub(super) fn member_at(place: &str) -> Option<UserId> {
    match place.strip_prefix(USER_PREFIX)?.strip_prefix('$') {
        Some(joined) => person_at(joined),
        None => user_at(place),
    }
}

/// Returns the partition of an organization's members in [`GSI3`].
pub(super) fn names_partition(tenant: &TenantId, organization: &OrganizationId) -> String {
    format!("TENANT#{tenant}#ORG#{organization}#NAMES")
}

/// Returns the partition of a tenant's users by name in [`GSI3`].
pub(super) fn users_partition(tenant: &TenantId) -> String {
    format!("TENANT#{tenant}#USERS")
}

/// Returns the partition of a tenant's users by email address in [`GSI3`].
pub(super) fn emails_partition(tenant: &TenantId) -> String {
    format!("TENANT#{tenant}#EMAILS")
}

/// Returns the key of the item that lists a user by their email address in [`GSI3`]. In the user's partition it sorts
/// before all memberships.
pub(super) fn email_entry(tenant: &TenantId, user: &UserId) -> Key {
    Key::new(user_partition(tenant, user), "EMAIL")
}

/// Returns the sort key of a person in [`GSI3`], which sorts by the folded name or email address. A person without a
/// name sorts first. A very long text is cut; the user id keeps keys different.
pub(super) fn person_place(folded: &str, user: &UserId) -> String {
    format!("{}#{}", person_start(folded), user_part(user))
}

/// Returns the sort key prefix in [`GSI3`] of all texts that start with `prefix`. A very long prefix is cut.
pub(super) fn person_start(prefix: &str) -> String {
    cut(&escaped(prefix), MAX_PERSON_BYTES).to_owned()
}

/// Returns the user of a person's sort key.
pub(super) fn person_at(place: &str) -> Option<UserId> {
    let (_, escaped) = place.rsplit_once('#')?;
    let id = percent_decode_str(escaped).decode_utf8().ok()?;
    UserId::from_table(id).ok()
}

/// Returns the partition of an organization; in [`GSI1`], the partition of its members.
pub(super) fn organization_partition(tenant: &TenantId, organization: &OrganizationId) -> String {
    format!("TENANT#{tenant}#ORG#{organization}")
}

/// Returns the partition of the number of members of an organization. Apart from the organization, whose partition has
/// the load of every request.
fn member_count_partition(tenant: &TenantId, organization: &OrganizationId) -> String {
    format!("TENANT#{tenant}#ORG#{organization}#MEMBERS")
}

/// Returns the key of the number of members of an organization.
pub(super) fn member_count(tenant: &TenantId, organization: &OrganizationId) -> Key {
    Key::new(member_count_partition(tenant, organization), "COUNT")
}

/// Returns the key of the mark of an event that is in the number of members.
pub(super) fn counted_event(
    tenant: &TenantId,
    organization: &OrganizationId,
    event: EventId,
) -> Key {
    Key::new(
        member_count_partition(tenant, organization),
        format!("COUNTED#{event}"),
    )
}

/// Returns the key of an organization.
pub(super) fn organization(tenant: &TenantId, organization: &OrganizationId) -> Key {
    Key::new(organization_partition(tenant, organization), "ORG")
}

/// Returns the partition suffix of a status. Deleted organizations have their own partitions in the indexes, so
/// that neither list has to skip entries of the other.
const fn suffix(status: OrganizationStatus) -> &'static str {
    match status {
        OrganizationStatus::Active => "",
        OrganizationStatus::Deleted => "#DELETED",
    }
}

/// Returns the partition of a tenant's organizations in [`GSI1`].
pub(super) fn organizations_partition(tenant: &TenantId, status: OrganizationStatus) -> String {
    format!("TENANT#{tenant}#ORGS{}", suffix(status))
}

/// Returns the partition of a domain's organizations in [`GSI2`].
pub(super) fn domain_partition(
    tenant: &TenantId,
    domain: &Domain,
    status: OrganizationStatus,
) -> String {
    format!("TENANT#{tenant}#DOMAIN#{domain}{}", suffix(status))
}

/// Returns the sort key of an organization in [`GSI1`] and [`GSI2`], which sorts by name.
pub(super) fn by_name(name: &FoldedName, organization: &OrganizationId) -> String {
    format!("{}#{organization}", name_part(name))
}

/// Returns the sort key prefix of all organizations with exactly this name.
pub(super) fn name_start(name: &FoldedName) -> String {
    format!("{}#", name_part(name))
}

/// Returns the sort key prefix of all organizations whose names start with `prefix`. A very long prefix is cut.
pub(super) fn name_prefix_start(prefix: &FoldedName) -> String {
    cut(&escaped(prefix.as_str()), MAX_NAME_BYTES).to_owned()
}

/// Returns the key of the reservation of a name.
pub(super) fn name_reservation(tenant: &TenantId, name: &FoldedName) -> Key {
    Key::new(
        format!("TENANT#{tenant}#ORGNAME#{}", name_part(name)),
        "ORGNAME",
    )
}

/// Returns the key of the marker for what the login sync has created in a tenant.
pub(super) fn provisioned_fingerprint(tenant: &TenantId) -> Key {
    Key::new(format!("TENANT#{tenant}#ENTRA"), "MADE")
}

/// Returns one of the partitions that the events of a tenant are spread over. No other key contains `!`, so IAM can
/// single out events by a pattern.
pub(super) fn events_partition(tenant: &TenantId, partition: u8) -> String {
    format!("TENANT#{tenant}#!EVENTS#{partition:x}")
}

/// Returns the key of an event.
pub(super) fn event(tenant: &TenantId, partition: u8, id: EventId) -> Key {
    Key::new(events_partition(tenant, partition), id.to_string())
}

/// Returns the partition of an organization's events in [`GSI1`].
pub(super) fn events_of_organization(tenant: &TenantId, organization: &OrganizationId) -> String {
    format!("TENANT#{tenant}#ORG#{organization}#EVENTS")
}

/// Returns the partition prefix of secrets. The policies of functions deny it by its name, which no other key
/// contains: `!` is escaped everywhere else.
fn secrets(tenant: &TenantId) -> String {
    format!("TENANT#{tenant}#!SECRETS#")
}

/// Returns the key of the secret of a webhook endpoint.
pub(super) fn webhook_secret(tenant: &TenantId, endpoint: &WebhookEndpointId) -> Key {
    Key::new(format!("{}WEBHOOK#{endpoint}", secrets(tenant)), "SECRET")
}

/// Returns the key of the record of a request whose result is a secret.
pub(super) fn idempotency_of_secret(
    tenant: &TenantId,
    caller: &UserId,
    route: &str,
    key: &str,
) -> Key {
    let record = idempotency(tenant, caller, route, key);
    let place = record
        .pk
        .replacen(&format!("TENANT#{tenant}#"), &secrets(tenant), 1);
    Key::new(place, record.sk)
}

/// Returns the key of the record of a request with an `Idempotency-Key`.
pub(super) fn idempotency(tenant: &TenantId, caller: &UserId, route: &str, key: &str) -> Key {
    Key::new(
        format!(
            "TENANT#{tenant}#IDEMPOTENCY#{}#{}#{}",
            user_part(caller),
            escaped(route),
            digest(key)
        ),
        "IDEMPOTENCY",
    )
}

/// Escapes a name for a key. A very long name is cut and completed with its digest, so that different names
/// stay different.
fn name_part(name: &FoldedName) -> String {
    text_part(name.as_str())
}

/// Escapes a text like [`name_part`].
fn text_part(text: &str) -> String {
    let whole = escaped(text);
    let start = cut(&whole, MAX_NAME_BYTES);
    if start.len() == whole.len() {
        whole
    } else {
        // No escape contains `~`, so no other name can produce this text.
        format!("{start}$~{}", digest(&whole))
    }
}

/// Escapes the separator and all characters that sort before it, keeping the order: `#` ends a name in a sort
/// key, and must sort before any next character of a longer name.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            ' ' => escaped.push_str("$0"),
            '!' => escaped.push_str("$1"),
            '"' => escaped.push_str("$2"),
            '#' => escaped.push_str("$3"),
            '$' => escaped.push_str("$4"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Returns the longest prefix of whole characters and escapes of at most `max` bytes.
fn cut(escaped: &str, max: usize) -> &str {
    let mut end = 0;
    let mut rest = escaped;
    while let Some(first) = rest.chars().next() {
        let length = first.len_utf8() + usize::from(first == '$');
        if end + length > max {
            break;
        }
        end += length;
        rest = rest.get(length..).unwrap_or_default();
    }
    escaped.get(..end).unwrap_or(escaped)
}

/// Returns the SHA-256 digest in hexadecimal digits.
fn digest(text: &str) -> String {
    use std::fmt::Write as _;

    Sha256::digest(text.as_bytes())
        .iter()
        .fold(String::with_capacity(64), |mut hex, byte| {
            // Writing to a string cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

#[cfg(test)]
mod tests;
