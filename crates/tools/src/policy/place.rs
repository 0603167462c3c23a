//! Paths and hosts against patterns.
//! Invariant: who is granted a folder is granted what lies in it, and who is granted `*.x` every host of it; so a
//! restriction holds for whatever has something in common with it, and a permission only for what lies within it.
//! It must not know a rule's effect.

use super::pattern::{Open, Pattern, UNKNOWN};

/// The ports of a host that is named without one.
const USUAL_PORTS: [&str; 2] = ["80", "443"];

/// Whether a path lies within what the pattern covers. A path with detours may lie anywhere.
pub(super) fn covers(pattern: &Pattern, path: &str) -> bool {
    pattern.covers(path) && !path.split('/').any(|part| part == "..")
}

/// Whether the pattern covers the path, or something that lies in it as far as the pattern names it.
pub(super) fn reaches(pattern: &Pattern, path: &str) -> bool {
    let folder = path.trim_end_matches('/');
    let is_within = |inner: &str| {
        !path.is_empty()
            && inner
                .strip_prefix(folder)
                .is_some_and(|inner| inner.starts_with('/'))
    };
    // The working folder itself has an empty name, and every relative pattern lies in it.
    let named = pattern.literal();
    let is_root = path.is_empty() && !named.is_empty() && !named.starts_with('/');
    pattern.covers(path) || is_within(named) || is_root
}

/// A host that is asked for, maybe with wildcards.
pub(super) struct Host<'a> {
    asked: &'a str,
    /// In small letters, without a final dot, and with what its wildcards stand for unknown.
    shape: String,
}

impl<'a> Host<'a> {
    pub(super) fn new(asked: &'a str) -> Self {
        let (name, port) = with_port(asked);
        let mut shape = name.trim_end_matches('.').to_ascii_lowercase();
        if let Some(port) = port {
            shape.push(':');
            shape.push_str(port);
        }
        Self {
            asked,
            shape: shape.replace('*', UNKNOWN.encode_utf8(&mut [0; 4])),
        }
    }

    pub(super) fn as_str(&self) -> &'a str {
        self.asked
    }
}

/// A pattern for hosts.
#[derive(Clone, Debug)]
pub(super) struct HostPattern {
    whole: Pattern,
    name: Pattern,
    /// None if it names no port, which restricts every port and allows the usual ones.
    port: Option<Pattern>,
}

impl HostPattern {
    pub(super) fn new(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        let (name, port) = with_port(&text);
        Self {
            name: Pattern::new(name),
            port: port.map(Pattern::new),
            whole: Pattern::new(text.as_str()),
        }
    }

    /// Whether every host that is asked for is covered.
    pub(super) fn covers(&self, host: &Host<'_>) -> bool {
        self.whole.covers(&host.shape)
    }

    /// Whether some host that is asked for is covered.
    pub(super) fn reaches(&self, host: &Host<'_>) -> bool {
        let (name, port) = with_port(&host.shape);
        let asked = port.as_ref();
        let ports = asked.map_or(USUAL_PORTS.as_slice(), std::slice::from_ref);
        let has_port = self
            .port
            .as_ref()
            .is_none_or(|port| ports.iter().any(|asked| port.covers(asked)));
        has_port
            && Open::of(name)
                .map_or_else(|| self.name.covers(name), |name| self.name.may_cover(&name))
    }
}

/// Name and port; an IPv6 address has a port only behind its bracket.
fn with_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restriction_holds_for_folders_around_it() {
        let check = |pattern: &str, path, expect| {
            assert_eq!(
                reaches(&Pattern::new(pattern), path),
                expect,
                "`{pattern}`, `{path}`"
            );
        };
        check("/etc/*", "/etc", true);
        check("/etc/*", "/etc/", true);
        check("/etc/*", "/", true);
        check("/etc/*", "/et", false);
        check("/etc/*", "/etc/passwd", true);
        check("/etc/*", "/srv", false);
        check("secrets/*", "", true);
        check("secrets/*", "secrets", true);
        check("secrets/*", "src", false);
        check("/etc/*", "", false);
        check("*.env", "", false);
        check("*.env", "config/.env", true);
    }

    #[test]
    fn a_permission_for_a_place_takes_no_detours() {
        let check = |path, expect| {
            assert_eq!(
                covers(&Pattern::new("/srv/www/*"), path),
                expect,
                "`{path}`"
            );
        };
        check("/srv/www/a/b", true);
        check("/srv/www/../secret", false);
        check("/srv/www", false);
    }

    #[test]
    fn a_permission_covers_every_host_that_is_asked_for() {
        let check = |pattern: &str, host, expect| {
            assert_eq!(
                HostPattern::new(pattern).covers(&Host::new(host)),
                expect,
                "`{pattern}`, `{host}`"
            );
        };
        check("*.github.com", "api.GitHub.com.", true);
        check("*.github.com", "*.github.com", true);
        check("*.github.com", "github.com", false);
        check("*.github.com", "*.com", false);
        check("*.github.com", "api.github.com:22", false);
        check("*.github.com:22", "api.github.com:22", true);
        check("?.github.com", "*.github.com", false);
        check("*", "[::1]:80", true);
    }

    #[test]
    fn a_restriction_covers_any_host_that_is_asked_for() {
        let check = |pattern: &str, host, expect| {
            assert_eq!(
                HostPattern::new(pattern).reaches(&Host::new(host)),
                expect,
                "`{pattern}`, `{host}`"
            );
        };
        check("evil.example.org", "*.example.org", true);
        check("evil.*", "*.org", true);
        check("*.example.org", "*.org", true);
        check("evil.example.org", "evil.example.org:8443", true);
        check("evil.example.org:443", "evil.example.org", true);
        check("evil.example.org:22", "evil.example.org", false);
        check("*:22", "example.org:22", true);
        check("2001:db8::*", "2001:db8::1", true);
        check("evil.example.org", "good.example.org", false);
    }
}
