//! How values with few variants are spelled, in requests, responses and the table.

use super::*;

/// Checks the spelling of each value, and that it is read back from it and from no other.
#[track_caller]
fn are_spelled<T>(values: &[(T, &str)], spelled: impl Fn(T) -> &'static str)
where
    T: std::str::FromStr + Copy + PartialEq + std::fmt::Debug,
{
    for (value, text) in values {
        assert_eq!(spelled(*value), *text);
        assert!(text.parse::<T>().is_ok_and(|read| read == *value), "{text}");
        assert!(text.to_uppercase().parse::<T>().is_err(), "{text}");
    }
    assert!("".parse::<T>().is_err());
}

#[test]
fn statuses_are_spelled_as_documented() {
    are_spelled(
        &[
            (DomainStatus::Pending, "pending"),
            (DomainStatus::Verified, "verified"),
            (DomainStatus::Failed, "failed"),
        ],
        DomainStatus::as_str,
    );
    are_spelled(
        &[
            (UserStatus::Enabled, "enabled"),
            (UserStatus::Disabled, "disabled"),
        ],
        UserStatus::as_str,
    );
    are_spelled(
        &[
            (WebhookStatus::Enabled, "enabled"),
            (WebhookStatus::Disabled, "disabled"),
        ],
        WebhookStatus::as_str,
    );
    are_spelled(
        &[
            (DeliveryStatus::Pending, "pending"),
            (DeliveryStatus::Delivered, "delivered"),
            (DeliveryStatus::Failed, "failed"),
        ],
        DeliveryStatus::as_str,
    );
    are_spelled(
        &[
            (InvitationStatus::Pending, "pending"),
            (InvitationStatus::Accepted, "accepted"),
            (InvitationStatus::Declined, "declined"),
            (InvitationStatus::Revoked, "revoked"),
            (InvitationStatus::Expired, "expired"),
        ],
        InvitationStatus::as_str,
    );
    for (status, text) in [
        (DirectoryStatus::Active, "active"),
        (DirectoryStatus::Paused, "paused"),
        (DirectoryStatus::Broken, "broken"),
    ] {
        assert_eq!(status.as_str(), text);
        assert_eq!(serde_json::to_value(status).unwrap(), text);
    }
    for (reason, text) in [
        (DisabledReason::Requested, "requested"),
        (DisabledReason::Gone, "gone"),
        (DisabledReason::Failing, "failing"),
    ] {
        assert_eq!(reason.as_str(), text);
        assert_eq!(serde_json::to_value(reason).unwrap(), text);
    }
}

#[test]
fn choices_are_read_from_their_spelling() {
    assert_eq!("keep".parse(), Ok(OnLeave::Keep));
    assert_eq!("remove".parse(), Ok(OnLeave::Remove));
    assert_eq!("suspend".parse(), Ok(OnLeave::Suspend));
    assert_eq!("keep".parse(), Ok(MembershipsOfDeleted::Keep));
    assert_eq!("remove".parse(), Ok(MembershipsOfDeleted::Remove));
    assert_eq!("object_id".parse(), Ok(LinkBy::ObjectId));
    assert_eq!("user_id".parse(), Ok(LinkBy::UserId));
    assert_eq!("active".parse(), Ok(TeamStatus::Active));
    assert_eq!("suspended".parse(), Ok(TeamStatus::Suspended));
    assert_eq!("entra".parse(), Ok(DirectoryType::Entra));
    assert_eq!("scim".parse(), Ok(DirectoryType::Scim));
    assert!("delete".parse::<OnLeave>().is_err());
    assert!("suspend".parse::<MembershipsOfDeleted>().is_err());
    assert!("email".parse::<LinkBy>().is_err());
    assert!("invited".parse::<TeamStatus>().is_err());
    assert!("okta".parse::<DirectoryType>().is_err());
}

/// Checks the text of the error for a name that the enum does not have.
#[track_caller]
fn is_refused<T>(text: &str)
where
    T: std::str::FromStr<Err = Invalid> + std::fmt::Debug,
{
    for unknown in ["Nothing", ""] {
        assert_eq!(unknown.parse::<T>().unwrap_err().to_string(), text);
    }
}

#[test]
fn unknown_names_are_refused_with_the_known_ones() {
    is_refused::<Role>(
        "must be one of owner, admin, org_admin, manager, member, internal_user, readonly, \
         internal_user_viewer",
    );
    is_refused::<Status>("must be one of active, invited, suspended");
    is_refused::<InvitationStatus>("must be one of pending, accepted, declined, revoked, expired");
    is_refused::<TeamRole>("must be one of leader, member");
    is_refused::<TeamStatus>("must be active or suspended");
    is_refused::<UserStatus>("must be enabled or disabled");
    is_refused::<OrganizationStatus>("must be active or deleted");
    is_refused::<DomainStatus>("must be pending, verified or failed");
    is_refused::<WebhookStatus>("must be enabled or disabled");
    is_refused::<DeliveryStatus>("must be pending, delivered or failed");
    is_refused::<DirectoryType>("must be entra or scim");
    is_refused::<RequestedDirectoryStatus>("must be active or paused");
    is_refused::<MembershipsOfDeleted>("must be keep or remove");
    is_refused::<OnLeave>("must be remove, suspend or keep");
    is_refused::<LinkBy>("must be object_id or user_id");
    is_refused::<EventType>("must be an event type");
}

#[test]
fn names_are_spelled_in_lower_case() {
    assert!("Owner".parse::<Role>().is_err());
    assert!("Active".parse::<Status>().is_err());
    assert!("Leader".parse::<TeamRole>().is_err());
    assert!("Entra".parse::<DirectoryType>().is_err());
    assert!("Keep".parse::<OnLeave>().is_err());
    assert!("Membership.added".parse::<EventType>().is_err());
}

/// Checks that a value is written as the text that it is read from.
#[track_caller]
fn is_text<T>(text: &str)
where
    T: std::str::FromStr<Err = Invalid> + Into<String>,
{
    assert_eq!(text.parse::<T>().unwrap().into(), text);
}

#[test]
fn texts_are_written_as_they_were_read() {
    is_text::<EntraId>("8e881353-1735-45af-af21-ee1344582a4d");
    is_text::<SecretArn>("arn:aws:secretsmanager:eu-central-1:0:secret:a");
    is_text::<EventId>("01a2b3c4-d5e6-7a08-9b0c-1d2e3f405162");
    is_text::<EventTypePattern>("membership.*");
    is_text::<RedirectUrl>("https://app.example/welcome");
    is_text::<WebhookUrl>("https://hooks.example/muster");
    let id: EntraId = "8E881353-1735-45AF-AF21-EE1344582A4D".parse().unwrap();
    assert_eq!(id.to_string(), "8e881353-1735-45af-af21-ee1344582a4d");
    assert_eq!(id.as_str(), id.to_string());
    let pattern: EventTypePattern = "team.*".parse().unwrap();
    assert_eq!(pattern.as_str(), "team.*");
    assert_eq!(EventType::TeamCreated.to_string(), "team.created");
    let url: WebhookUrl = "https://hooks.example/muster".parse().unwrap();
    assert_eq!(url.to_string(), "https://hooks.example/muster");
    let id: EventId = "01a2b3c4-d5e6-7a08-9b0c-1d2e3f40516b".parse().unwrap();
    assert_eq!(id.last_digit(), 0xb);
}

#[test]
fn only_the_arn_of_a_secret_is_one() {
    let arn: SecretArn = "arn:aws-cn:secretsmanager:cn-north-1:1:secret:a:b"
        .parse()
        .unwrap();
    assert_eq!((arn.partition(), arn.region()), ("aws-cn", "cn-north-1"));
    assert_eq!(
        arn.as_str(),
        "arn:aws-cn:secretsmanager:cn-north-1:1:secret:a:b"
    );
    for other in [
        "arn::secretsmanager:eu-central-1:0:secret:a",
        "arn:aws:secretsmanager::0:secret:a",
        "arn:aws:secretsmanager:eu-central-1:0:secret:",
        "arn:aws/x:secretsmanager:eu-central-1:0:secret:a",
        "arn:aws:secretsmanager:eu.central:0:secret:a",
        "arn:aws:s3:eu-central-1:0:secret:a",
    ] {
        assert!(other.parse::<SecretArn>().is_err(), "{other}");
    }
    let long = |name: usize| format!("arn:aws:secretsmanager:r:0:secret:{}", "a".repeat(name));
    assert!(long(4_000).parse::<SecretArn>().is_err());
    assert!(
        "8e881353173545afaf21ee1344582a4d"
            .parse::<EntraId>()
            .is_err()
    );
    assert!(
        "8e881353-1735-45af-af21-ee1344582a4g"
            .parse::<EntraId>()
            .is_err()
    );
}
