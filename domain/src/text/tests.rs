use proptest::prelude::*;

use super::*;

fn folded(text: &str) -> String {
    text.parse::<Name>().unwrap().folded().as_str().to_owned()
}

#[test]
fn names_are_compared_without_case_width_and_extra_white_space() {
    for same in [
        "Acme Corp",
        "  acme   CORP ",
        "ＡＣＭＥ corp",
        "acme\u{a0}corp",
    ] {
        assert_eq!(folded(same), "acme corp", "{same:?}");
    }
    assert_eq!(folded("Straße"), folded("STRASSE"));
    assert_ne!(folded("Acme"), folded("Acme2"));
}

#[test]
fn names_that_look_the_same_are_equal() {
    for invisible in [
        '\u{2800}',
        '\u{200b}',
        '\u{e000}',
        '\u{ffff}',
        '\u{10fffd}',
        '\u{1d159}',
        '\u{180e}',
        '\u{fff9}',
        '\u{378}',
        '\u{e0020}',
    ] {
        let name = format!("Acme 3{invisible}");
        assert_eq!(folded(&name), "acme 3", "{name:?}");
        assert_eq!(name.parse::<Name>().unwrap().as_str(), name);
    }
    assert_ne!(folded("Acme\u{301}"), folded("Acme"));
}

#[test]
fn name_from_first_release_stays_reserved() {
    for (name, before) in [
        ("Acme 3\u{2800}", Some("acme 3\u{2800}")),
        ("\u{2800}", Some("\u{2800}")),
        ("Acme\u{200b}", None),
        ("Acme", None),
    ] {
        let name: Name = serde_json::from_value(name.into()).unwrap();
        let folded = name.folded_in_first_release();
        assert_eq!(folded.as_ref().map(FoldedName::as_str), before);
    }
}

#[test]
fn prefix_keeps_trailing_blank() {
    assert_eq!(Name::folded_prefix("  Acme ").as_str(), "acme ");
    assert_eq!(Name::folded_prefix("   ").as_str(), "");
}

#[test]
fn invalid_names_are_rejected() {
    for bad in [
        "",
        "   ",
        "\u{200b}",
        "\u{3164}",
        "\u{2800}",
        "\u{301}",
        "\u{ffff}",
        "\u{10ffff}",
        "\u{e000}",
        "\u{378}",
        " \u{2800}\u{301}\u{feff} ",
        "a\nb",
        "a\0b",
        &"x".repeat(256),
    ] {
        assert!(bad.parse::<Name>().is_err(), "{bad:?}");
    }
    assert_eq!("  Zoë ".parse::<Name>().unwrap().as_str(), "Zoë");
    assert!("😀".repeat(255).parse::<Name>().is_ok());
}

#[test]
fn domains_are_stored_lower_case_and_encoded() {
    for (given, stored) in [
        ("Acme.Example", "acme.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("a.b.c-d.e", "a.b.c-d.e"),
        ("1.2.x3", "1.2.x3"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
    ] {
        assert_eq!(given.parse::<Domain>().unwrap().as_str(), stored);
    }
    for bad in [
        "acme",
        "",
        ".",
        "a..b",
        "-a.b",
        "a-.b",
        "a b.c",
        "127.0.0.1",
        "acme.1x",
        "a.example.",
        "http://a.b",
        "a_b.c",
        "a.b/c",
        &format!("{}.b", "x".repeat(64)),
        &"a.".repeat(150),
    ] {
        assert!(bad.parse::<Domain>().is_err(), "{bad:?}");
    }
}

#[test]
fn invalid_email_addresses_are_refused() {
    for good in ["ada@acme.example", "a.b+c@x.y.zz", "ü@acme.example"] {
        assert!(good.parse::<Email>().is_ok(), "{good}");
    }
    for bad in [
        "",
        "ada",
        "ada@",
        "@acme.example",
        "a b@c.example",
        "Ada <ada@acme.example>",
        "a@b",
        "\"a\tb\"@acme.example",
    ] {
        assert!(bad.parse::<Email>().is_err(), "{bad:?}");
    }
}

#[test]
fn stripe_customer_ids_begin_with_cus() {
    assert!("cus_NffrFeUfNV2Hib".parse::<StripeCustomerId>().is_ok());
    for bad in [
        "",
        "cus_",
        "sub_123",
        "cus_1 2",
        &format!("cus_{}", "x".repeat(252)),
    ] {
        assert!(bad.parse::<StripeCustomerId>().is_err(), "{bad:?}");
    }
}

proptest! {
    #[test]
    fn folding_a_folded_name_changes_nothing(text in "\\PC{1,60}") {
        if let Ok(name) = text.parse::<Name>() {
            let once = name.folded();
            prop_assert!(!once.as_str().is_empty());
            if let Ok(again) = once.as_str().parse::<Name>() {
                prop_assert_eq!(again.folded(), once);
            }
        }
    }

    #[test]
    fn name_starts_with_its_prefix(text in "[A-Za-zÄß]{1,20}", at in 0_usize..20) {
        let start: String = text.chars().take(at).collect();
        let prefix = Name::folded_prefix(&start);
        prop_assert!(text.parse::<Name>().unwrap().folded().as_str().starts_with(prefix.as_str()));
    }

    #[test]
    fn no_text_breaks_a_parser(text in "\\PC*") {
        let _ = text.parse::<Name>();
        let _ = text.parse::<BillingAddress>();
        let _ = text.parse::<StripeCustomerId>();
        let _ = text.parse::<Email>();
        if let Ok(domain) = text.parse::<Domain>() {
            prop_assert_eq!(domain.as_str().parse::<Domain>(), Ok(domain.clone()));
        }
    }
}
