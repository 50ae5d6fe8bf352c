//! The format of every key. No other module knows it.
//!
//! The tenant comes first in every partition key. User ids, names and email addresses are escaped, so that no
//! value can imitate another key. Other ids cannot contain `#`, the separator (see `domain::ids`).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use sha2::{Digest, Sha256};

use super::table::Item;
pub(super) use super::table::Key;
use crate::domain::{
    DirectoryId, DirectoryRunId, Domain, Email, EntraId, EntraObjectId, EventId, FoldedName,
    InvitationId, OrganizationId, OrganizationStatus, TeamId, TenantId, Timestamp, UserId,
    WebhookEndpointId,
};

/// Index of members by organization, organizations by name, and users by email address.
pub(super) const GSI1: &str = "gsi1";
/// Sparse index of organizations by domain, of the domains to check again, and of the directories to read.
pub(super) const GSI2: &str = "gsi2";
/// Index of people by name and email address: the members of an organization, and the users of a tenant.
pub(super) const GSI3: &str = "gsi3";

/// Sort key prefix of a user's team memberships.
pub(super) const TEAM_MEMBERSHIP_PREFIX: &str = "TEAM#";
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
    Key::new(user_partition(tenant, user), "USER")
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

/// Returns the key of a team.
pub(super) fn team(tenant: &TenantId, team: &TeamId) -> Key {
    Key::new(team_partition(tenant, team), "TEAM")
}

/// Returns the partition of a team; in [`GSI1`], the partition of its members.
pub(super) fn team_partition(tenant: &TenantId, team: &TeamId) -> String {
    format!("TENANT#{tenant}#TEAM#{team}")
}

/// Returns the partition of an organization's teams in [`GSI1`], or of the tenant's standalone teams.
pub(super) fn teams_partition(tenant: &TenantId, organization: Option<&OrganizationId>) -> String {
    match organization {
        Some(organization) => format!("TENANT#{tenant}#ORG#{organization}#TEAMS"),
        None => format!("TENANT#{tenant}#TEAMS"),
    }
}

/// Returns the sort key of a team in [`GSI1`], which sorts by name.
pub(super) fn team_by_name(name: &FoldedName, team: &TeamId) -> String {
    format!("{}#{team}", name_part(name))
}

/// Returns the key of the reservation of a team's name in its organization.
pub(super) fn team_name_reservation(
    tenant: &TenantId,
    organization: &OrganizationId,
    name: &FoldedName,
) -> Key {
    Key::new(
        format!(
            "TENANT#{tenant}#ORG#{organization}#TEAMNAME#{}",
            name_part(name)
        ),
        "TEAMNAME",
    )
}

/// Returns the key of a team membership.
pub(super) fn team_membership(tenant: &TenantId, user: &UserId, team: &TeamId) -> Key {
    Key::new(
        user_partition(tenant, user),
        format!("{TEAM_MEMBERSHIP_PREFIX}{team}"),
    )
}

/// Returns the team in the key of a team membership.
pub(super) fn team_in(key: &Key) -> Option<TeamId> {
    TeamId::parse(key.sk.strip_prefix(TEAM_MEMBERSHIP_PREFIX)?).ok()
}

/// Returns the key of a team membership in [`GSI1`], under its team.
pub(super) fn team_member(tenant: &TenantId, team: &TeamId, user: &UserId) -> Key {
    Key::new(team_partition(tenant, team), user_place(user))
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

/// Sort key prefix of a domain of an organization.
pub(super) const DOMAIN_PREFIX: &str = "DOMAIN#";

/// Returns the partition of an organization's domains.
pub(super) fn domains_partition(tenant: &TenantId, organization: &OrganizationId) -> String {
    format!("TENANT#{tenant}#ORG#{organization}#DOMAINS")
}

/// Returns the key of a domain of an organization, verified or not.
pub(super) fn domain(tenant: &TenantId, organization: &OrganizationId, domain: &Domain) -> Key {
    domain_at(tenant, organization, format!("{DOMAIN_PREFIX}{domain}"))
}

/// Returns the key of a domain of an organization with this sort key.
pub(super) fn domain_at(
    tenant: &TenantId,
    organization: &OrganizationId,
    place: impl Into<String>,
) -> Key {
    Key::new(domains_partition(tenant, organization), place)
}

/// Returns the key of the number of an organization's domains.
pub(super) fn domain_count(tenant: &TenantId, organization: &OrganizationId) -> Key {
    Key::new(domains_partition(tenant, organization), "COUNT")
}

/// Returns the key of the item that gives a verified domain to one organization of the tenant.
pub(super) fn domain_claim(tenant: &TenantId, domain: &Domain) -> Key {
    Key::new(format!("TENANT#{tenant}#VERIFIED#{domain}"), "VERIFIED")
}

/// Returns the key of the item that a tenant has once one of its organizations has verified a domain.
pub(super) fn has_domains(tenant: &TenantId) -> Key {
    Key::new(format!("TENANT#{tenant}#VERIFIED"), "ANY")
}

/// Returns the partition in [`GSI2`] of the verified domains of all tenants, by the time of their next check. No
/// tenant has an empty id.
pub(super) fn domain_checks_partition() -> String {
    "TENANT##CHECKS".to_owned()
}

/// Returns the place of a verified domain in that partition.
pub(super) fn domain_check_place(
    due: Timestamp,
    (tenant, organization): (&TenantId, &OrganizationId),
    domain: &Domain,
) -> String {
    format!("{due}#{tenant}#{organization}#{domain}")
}

/// Returns the key of the mark that a user has left an organization, so that no domain adds them again. In the user's
/// partition it sorts between the email address and the memberships.
pub(super) fn left_mark(tenant: &TenantId, user: &UserId, organization: &OrganizationId) -> Key {
    Key::new(user_partition(tenant, user), format!("LEFT#{organization}"))
}

/// Sort key prefix of a directory.
pub(super) const DIRECTORY_PREFIX: &str = "DIRECTORY#";

/// Returns the partition of a tenant's directories.
pub(super) fn directories_partition(tenant: &TenantId) -> String {
    format!("TENANT#{tenant}#DIRECTORIES")
}

/// Returns the key of a directory.
pub(super) fn directory(tenant: &TenantId, directory: &DirectoryId) -> Key {
    directory_at(tenant, format!("{DIRECTORY_PREFIX}{directory}"))
}

/// Returns the key of a directory with this sort key.
pub(super) fn directory_at(tenant: &TenantId, place: impl Into<String>) -> Key {
    Key::new(directories_partition(tenant), place)
}

/// Returns the key of the item that names the tenant's only directory of Entra.
pub(super) fn entra_directory(tenant: &TenantId) -> Key {
    directory_at(tenant, "ENTRA")
}

/// Returns the key of what is left of a deleted directory, for logins that were under way.
pub(super) fn deleted_directory(tenant: &TenantId, directory: &DirectoryId) -> Key {
    directory_at(tenant, format!("DELETED#{directory}"))
}

/// Returns the key of the item that gives an Entra tenant to one directory of the deployment. No tenant has an empty
/// id.
pub(super) fn entra_claim(tenant: &EntraId) -> Key {
    Key::new(format!("TENANT##ENTRA#{tenant}"), "ENTRA")
}

/// Returns the partition in [`GSI2`] of the directories of all tenants that runs read. No tenant has an empty id.
pub(super) fn runs_partition() -> String {
    "TENANT##RUNS".to_owned()
}

/// Returns the place of a directory in that partition.
pub(super) fn directory_to_run(tenant: &TenantId, directory: &DirectoryId) -> Key {
    Key::new(runs_partition(), format!("{tenant}#{directory}"))
}

/// Returns the key of what is kept between the runs of a directory.
pub(super) fn run_state(tenant: &TenantId, directory: &DirectoryId) -> Key {
    directory_at(tenant, format!("RUNS#{directory}"))
}

/// Returns the partition of what belongs to a directory.
pub(super) fn directory_partition(tenant: &TenantId, directory: &DirectoryId) -> String {
    format!("TENANT#{tenant}#DIRECTORY#{directory}")
}

/// Sort key prefix of a run.
pub(super) const RUN_PREFIX: &str = "RUN#";

/// Returns the key of a run of a directory.
pub(super) fn run(tenant: &TenantId, directory: &DirectoryId, run: &DirectoryRunId) -> Key {
    let partition = directory_partition(tenant, directory);
    Key::new(partition, format!("{RUN_PREFIX}{run}"))
}

/// Returns the key of the item that lists a user by the object id of their account in [`GSI3`]. In the user's partition it
/// sorts before all memberships.
pub(super) fn account_entry(tenant: &TenantId, user: &UserId) -> Key {
    Key::new(user_partition(tenant, user), "ACCOUNT")
}

/// Returns the partition in [`GSI3`] of the users with this account in Entra: one, or several who sign in through
/// different user pools.
pub(super) fn users_of_account(tenant: &TenantId, account: &EntraObjectId) -> String {
    let account = account.as_str().to_ascii_lowercase();
    format!("TENANT#{tenant}#ACCOUNT#{account}")
}

/// Sort key prefix of a webhook endpoint.
pub(super) const WEBHOOK_ENDPOINT_PREFIX: &str = "ENDPOINT#";

/// Returns the partition of a tenant's webhook endpoints.
pub(super) fn webhook_endpoints_partition(tenant: &TenantId) -> String {
    format!("TENANT#{tenant}#WEBHOOKS")
}

/// Returns the key of a webhook endpoint.
pub(super) fn webhook_endpoint(tenant: &TenantId, endpoint: &WebhookEndpointId) -> Key {
    webhook_endpoint_at(tenant, format!("{WEBHOOK_ENDPOINT_PREFIX}{endpoint}"))
}

/// Returns the key of a webhook endpoint with this sort key.
pub(super) fn webhook_endpoint_at(tenant: &TenantId, place: impl Into<String>) -> Key {
    Key::new(webhook_endpoints_partition(tenant), place)
}

/// Returns the key of the number of a tenant's webhook endpoints.
pub(super) fn webhook_endpoint_count(tenant: &TenantId) -> Key {
    Key::new(webhook_endpoints_partition(tenant), "COUNT")
}

/// Returns the partition of the deliveries to a webhook endpoint.
pub(super) fn webhook_deliveries_partition(
    tenant: &TenantId,
    endpoint: &WebhookEndpointId,
) -> String {
    format!("TENANT#{tenant}#WEBHOOK#{endpoint}#DELIVERIES")
}

/// Returns the key of the delivery of an event to a webhook endpoint.
pub(super) fn webhook_delivery(
    tenant: &TenantId,
    endpoint: &WebhookEndpointId,
    event: EventId,
) -> Key {
    Key::new(
        webhook_deliveries_partition(tenant, endpoint),
        event.to_string(),
    )
}

/// Sort key prefix of an invitation.
pub(super) const INVITATION_PREFIX: &str = "INVITATION#";

/// Returns the partition of an organization's invitations. Apart from the organization, whose partition has the load of
/// every request.
pub(super) fn invitations_partition(tenant: &TenantId, organization: &OrganizationId) -> String {
    format!("TENANT#{tenant}#ORG#{organization}#INVITATIONS")
}

/// Returns the key of an invitation.
pub(super) fn invitation(
    tenant: &TenantId,
    organization: &OrganizationId,
    id: &InvitationId,
) -> Key {
    invitation_at(tenant, organization, format!("{INVITATION_PREFIX}{id}"))
}

/// Returns the key of an invitation with this sort key.
pub(super) fn invitation_at(
    tenant: &TenantId,
    organization: &OrganizationId,
    place: impl Into<String>,
) -> Key {
    Key::new(invitations_partition(tenant, organization), place)
}

/// Returns the partition in [`GSI1`] of the invitations of an address, in all organizations of the tenant.
pub(super) fn invitations_of(tenant: &TenantId, email: &Email) -> String {
    format!("TENANT#{tenant}#INVITED#{}", escaped(&email.folded()))
}

/// Returns the key of an invitation in [`GSI1`], under its address and sorted by creation.
pub(super) fn invitation_by_email(
    tenant: &TenantId,
    email: &Email,
    organization: &OrganizationId,
    id: &InvitationId,
) -> Key {
    Key::new(
        invitations_of(tenant, email),
        format!("{}{organization}", invitation_place(id)),
    )
}

/// Returns the start of the sort key of an invitation in [`GSI1`].
pub(super) fn invitation_place(id: &InvitationId) -> String {
    format!("{INVITATION_PREFIX}{id}#")
}

/// Returns the attributes from which a query of an address in [`GSI1`] continues after this sort key.
pub(super) fn invitation_start(tenant: &TenantId, email: &Email, place: &str) -> Option<Item> {
    let (id, organization) = place.strip_prefix(INVITATION_PREFIX)?.split_once('#')?;
    let id = InvitationId::parse(id).ok()?;
    let organization = OrganizationId::parse(organization).ok()?;
    let mut start = invitation(tenant, &organization, &id).attributes();
    start.extend(invitation_by_email(tenant, email, &organization, &id).attributes_of(GSI1));
    Some(start)
}

/// Returns the key of the item that an address has while it is invited into an organization. It is what makes a second
/// pending invitation fail.
pub(super) fn invitee(tenant: &TenantId, organization: &OrganizationId, email: &Email) -> Key {
    let email = escaped(&email.folded());
    Key::new(
        format!("TENANT#{tenant}#ORG#{organization}#INVITEE#{email}"),
        "INVITEE",
    )
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
    let whole = escaped(name.as_str());
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
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Name;

    fn folded(text: &str) -> FoldedName {
        text.parse::<Name>().unwrap().folded()
    }

    fn organization_id() -> OrganizationId {
        OrganizationId::parse("o1").unwrap()
    }

    fn team_id() -> TeamId {
        TeamId::parse("m1").unwrap()
    }

    fn joined_at() -> Timestamp {
        "2026-01-02T03:04:05.006Z".parse().unwrap()
    }

    #[test]
    fn keys_match_the_data_model() {
        let tenant = TenantId::parse("t").unwrap();
        let ada = UserId::parse("ada").unwrap();
        let o1 = organization_id();
        let keys = [
            user(&tenant, &ada),
            membership(&tenant, &ada, &o1),
            member(&tenant, &o1, &ada, joined_at()),
            email_entry(&tenant, &ada),
            organization(&tenant, &o1),
            name_reservation(&tenant, &folded("Acme")),
            user_by_email(&tenant, &"Ada#1@x.example".parse().unwrap(), &ada),
        ];
        let texts = keys.map(|key| format!("{} {}", key.pk, key.sk));
        assert_eq!(
            texts,
            [
                "TENANT#t#USER#ada USER",
                "TENANT#t#USER#ada ORG#o1",
                "TENANT#t#ORG#o1 USER#$2026-01-02T03:04:05.006Z#ada",
                "TENANT#t#USER#ada EMAIL",
                "TENANT#t#ORG#o1 ORG",
                "TENANT#t#ORGNAME#acme ORGNAME",
                "TENANT#t#EMAIL#ada$31@x.example USER#ada",
            ]
        );
    }

    #[test]
    fn a_user_id_in_a_key_is_escaped_and_read_back() {
        let tenant = TenantId::parse("t").unwrap();
        for (id, place) in [
            ("A-Z.a_z@0+9:x|y=", "USER#A-Z.a_z@0+9:x|y="),
            ("CN=Bob,OU=x", "USER#CN=Bob%2COU=x"),
            (r"CORP\bob", "USER#CORP%5Cbob"),
            ("a#b", "USER#a%23b"),
            ("a%23b", "USER#a%2523b"),
            ("~ /", "USER#%7E%20%2F"),
        ] {
            let id = UserId::parse(id).unwrap();
            assert_eq!(team_member(&tenant, &team_id(), &id).sk, place);
            assert_eq!(user_at(place), Some(id.clone()));
            assert_eq!(member_at(place), Some(id.clone()));
            let member = member(&tenant, &organization_id(), &id, joined_at()).sk;
            assert!(member.as_str() < "USER#%", "{member}");
            assert_eq!(member_at(&member), Some(id.clone()));
            assert_eq!(person_at(&person_place("a # $ name", &id)), Some(id));
        }
        let longest = UserId::parse("#".repeat(255)).unwrap();
        let key = idempotency(&tenant, &longest, "POST /organizations", "k");
        assert!(key.pk.len() <= 2_048 && user_place(&longest).len() <= MAX_SORT_KEY_BYTES);
        for other in ["USER", "USER#", "ORG#a", "USER#%C3%A4"] {
            assert_eq!(user_at(other), None, "{other}");
        }
    }

    #[test]
    fn a_name_sorts_before_longer_names_with_the_same_start() {
        let mut keys: Vec<_> = ["Acme Corp", "Acme!", "Acme#1", "Acme", "Acme$", "Acme-Corp"]
            .map(|name| by_name(&folded(name), &organization_id()))
            .into();
        keys.sort();
        assert_eq!(
            keys,
            [
                "acme#o1",
                "acme$0corp#o1",
                "acme$1#o1",
                "acme$31#o1",
                "acme$4#o1",
                "acme-corp#o1"
            ]
        );
    }

    #[test]
    fn a_long_name_is_cut_after_the_last_character_that_fits() {
        let x = |count| "x".repeat(count);
        for (name, cut_to) in [
            (x(800), x(800)),
            (x(801), x(800)),
            (x(798) + "$3y", x(798) + "$3"),
            (x(799) + "$3y", x(799)),
            (x(798) + "éy", x(798) + "é"),
            (x(799) + "éy", x(799)),
        ] {
            assert_eq!(cut(&name, MAX_NAME_BYTES), cut_to);
        }
    }

    #[test]
    fn the_longest_names_fit_and_stay_different() {
        let one = "😀".repeat(254) + "a";
        let other = "😀".repeat(254) + "b";
        let widest = "\u{fdfa}".repeat(255);
        for name in [&one, &other, &widest] {
            let place = by_name(
                &folded(name),
                &OrganizationId::parse("o".repeat(128)).unwrap(),
            );
            assert!(place.len() <= 1_024, "{}", place.len());
            assert!(place.starts_with(&name_prefix_start(&Name::folded_prefix(name))));
        }
        assert_ne!(name_start(&folded(&one)), name_start(&folded(&other)));
    }

    #[test]
    fn the_longest_key_of_a_person_fits() {
        let user = UserId::parse("#".repeat(255)).unwrap();
        let name = folded(&"\u{fdfa}".repeat(255));
        let place = person_place(name.as_str(), &user);
        assert!(place.len() <= MAX_SORT_KEY_BYTES, "{}", place.len());
        assert!(place.starts_with(&person_start(name.as_str())));
        assert_eq!(person_at(&place), Some(user));
        assert_eq!(person_place("", &UserId::parse("ada").unwrap()), "#ada");
    }

    proptest! {
        #[test]
        fn user_ids_round_trip_as_one_key_part(id in "[ -~]{1,255}") {
            if let Ok(id) = UserId::parse(id) {
                let place = user_place(&id);
                prop_assert_eq!(place.matches('#').count(), 1);
                prop_assert_eq!(user_at(&place), Some(id));
            }
        }

        #[test]
        fn name_keys_keep_the_order_of_names(a in "[ -~äß]{1,12}", b in "[ -~äß]{1,12}") {
            if let (Ok(a), Ok(b)) = (a.parse::<Name>(), b.parse::<Name>()) {
                let (a, b) = (a.folded(), b.folded());
                prop_assert_eq!(a.cmp(&b), name_start(&a).cmp(&name_start(&b)));
            }
        }

        #[test]
        fn a_prefix_matches_exactly_the_names_that_start_with_it(
            name in "[ -~]{1,12}", prefix in "[ -~]{1,4}",
        ) {
            if let Ok(name) = name.parse::<Name>() {
                let prefix = Name::folded_prefix(&prefix);
                let found = name_start(&name.folded()).starts_with(&name_prefix_start(&prefix));
                prop_assert_eq!(found, name.folded().as_str().starts_with(prefix.as_str()));
            }
        }

        #[test]
        fn a_cut_never_halves_an_escape(text in "[ $#😀a]{150,255}") {
            let escaped = escaped(&text);
            let cut = cut(&escaped, MAX_NAME_BYTES);
            prop_assert!(escaped.starts_with(cut));
            prop_assert!(cut.matches('$').count() == cut.matches(['0', '1', '2', '3', '4']).count());
        }
    }
}
