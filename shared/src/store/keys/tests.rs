use proptest::prelude::*;

use super::*;
use crate::domain::Name;
use crate::domain::{DirectoryId, ScimScope, TeamId};

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

/// A directory of an earlier release is found only under the same keys.
#[test]
fn keys_of_directory_users_stay_the_same() {
    let scope = ScimScope {
        tenant_id: TenantId::parse("t").unwrap(),
        directory_id: DirectoryId::parse("d").unwrap(),
    };
    let place = scim_place("ada@acme.example");
    assert_eq!((place.bucket, place.slot), (21, 9));
    let unapplied = "TENANT#t#DIRECTORY#d#UNAPPLIED";
    assert_eq!(scim_unapplied_partition(&scope), unapplied);
    let pending = "TENANT#t#DIRECTORY#d#PENDING";
    assert_eq!(scim_pending_partition(&scope), pending);
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
