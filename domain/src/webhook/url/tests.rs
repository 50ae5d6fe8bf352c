use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

fn check(targets: &WebhookTargets, url: &str) -> Result<WebhookUrl, Invalid> {
    let url = WebhookUrl::try_from(url.to_owned())?;
    targets.check(&url)?;
    Ok(url)
}

fn is_accepted(url: &str) -> bool {
    check(&WebhookTargets::default(), url).is_ok()
}

#[test]
fn public_https_urls_are_accepted_in_normal_form() {
    for (given, normal) in [
        ("https://example.com", "https://example.com/"),
        ("https://Example.COM:443/a?b=c", "https://example.com/a?b=c"),
        (
            "https://bücher.example/ü",
            "https://xn--bcher-kva.example/%C3%BC",
        ),
        ("https://example.com./hook", "https://example.com./hook"),
        ("https://1.1.1.1/", "https://1.1.1.1/"),
        ("https://0x1.0x1.0x1.0x1/", "https://1.1.1.1/"),
        (
            "https://[2606:4700:4700::1111]/",
            "https://[2606:4700:4700::1111]/",
        ),
        (
            "https://localhost.example.com/",
            "https://localhost.example.com/",
        ),
        ("https://notlocal.example/", "https://notlocal.example/"),
    ] {
        let url = check(&WebhookTargets::default(), given).unwrap();
        assert_eq!(url.as_str(), normal);
        // The normal form is stored, and read again.
        assert_eq!(WebhookUrl::try_from(normal.to_owned()), Ok(url));
    }
}

#[test]
fn other_urls_are_refused_with_the_rule() {
    let host = "must have a public host";
    for (url, rule) in [
        ("", "must be an absolute URL"),
        ("example.com", "must be an absolute URL"),
        ("/hook", "must be an absolute URL"),
        ("mailto:ada@acme.example", "must be an absolute URL"),
        ("https://", "must be an absolute URL"),
        ("https://1.2.3.4.5/", "must be an absolute URL"),
        ("https://example.com:99999/", "must be an absolute URL"),
        ("https://[fe80::1%25eth0]/", "must be an absolute URL"),
        ("http://example.com/", "must begin with https://"),
        ("ftp://example.com/", "must begin with https://"),
        ("https://ada@example.com/", "must not contain credentials"),
        ("https://:pw@example.com/", "must not contain credentials"),
        ("https://example.com/#x", "must not contain a fragment"),
        (
            "https://example.com:8443/",
            "must have one of these ports: 443",
        ),
        (
            "https://example.com:80/",
            "must have one of these ports: 443",
        ),
        ("https://localhost/", host),
        ("https://LOCALHOST./", host),
        ("https://a.localhost/", host),
        ("https://db/", host),
        ("https://db./", host),
        ("https://printer.local/", host),
        ("https://ip-10-0-0-1.eu-central-1.compute.internal/", host),
        ("https://metadata.google.internal/", host),
        ("https://router.home.arpa/", host),
        ("https://127.0.0.1/", host),
        ("https://127.1/", host),
        ("https://2130706433/", host),
        ("https://0x7f000001/", host),
        ("https://0177.0.0.1/", host),
        ("https://0/", host),
        ("https://１２７.0.0.1/", host),
        ("https://169.254.169.254/latest/meta-data", host),
        ("https://[::1]/", host),
        ("https://[::]/", host),
        ("https://[::ffff:127.0.0.1]/", host),
        ("https://[::ffff:a9fe:a9fe]/", host),
        ("https://[::127.0.0.1]/", host),
        ("https://[64:ff9b::7f00:1]/", host),
        ("https://[fd00:ec2::254]/", host),
    ] {
        let error = check(&WebhookTargets::default(), url).unwrap_err();
        let rule_broken = error.to_string();
        assert!(rule_broken.starts_with(rule), "{url}: {rule_broken}");
    }
    let path = "x".repeat(MAX_WEBHOOK_URL_LENGTH - "https://example.com/".len());
    assert!(is_accepted(&format!("https://example.com/{path}")));
    assert!(!is_accepted(&format!("https://example.com/{path}x")));
}

#[test]
fn other_ports_are_accepted_only_if_listed() {
    let targets = WebhookTargets::new([443, 8443]);
    assert!(check(&targets, "https://example.com:8443/").is_ok());
    assert!(check(&targets, "https://example.com/").is_ok());
    let error = check(&targets, "https://example.com:9443/").unwrap_err();
    assert_eq!(error.to_string(), "must have one of these ports: 443, 8443");
    assert!(check(&WebhookTargets::new([8443]), "https://example.com/").is_err());
}

#[test]
fn loopback_is_accepted_only_if_allowed() {
    let here = WebhookTargets::default().with_loopback();
    for url in [
        "http://127.0.0.1:3001/hook",
        "http://localhost:3001/",
        "http://a.localhost/",
        "https://[::1]:8443/",
    ] {
        assert!(check(&here, url).is_ok(), "{url}");
        assert!(!is_accepted(url), "{url}");
    }
    for url in [
        "http://10.0.0.1/",
        "http://example.com/",
        "https://169.254.169.254/",
        "https://db/",
        "ftp://127.0.0.1/",
        "http://ada@127.0.0.1/",
    ] {
        assert!(check(&here, url).is_err(), "{url}");
    }
    assert!(here.accepts(Ipv4Addr::LOCALHOST.into()));
    assert!(here.accepts(Ipv4Addr::LOCALHOST.to_ipv6_mapped().into()));
    assert!(!here.accepts(Ipv4Addr::new(10, 0, 0, 1).into()));
    assert!(!WebhookTargets::default().accepts(Ipv6Addr::LOCALHOST.into()));
}

proptest! {
    /// A number can be written in many ways, and each is the same address.
    #[test]
    fn every_notation_of_an_address_is_judged_alike(
        bits in prop_oneof![
            any::<u32>(),
            (0_u32..0x100_0000).prop_map(|below| 0x7f00_0000 | below),
            (0_u32..0x1_0000).prop_map(|below| 0xa9fe_0000 | below),
        ],
    ) {
        let address = Ipv4Addr::from_bits(bits);
        let [a, b, c, d] = address.octets();
        let expected = is_public(address.into());
        let mapped = address.to_ipv6_mapped();
        for host in [
            format!("{a}.{b}.{c}.{d}"),
            format!("{a}.{b}.{c}.{d}."),
            format!("{bits}"),
            format!("{bits:#x}"),
            format!("0{bits:o}"),
            format!("{a:#x}.{b:#x}.{c}.0{d:o}"),
            format!("{a}.{}", bits & 0xff_ffff),
            format!("{a}.{b}.{}", bits & 0xffff),
            format!("[{mapped}]"),
            format!("[::ffff:{:x}:{:x}]", bits >> 16, bits & 0xffff),
        ] {
            let url = format!("https://{host}/");
            prop_assert_eq!(is_accepted(&url), expected, "{}", url);
        }
    }

    #[test]
    fn any_text_is_accepted_or_refused_without_a_panic(text in ".{0,80}") {
        if let Ok(url) = check(&WebhookTargets::default(), &text) {
            prop_assert!(url.as_str().starts_with("https://"));
            prop_assert!(url.address().is_none_or(is_public));
        }
    }
}
