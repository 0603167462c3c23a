//! Which hosts a command may reach, as patterns.
//! Invariant: a pattern says one host or the hosts below one name, and whether private addresses count is
//! the operator's word alone.
//! It must not know addresses behind names.

use std::fmt;

use super::host::{self, Host, Target};

/// Where a pattern without a port leads.
const WEB_PORTS: [u16; 2] = [80, 443];

/// The hosts that a command may reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed {
    granted: Vec<Pattern>,
    private: Vec<Pattern>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    One(Host),
    /// Every name that ends so; the dot stands in front.
    Below(String),
}

impl Allowed {
    /// Reads patterns: `name`, `*.name` (what is below that name, not itself), `192.0.2.7`, `[2001:db8::7]`, each
    /// with an optional `:port`. `hosts` are those granted to the command, without a port 80 and 443.
    /// `private_hosts` are those whose addresses may be private ones if they are granted, without a port all.
    ///
    /// # Errors
    /// One sentence: which pattern, what is wrong with it and what is allowed.
    pub fn parse(hosts: &[String], private_hosts: &[String]) -> Result<Self, String> {
        let granted: Vec<_> = hosts.iter().map(parse).collect::<Result<_, _>>()?;
        if let Some(wide) = granted.iter().find(|pattern| pattern.is_top_level()) {
            return Err(format!(
                "host `{wide}` is too wide; name a domain below it, as in `*.example.com`"
            ));
        }
        Ok(Self {
            granted,
            private: private_hosts.iter().map(parse).collect::<Result<_, _>>()?,
        })
    }

    /// The granted patterns in their normal spelling, in the order given: equal lists grant the same.
    pub fn hosts(&self) -> Vec<String> {
        self.granted.iter().map(ToString::to_string).collect()
    }

    pub(super) fn grants(&self, target: &Target) -> bool {
        let web = WEB_PORTS.contains(&target.port);
        self.granted
            .iter()
            .any(|pattern| pattern.matches(&target.host) && pattern.leads_to(target.port, web))
    }

    /// Whether the addresses of that host may be private ones.
    pub(super) fn may_be_private(&self, target: &Target) -> bool {
        self.private
            .iter()
            .any(|pattern| pattern.matches(&target.host) && pattern.leads_to(target.port, true))
    }
}

impl Pattern {
    fn matches(&self, host: &Host) -> bool {
        match (&self.hosts, host) {
            (Hosts::One(one), _) => one == host,
            (Hosts::Below(end), Host::Name(name)) => name.ends_with(end),
            (Hosts::Below(_), Host::Address(_)) => false,
        }
    }

    fn leads_to(&self, port: u16, without_one: bool) -> bool {
        self.port.map_or(without_one, |only| only == port)
    }

    /// Whether it says everything below `com`.
    fn is_top_level(&self) -> bool {
        matches!(&self.hosts, Hosts::Below(end) if end.matches('.').count() == 1)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hosts {
            Hosts::One(host) => host.fmt(out)?,
            Hosts::Below(end) => write!(out, "*{end}")?,
        }
        self.port.map_or(Ok(()), |port| write!(out, ":{port}"))
    }
}

fn parse(text: impl AsRef<str>) -> Result<Pattern, String> {
    let text = text.as_ref();
    let read = || {
        if text.contains("://") || text.contains('/') {
            return Err("is an address of a page; name the host alone");
        }
        let Some(name) = text.strip_prefix("*.") else {
            let (host, port) = host::split(text)?;
            return Ok(Pattern {
                hosts: Hosts::One(host),
                port,
            });
        };
        match host::split(name)? {
            (Host::Name(name), port) => Ok(Pattern {
                hosts: Hosts::Below(format!(".{name}")),
                port,
            }),
            (Host::Address(_), _) => Err("has no names below it"),
        }
    };
    read().map_err(|wrong| {
        format!(
            "host `{}` {wrong}; allowed are `name`, `*.name` and IP addresses (IPv6 in brackets), \
             each with or without `:port`",
            text.escape_debug()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn allowed(hosts: &[&str], private: &[&str]) -> Allowed {
        let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        Allowed::parse(&owned(hosts), &owned(private)).unwrap()
    }

    fn target(text: &str) -> Target {
        let (host, port) = host::split(text).unwrap();
        Target {
            host,
            port: port.unwrap_or(443),
        }
    }

    #[test]
    fn a_pattern_grants_what_it_says() {
        let allowed = allowed(
            &[
                "Crates.io",
                "*.GitHub.com.",
                "example.org:8443",
                "[::ffff:192.0.2.7]",
                "*.a.b:22",
            ],
            &[],
        );
        for granted in [
            "crates.io",
            "crates.io:80",
            "CRATES.IO.:443",
            "api.github.com",
            "a.b.github.com:80",
            "example.org:8443",
            "192.0.2.7",
            "[0:0:0:0:0:ffff:c000:207]:80",
            "x.a.b:22",
        ] {
            assert!(allowed.grants(&target(granted)), "{granted}");
        }
        for other in [
            "crates.io:8080",
            "static.crates.io",
            "notcrates.io",
            "github.com",
            "notgithub.com",
            "api.github.com.evil.org",
            "api.github.com:22",
            "example.org",
            "example.org:80",
            "192.0.2.8",
            "x.a.b",
            "a.b:22",
        ] {
            assert!(!allowed.grants(&target(other)), "{other}");
        }
    }

    #[test]
    fn private_is_only_what_the_operator_names() {
        let allowed = allowed(&["nas.lan:8000", "db.lan"], &["*.lan:8000", "[fd00::1]"]);
        assert!(allowed.may_be_private(&target("nas.lan:8000")));
        assert!(allowed.may_be_private(&target("[fd00::1]:99")));
        assert!(!allowed.may_be_private(&target("db.lan")));
        assert!(!allowed.grants(&target("other.lan:8000")));
    }

    #[test]
    fn the_spelling_is_normal() {
        let hosts = allowed(&["A.b.", "*.C.d:0080", "127.0.0.1", "[0::1]:1"], &[]).hosts();
        assert_eq!(hosts, ["a.b", "*.c.d:80", "127.0.0.1", "[::1]:1"]);
    }

    #[test]
    fn what_says_too_much_or_nothing_is_refused() {
        for text in [
            "",
            "*",
            "*.",
            "*.com",
            "*.com:443",
            "**.a.b",
            "a.*.b",
            "*a.b",
            "*.*.a.b",
            "https://a.b",
            "a.b/c",
            "a.b/",
            "//a.b",
            " a.b",
            "a.b ",
            "a b",
            "a.b:*",
            "*.1.2.3.4",
            "*.[::1]",
            "127.1",
            "0x7f.1",
            "user@a.b",
            "a,b",
            "a.b\n",
            "::1",
        ] {
            let refused = Allowed::parse(&[text.to_owned()], &[]).unwrap_err();
            assert!(refused.starts_with("host `"), "{refused}");
        }
        let refused = Allowed::parse(&[], &["*".to_owned()]).unwrap_err();
        assert_eq!(
            refused,
            "host `*` is no host name (letters, digits, hyphens and dots; other alphabets as `xn--…`); allowed are \
             `name`, `*.name` and IP addresses (IPv6 in brackets), each with or without `:port`"
        );
        assert!(Allowed::parse(&[], &["*.lan".to_owned()]).is_ok());
    }

    proptest! {
        #[test]
        fn a_wildcard_grants_only_what_is_below(name in "[a-z]{1,3}(\\.[a-z]{1,3}){0,4}") {
            let allowed = allowed(&["*.b.c"], &[]);
            prop_assert_eq!(
                allowed.grants(&target(&name)),
                name.len() > 4 && name.ends_with(".b.c")
            );
        }

        #[test]
        fn the_normal_spelling_is_read_as_itself(text in "(\\*\\.)?[A-Za-z0-9.-]{1,12}(:[0-9]{1,5})?") {
            if let Ok(first) = Allowed::parse(std::slice::from_ref(&text), &[]) {
                let again = Allowed::parse(&first.hosts(), &[]);
                prop_assert_eq!(again.as_ref(), Ok(&first));
            }
        }
    }
}
