//! Which addresses a command or a tool may reach: those of the public Internet, and no others.
//! Invariant: an address that embeds another (mapped, translated or tunnelled IPv6) is judged by both, and
//! what is not known to be public is not public.
//! It must not know names, ports, or who asks.
//!
//! The figures are those of the IANA registries of special-purpose addresses (RFC 6890 and its successors).
//! Two things no list can tell: a network's own NAT64 prefix out of its public range (RFC 6052), and a service
//! of this machine that listens on its public address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressCheck {
    /// One of the public Internet.
    Public,
    /// One of this machine or of a network around it (closed networks also use what is reserved or meant for
    /// documentation), with what it is called. Only the operator opens it.
    Private(&'static str),
    /// One that nothing is to be reached under, with what it is called. Nobody opens it.
    Never(&'static str),
}

use AddressCheck::{Never, Private, Public};

const METADATA: AddressCheck = Never("a cloud machine's metadata address");

/// The first bits of an address: those bits, how many of them count, and what such an address is.
type Range<Bits> = (Bits, u32, AddressCheck);

const fn v4(a: u8, b: u8, c: u8, d: u8) -> u32 {
    u32::from_be_bytes([a, b, c, d])
}

/// The first range that holds an address decides; one in none of them is public.
const RANGES_V4: &[Range<u32>] = &[
    (v4(169, 254, 169, 254), 32, METADATA),
    // The container twin of the one above, and those of other clouds, of which one lies in a public range.
    (v4(169, 254, 170, 2), 32, METADATA),
    (v4(100, 100, 100, 200), 32, METADATA),
    (v4(192, 0, 0, 192), 32, METADATA),
    (v4(168, 63, 129, 16), 32, METADATA),
    (v4(0, 0, 0, 0), 8, Never("an unspecified address")),
    (v4(10, 0, 0, 0), 8, Private("a private address")),
    (v4(100, 64, 0, 0), 10, Private("a carrier's inner address")),
    (v4(127, 0, 0, 0), 8, Private("this machine's loopback")),
    (v4(169, 254, 0, 0), 16, Never("a link-local address")),
    (v4(172, 16, 0, 0), 12, Private("a private address")),
    (v4(192, 0, 0, 0), 24, Never("a protocol's own address")),
    (v4(192, 0, 2, 0), 24, Private("a documentation address")),
    (v4(192, 88, 99, 0), 24, Never("a 6to4 relay's address")),
    (v4(192, 168, 0, 0), 16, Private("a private address")),
    (v4(198, 18, 0, 0), 15, Private("a benchmarking address")),
    (v4(198, 51, 100, 0), 24, Private("a documentation address")),
    (v4(203, 0, 113, 0), 24, Private("a documentation address")),
    (v4(224, 0, 0, 0), 4, Never("a multicast address")),
    (v4(255, 255, 255, 255), 32, Never("the broadcast address")),
    (v4(240, 0, 0, 0), 4, Private("a reserved address")),
];

const fn v6(a: u16, b: u16, c: u16, d: u16) -> u128 {
    Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).to_bits()
}

/// As above, but one in none of them is never reached: only a part of what there is was ever given out.
const RANGES_V6: &[Range<u128>] = &[
    (
        Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254).to_bits(),
        128,
        METADATA,
    ),
    (
        Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254).to_bits(),
        128,
        METADATA,
    ),
    (0, 128, Never("an unspecified address")),
    (1, 128, Private("this machine's loopback")),
    (v6(0, 0, 0, 0), 96, Never("an IPv4-compatible address")),
    (
        v6(0x64, 0xff9b, 1, 0),
        48,
        Never("a local translation address"),
    ),
    (v6(0x100, 0, 0, 0), 64, Never("an address that discards")),
    (v6(0x2001, 0, 0, 0), 32, Never("a Teredo tunnel's address")),
    (v6(0x2001, 2, 0, 0), 48, Private("a benchmarking address")),
    (v6(0x2001, 0, 0, 0), 23, Never("a protocol's own address")),
    (
        v6(0x2001, 0xdb8, 0, 0),
        32,
        Private("a documentation address"),
    ),
    (v6(0x3fff, 0, 0, 0), 20, Private("a documentation address")),
    (v6(0x2000, 0, 0, 0), 3, Public),
    (v6(0xfc00, 0, 0, 0), 7, Private("a private address")),
    (v6(0xfe80, 0, 0, 0), 10, Never("a link-local address")),
    (v6(0xfec0, 0, 0, 0), 10, Never("a site-local address")),
    (v6(0xff00, 0, 0, 0), 8, Never("a multicast address")),
];

/// Says whether an address is one of the public Internet.
///
/// # Errors
/// What it is instead, e.g. `this machine's loopback`.
pub fn is_public(address: IpAddr) -> Result<(), &'static str> {
    match AddressCheck::of(address) {
        Public => Ok(()),
        Private(kind) | Never(kind) => Err(kind),
    }
}

impl AddressCheck {
    /// Judges an address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }
}

fn of_v4(address: Ipv4Addr) -> AddressCheck {
    let bits = address.to_bits();
    RANGES_V4
        .iter()
        .find(|(first, length, _)| (bits ^ first) >> (u32::BITS - length) == 0)
        .map_or(Public, |(_, _, check)| *check)
}

fn of_v6(address: Ipv6Addr) -> AddressCheck {
    if let Some(inner) = embedded(address) {
        // Whoever translates or tunnels it may stand in a private network of its own.
        return match of_v4(inner) {
            Public => Public,
            Private(kind) | Never(kind) => Never(kind),
        };
    }
    let bits = address.to_bits();
    RANGES_V6
        .iter()
        .find(|(first, length, _)| (bits ^ first).checked_shr(u128::BITS - length) == Some(0))
        .map_or(
            Never("an address that nobody was given"),
            |(_, _, check)| *check,
        )
}

/// The IPv4 address that packets to this one are translated (NAT64) or tunnelled (6to4) to.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let inner = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => Some(inner(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(addresses: &str, expect: fn(AddressCheck) -> bool) {
        for address in addresses.split_whitespace() {
            let found = AddressCheck::of(address.parse().unwrap());
            assert!(expect(found), "{address}: {found:?}");
        }
    }

    #[test]
    fn the_public_internet_is_public() {
        check(
            "1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 93.184.216.34 100.63.255.255 100.128.0.0 126.255.255.255 \
             128.0.0.0 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 \
             192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255 2606:4700:4700::1111 2001:4860:4860::8888 \
             2a00:1450:4001::1 2001:200::1 2003::1 2001:db7:ffff:: ::ffff:8.8.8.8 64:ff9b::8.8.8.8 \
             2002:808:808::1",
            |found| found == Public,
        );
    }

    #[test]
    fn networks_around_are_private() {
        check(
            "127.0.0.1 127.255.255.255 127.1.2.3 10.0.0.0 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 \
             192.168.255.255 100.64.0.1 100.127.255.255 198.18.0.1 198.19.255.255 ::1 fc00::1 fd12:3456::1 \
             fdff:ffff:: 2001:2::1 0:0:0:0:0:ffff:7f00:1 ::ffff:127.0.0.1 ::ffff:10.1.2.3 ::ffff:c0a8:1 \
             192.0.2.1 198.51.100.7 203.0.113.9 240.0.0.1 255.255.255.254 2001:db8::1 3fff::1",
            |found| matches!(found, Private(_)),
        );
    }

    #[test]
    fn what_nobody_opens() {
        check(
            "0.0.0.0 0.1.2.3 169.254.0.1 169.254.169.254 169.254.170.2 168.63.129.16 100.100.100.200 192.0.0.192 \
             192.0.0.1 192.88.99.1 224.0.0.1 239.255.255.255 \
             255.255.255.255 :: ::127.0.0.1 ::7f00:1 ::ffff:169.254.169.254 ::ffff:0.0.0.0 \
             fd00:ec2::254 fd20:ce::254 fe80::1 febf::1 fec0::1 ff02::1 ff0e::1 100::1 \
             2001::1 2001:0:7f00:1:: 2001:10::1 2001:1ff::1 64:ff9b::7f00:1 64:ff9b::10.0.0.1 \
             64:ff9b::169.254.169.254 64:ff9b:1::8.8.8.8 64:ff9b:0:0:0:1:808:808 2002:7f00:1:: 2002:a00:1::1 \
             2002:a9fe:a9fe:: ::ffff:0:7f00:1 4000::1 5f00::1 1::1 fe00::1",
            |found| matches!(found, Never(_)),
        );
    }

    #[test]
    fn the_reason_is_told() {
        let told = |address: &str| is_public(address.parse().unwrap());
        assert_eq!(told("8.8.8.8"), Ok(()));
        assert_eq!(told("::ffff:7f00:1"), Err("this machine's loopback"));
        assert_eq!(
            told("64:ff9b::a9fe:a9fe"),
            Err("a cloud machine's metadata address")
        );
    }

    proptest! {
        /// What the standard library calls special is never public, in whatever clothes.
        #[test]
        fn what_others_call_special_is_not_public(bits: u32, high: u16) {
            let address = Ipv4Addr::from_bits(bits);
            let special = address.is_private() || address.is_loopback() || address.is_link_local()
                || address.is_multicast() || address.is_documentation() || address.is_unspecified();
            let [_, _, _, _, _, _, a, b] = address.to_ipv6_mapped().segments();
            let clothes = [
                address.to_ipv6_mapped(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, a, b),
                Ipv6Addr::new(0x2002, a, b, high, 0, 0, 0, 1),
            ];
            let public = is_public(address.into()).is_ok();
            prop_assert!(!(special && public));
            for other in clothes {
                prop_assert_eq!(is_public(other.into()).is_ok(), public, "{}", other);
            }
            prop_assert!(is_public(address.to_ipv6_compatible().into()).is_err());
        }

        #[test]
        fn of_ipv6_only_what_was_given_out_is_public(bits: u128) {
            let address = Ipv6Addr::from_bits(bits);
            let given_out = bits >> 125 == 1 || embedded(address).is_some() || address.to_ipv4_mapped().is_some();
            prop_assert!(given_out || is_public(address.into()).is_err());
        }
    }
}
