//! Which addresses a webhook may be sent to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The IPv4 ranges that are not of the public internet: the registry of special-purpose addresses
/// (<https://www.iana.org/assignments/iana-ipv4-special-registry>), multicast, and what is reserved.
const SPECIAL_V4: [(Ipv4Addr, u32); 17] = [
    (Ipv4Addr::UNSPECIFIED, 8),           // this network
    (Ipv4Addr::new(10, 0, 0, 0), 8),      // private
    (Ipv4Addr::new(100, 64, 0, 0), 10),   // carrier-grade NAT
    (Ipv4Addr::new(127, 0, 0, 0), 8),     // loopback
    (Ipv4Addr::new(169, 254, 0, 0), 16),  // link-local, with the metadata services of clouds
    (Ipv4Addr::new(172, 16, 0, 0), 12),   // private
    (Ipv4Addr::new(192, 0, 0, 0), 24),    // protocol assignments
    (Ipv4Addr::new(192, 0, 2, 0), 24),    // documentation
    (Ipv4Addr::new(192, 31, 196, 0), 24), // AS112
    (Ipv4Addr::new(192, 52, 193, 0), 24), // multicast tunneling
    (Ipv4Addr::new(192, 88, 99, 0), 24),  // 6to4 relays
    (Ipv4Addr::new(192, 168, 0, 0), 16),  // private
    (Ipv4Addr::new(192, 175, 48, 0), 24), // AS112
    (Ipv4Addr::new(198, 18, 0, 0), 15),   // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24),  // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 3),     // multicast, reserved, broadcast
];

/// The range of IPv6 that is assigned to the public internet. All others are local or reserved, among them those
/// that contain an IPv4 address (`::ffff:0:0/96`, `64:ff9b::/96`).
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// The special ranges inside of it (<https://www.iana.org/assignments/iana-ipv6-special-registry>).
const SPECIAL_V6: [(Ipv6Addr, u32); 5] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, Teredo
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48), // AS112
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
];

/// Returns whether an address is of the public internet: not private, local, reserved or otherwise special. An IPv4
/// address that is mapped to IPv6 counts as the IPv4 address.
pub fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => !SPECIAL_V4.iter().any(|range| in_v4(address, *range)),
        IpAddr::V6(address) => {
            in_v6(address, GLOBAL_V6) && !SPECIAL_V6.iter().any(|range| in_v6(address, *range))
        }
    }
}

fn in_v4(address: Ipv4Addr, (network, bits): (Ipv4Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()).leading_zeros() >= bits
}

fn in_v6(address: Ipv6Addr, (network, bits): (Ipv6Addr, u32)) -> bool {
    (address.to_bits() ^ network.to_bits()).leading_zeros() >= bits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// First and last address of each special range, as text.
    const SPECIAL: [(&str, &str); 31] = [
        ("0.0.0.0", "0.255.255.255"),
        ("10.0.0.0", "10.255.255.255"),
        ("100.64.0.0", "100.127.255.255"),
        ("127.0.0.0", "127.255.255.255"),
        ("169.254.0.0", "169.254.255.255"),
        ("172.16.0.0", "172.31.255.255"),
        ("192.0.0.0", "192.0.0.255"),
        ("192.0.2.0", "192.0.2.255"),
        ("192.31.196.0", "192.31.196.255"),
        ("192.52.193.0", "192.52.193.255"),
        ("192.88.99.0", "192.88.99.255"),
        ("192.168.0.0", "192.168.255.255"),
        ("192.175.48.0", "192.175.48.255"),
        ("198.18.0.0", "198.19.255.255"),
        ("198.51.100.0", "198.51.100.255"),
        ("203.0.113.0", "203.0.113.255"),
        ("224.0.0.0", "255.255.255.255"),
        ("::", "::"),
        ("::1", "::1"),
        ("64:ff9b::", "64:ff9b::ffff:ffff"),
        ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff"),
        ("100::", "100::ffff:ffff:ffff:ffff"),
        ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff"),
        ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ];

    fn bits(address: &str) -> u128 {
        match address.parse().unwrap() {
            IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
            IpAddr::V6(address) => address.to_bits(),
        }
    }

    /// Whether the address is in one of the special ranges above, or in no range that is assigned.
    fn is_special(bits_of_it: u128) -> bool {
        let mapped = bits("0.0.0.0")..=bits("255.255.255.255");
        let global = bits("2000::")..=bits("3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
        SPECIAL
            .iter()
            .any(|(first, last)| (bits(first)..=bits(last)).contains(&bits_of_it))
            || !(mapped.contains(&bits_of_it) || global.contains(&bits_of_it))
    }

    fn address(bits: u128) -> IpAddr {
        IpAddr::V6(Ipv6Addr::from_bits(bits))
    }

    #[test]
    fn the_edges_of_every_special_range_are_refused() {
        for (first, last) in SPECIAL {
            for edge in [first, last] {
                assert!(!is_public(edge.parse().unwrap()), "{edge}");
            }
        }
    }

    #[test]
    fn public_addresses_are_accepted() {
        for public in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "223.255.255.255",
            "2001:200::",
            "2606:4700:4700::1111",
            "2a00:1450:4001::8a",
            "::ffff:1.1.1.1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn v4_addresses_are_public_or_in_a_special_range(v4 in any::<u32>()) {
            let v4 = Ipv4Addr::from_bits(v4);
            let mapped = v4.to_ipv6_mapped().to_bits();
            prop_assert_eq!(is_public(v4.into()), !is_special(mapped));
            // The mapped notation makes no difference.
            prop_assert_eq!(is_public(address(mapped)), is_public(v4.into()));
        }

        #[test]
        fn v6_addresses_are_public_or_in_a_special_range(v6 in any::<u128>()) {
            prop_assert_eq!(is_public(address(v6)), !is_special(v6));
        }

        #[test]
        fn addresses_in_a_special_range_are_refused(
            range in 0..SPECIAL.len(),
            offset in any::<u128>(),
        ) {
            let (first, last) = (bits(SPECIAL[range].0), bits(SPECIAL[range].1));
            let inside = first + offset % (last - first + 1).max(1);
            prop_assert!(!is_public(address(inside)));
        }

        #[test]
        fn neighbours_of_a_range_are_judged_by_themselves(
            range in 0..SPECIAL.len(),
            distance in 1_u128..3,
        ) {
            let (first, last) = (bits(SPECIAL[range].0), bits(SPECIAL[range].1));
            for outside in [first.wrapping_sub(distance), last.wrapping_add(distance)] {
                prop_assert_eq!(is_public(address(outside)), !is_special(outside));
            }
        }
    }
}
