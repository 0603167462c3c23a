//! Hosts and ports as requests and patterns name them, in one normal spelling.
//! Invariant: one host has one value, whatever its letter case, its last dot or the spelling of its address;
//! and what some resolver would read as an address (`0x7f.1`, `2130706433`) is none or is refused.
//! It must not know which hosts are allowed.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Bytes of a name and of one of its labels (RFC 1035).
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// A host.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Host {
    /// A name to be looked up: lower case, no dot at its end. Other alphabets come as `xn--…`.
    Name(String),
    /// An address that needs no looking up; never an IPv4 address in the clothes of IPv6.
    Address(IpAddr),
}

/// Where a request wants to go.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Target {
    pub(super) host: Host,
    pub(super) port: u16,
}

impl Host {
    /// Reads a host; an IPv6 address stands in brackets.
    ///
    /// # Errors
    /// What is wrong with it, to follow its name in a sentence.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if let Some(inner) = text.strip_prefix('[') {
            return inner
                .strip_suffix(']')
                .and_then(|inner| inner.parse::<Ipv6Addr>().ok())
                .map(|address| Self::Address(address.to_canonical()))
                .ok_or("is no IPv6 address in brackets");
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if name.is_empty() {
            return Err("is empty");
        }
        if name.len() > MAX_NAME || !name.split('.').all(is_label) {
            return Err(
                "is no host name (letters, digits, hyphens and dots; other alphabets as `xn--…`)",
            );
        }
        if ends_in_a_number(&name) {
            return name
                .parse::<Ipv4Addr>()
                .map(|address| Self::Address(address.into()))
                .map_err(|_| "is neither a name nor an IPv4 address of four decimal numbers");
        }
        Ok(Self::Name(name))
    }
}

/// Splits `host`, `host:port` or `[v6]:port`.
///
/// # Errors
/// As [`Host::parse`].
pub(super) fn split(authority: &str) -> Result<(Host, Option<u16>), &'static str> {
    let end = match authority.find(']') {
        Some(bracket) => bracket + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at(end);
    let port = match rest.strip_prefix(':') {
        Some(port) => Some(parse_port(port)?),
        None if rest.is_empty() => None,
        None => return Err("has something after its bracket that is no port"),
    };
    Ok((Host::parse(host)?, port))
}

fn parse_port(text: &str) -> Result<u16, &'static str> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(port @ 1..) if digits => Ok(port),
        _ => Err("has a port that is no number from 1 to 65535"),
    }
}

fn is_label(label: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=MAX_LABEL).contains(&label.len())
        && label.bytes().all(inner)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Whether resolvers would read the name as an IPv4 address: its last label is a number (of base 8, 10 or 16).
fn ends_in_a_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    match last.strip_prefix("0x") {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => last.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

impl fmt::Display for Host {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => out.write_str(name),
            Self::Address(IpAddr::V4(address)) => address.fmt(out),
            Self::Address(IpAddr::V6(address)) => write!(out, "[{address}]"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> Host {
        Host::Name(text.to_owned())
    }

    fn address(text: &str) -> Host {
        Host::Address(text.parse().unwrap())
    }

    #[test]
    fn a_host_has_one_spelling() {
        assert_eq!(Host::parse("Crates.IO"), Ok(name("crates.io")));
        assert_eq!(Host::parse("crates.io."), Ok(name("crates.io")));
        assert_eq!(
            Host::parse("xn--mnchen-3ya.de"),
            Ok(name("xn--mnchen-3ya.de"))
        );
        assert_eq!(Host::parse("_a.b-c"), Ok(name("_a.b-c")));
        assert_eq!(Host::parse("1and1.com"), Ok(name("1and1.com")));
        assert_eq!(Host::parse("0xg"), Ok(name("0xg")));
        assert_eq!(Host::parse("127.0.0.1"), Ok(address("127.0.0.1")));
        assert_eq!(Host::parse("127.0.0.1."), Ok(address("127.0.0.1")));
        assert_eq!(Host::parse("[::1]"), Ok(address("::1")));
        assert_eq!(Host::parse("[0:0:0:0:0:0:0:1]"), Ok(address("::1")));
        for mapped in [
            "[0:0:0:0:0:ffff:7f00:1]",
            "[::ffff:127.0.0.1]",
            "[::FFFF:7F00:1]",
        ] {
            assert_eq!(Host::parse(mapped), Ok(address("127.0.0.1")), "{mapped}");
        }
    }

    #[test]
    fn odd_spellings_of_addresses_are_refused() {
        let odd = [
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f.1",
            "0x7f000001",
            "0x7F.0x0.0x0.0x1",
            "0x",
            "0177.0.0.1",
            "017700000001",
            "127.0.0.01",
            "127.0.0.0x1",
            "1.2.3.4.5",
            "256.1.1.1",
            "127.0.0.1..",
            "name.1",
            "name.0x1",
            "0",
            "127.0.0.1%00",
            "127%2e0.0.1",
            "①.②.③.④",
            "127。0。0。1",
            "::1",
            "[::1",
            "[::1]x",
            "[127.0.0.1]",
            "[fe80::1%eth0]",
            "[]",
            "[::ffff:127.1]",
        ];
        for text in odd {
            assert!(Host::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        let long = ["a"; 128].join(".");
        let label = "a".repeat(64);
        for text in [
            "",
            ".",
            "..",
            "a..b",
            ".a",
            "-a",
            "a-",
            "a b",
            "a\tb",
            "a\n",
            "a/b",
            "a:b",
            "a@b",
            "a,b",
            "a\\b",
            "*",
            "*.a",
            "a?",
            "a#b",
            "bücher.de",
            "a\0",
            &long,
            &label,
        ] {
            assert!(Host::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn ports_are_split_off() {
        let split_name = |text: &str, port| assert_eq!(split(text), Ok((name("a.b"), port)));
        split_name("a.b", None);
        split_name("a.b:443", Some(443));
        split_name("A.b.:0443", Some(443));
        assert_eq!(split("[::1]:80"), Ok((address("::1"), Some(80))));
        assert_eq!(split("[::1]"), Ok((address("::1"), None)));
        for text in [
            "a.b:",
            "a.b:0",
            "a.b:65536",
            "a.b:+80",
            "a.b:-1",
            "a.b:8 0",
            "a.b:80:80",
            "::1:80",
            "[::1]80",
            "[::1]:",
            "a]:80",
            "user@a.b:80",
            "user:pass@a.b:80",
            ":80",
            "a.b:http",
        ] {
            assert!(split(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn reading_never_fails_otherwise(text in "\\PC*") {
            let _read = split(&text).is_ok();
        }

        #[test]
        fn what_is_read_is_written_and_read_again(text in "[A-Za-z0-9.:x\\[\\]-]{1,24}") {
            if let Ok((host, Some(port))) = split(&text) {
                let target = Target { host, port };
                prop_assert_eq!(split(&target.to_string()), Ok((target.host, Some(port))));
            }
        }

        /// No system resolver takes a name that passes for an address.
        #[test]
        fn a_name_is_never_an_address(text in "(0x)?[0-9a-f]{1,10}(\\.(0x)?[0-9a-f]{1,4}){0,3}\\.?") {
            if let Ok(Host::Name(name)) = Host::parse(&text) {
                let last = name.rsplit('.').next().unwrap_or_default();
                prop_assert!(last.parse::<u128>().is_err());
                prop_assert!(!last.starts_with("0x"));
            }
        }

        #[test]
        fn every_ipv4_address_is_one(bits: u32) {
            let text = Ipv4Addr::from_bits(bits).to_string();
            prop_assert_eq!(Host::parse(&text), Ok(address(&text)));
        }

        #[test]
        fn every_ipv6_address_is_one(bits: u128) {
            let parsed = Host::parse(&format!("[{}]", Ipv6Addr::from_bits(bits)));
            prop_assert_eq!(parsed, Ok(Host::Address(Ipv6Addr::from_bits(bits).to_canonical())));
        }
    }
}
