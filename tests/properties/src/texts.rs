//! Names, domains, email addresses, durations, times and all other texts with a rule; metadata.

use std::fmt::Debug;
use std::str::FromStr;

use muster::domain::{
    BillingAddress, BudgetDuration, Description, Domain, Email, FoldedName, Invalid,
    InvitationToken, Json, MAX_BILLING_ADDRESS_LENGTH, MAX_DESCRIPTION_LENGTH, MAX_DOMAIN_LENGTH,
    MAX_EMAIL_LENGTH, MAX_METADATA_BYTES, MAX_NAME_LENGTH, MAX_STRIPE_CUSTOMER_ID_LENGTH, Metadata,
    Name, Role, Status, StripeCustomerId, TeamRole, Timestamp,
};

use crate::Property;
use crate::input::texts;

pub(crate) const PROPERTY: Property = Property {
    name: "texts",
    check,
    seeds: &[
        b"Acme Corp",
        "Stra\u{df}e \u{ff21}\u{ad}".as_bytes(),
        b"xn--bcher-kva.example",
        "b\u{fc}cher.Example".as_bytes(),
        b"\"a b\"@acme.example",
        b"24h",
        b"cus_NffrFeUfNV2Hib",
        b"2026-11-20T23:51:36.042Z",
        b"{\"a\":{\"b\":[1,2.50,null]}}\xff{\"a\":{\"b\":null}}",
        b"internal_user_viewer",
        b"inv1_YWNtZSNvI2kjYWRh.c2lnbmF0dXJl",
    ],
};

fn check(data: &[u8]) {
    let [text, other] = texts(data);
    name(&text, &other);
    if let Some(domain) = same_again::<Domain>(&text, ToString::to_string) {
        let domain = domain.as_str();
        assert!(domain.len() <= MAX_DOMAIN_LENGTH && domain.contains('.'));
        assert!(domain.is_ascii() && domain == domain.to_ascii_lowercase());
    }
    if let Some(email) = same_again::<Email>(&text, ToString::to_string) {
        assert!(email.as_str() == text && text.len() <= MAX_EMAIL_LENGTH && text.contains('@'));
        assert!(!text.chars().any(char::is_control), "{text:?}");
    }
    if same_again::<BillingAddress>(&text, ToString::to_string).is_some() {
        assert!(text.chars().count() <= MAX_BILLING_ADDRESS_LENGTH);
    }
    if same_again::<Description>(&text, ToString::to_string).is_some() {
        assert!(text.chars().count() <= MAX_DESCRIPTION_LENGTH);
    }
    if same_again::<StripeCustomerId>(&text, ToString::to_string).is_some() {
        assert!(text.len() <= MAX_STRIPE_CUSTOMER_ID_LENGTH && text.is_ascii());
    }
    same_again::<BudgetDuration>(&text, ToString::to_string);
    same_again::<Role>(&text, |role| role.as_str().to_owned());
    same_again::<Status>(&text, |status| status.as_str().to_owned());
    same_again::<TeamRole>(&text, |role| role.as_str().to_owned());
    token(&text);
    time(&text, &other);
    metadata(&text, &other);
}

/// A token of an invitation names ids of which none contains the separator of keys, except for the last.
fn token(text: &str) {
    let Ok(token) = text.parse::<InvitationToken>() else {
        return;
    };
    assert!(text.starts_with("inv1_") && text.len() <= 1_024, "{text:?}");
    let names = [token.tenant_id().as_str(), token.organization_id().as_str()];
    assert!(names.iter().all(|name| !name.contains('#')), "{names:?}");
}

/// Parsing the text of an accepted value gives the same value.
fn same_again<T: FromStr<Err = Invalid> + PartialEq + Debug>(
    text: &str,
    show: impl Fn(&T) -> String,
) -> Option<T> {
    let value: T = text.parse().ok()?;
    assert_eq!(show(&value).parse().as_ref(), Ok(&value));
    Some(value)
}

fn name(text: &str, other: &str) {
    let Some(name) = same_again::<Name>(text, ToString::to_string) else {
        return;
    };
    assert!((1..=MAX_NAME_LENGTH).contains(&name.as_str().chars().count()));
    assert!(!name.as_str().chars().any(char::is_control));
    let shown: Name = serde_json::from_value(name.as_str().into()).unwrap();
    assert_eq!(shown, name);
    let folded = name.folded();
    assert!(is_folded(&folded) && !folded.as_str().is_empty());
    // Upper case or an additional space means the same.
    if let Ok(wide) = format!(" {text}\u{200b} ").parse::<Name>() {
        assert_eq!(wide.folded(), folded);
    }
    // A search for its prefix finds it.
    if let Ok(longer) = format!("{text} {other}").parse::<Name>() {
        let prefix = Name::folded_prefix(text);
        assert!(is_folded(&prefix));
        let found = longer.folded();
        let prefix = prefix.as_str().trim_end();
        assert!(
            found.as_str().starts_with(prefix),
            "{found:?} by {prefix:?}"
        );
    }
}

/// Folding is idempotent, and leaves only single spaces.
fn is_folded(name: &FoldedName) -> bool {
    let again = Name::folded_prefix(name.as_str());
    let blanks = !name.as_str().contains("  ")
        && name
            .as_str()
            .chars()
            .all(|c| c == ' ' || !c.is_whitespace());
    again == *name && blanks
}

fn time(text: &str, other: &str) {
    if let (Some(one), Ok(two)) = (
        same_again::<Timestamp>(text, ToString::to_string),
        other.parse::<Timestamp>(),
    ) {
        // Their texts sort like the times, between the years 0 and 9999.
        if one.as_millisecond() >= -62_167_219_200_000
            && two.as_millisecond() >= -62_167_219_200_000
        {
            assert_eq!(one.cmp(&two), one.to_string().cmp(&two.to_string()));
        }
    }
}

fn metadata(text: &str, patch: &str) {
    let object = |text: &str| match Json::read(text.as_bytes()) {
        Ok(Json::Object(object)) => Some(object),
        _ => None,
    };
    let Some(whole) = object(text) else { return };
    let Ok(metadata) = Metadata::new(whole.clone()) else {
        return;
    };
    let json = metadata.to_json();
    assert!(json.len() <= MAX_METADATA_BYTES);
    assert_eq!(object(&json).map(Metadata::new), Some(Ok(metadata.clone())));
    if let Some(patch) = object(patch)
        && let Ok(merged) = metadata.merged(&patch)
    {
        assert!(merged.to_json().len() <= MAX_METADATA_BYTES);
        // Applying the same patch again changes nothing.
        assert_eq!(merged.merged(&patch), Ok(merged));
    }
}
