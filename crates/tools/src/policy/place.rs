//! Paths and hosts against patterns.
//! Invariant: who is granted a folder is granted what lies in it, and who is granted `*.x` every host of it; so a
//! restriction holds for whatever has something in common with it, and a permission only for what lies within it.
//! It must not know a rule's effect.

use super::pattern::{Pattern, UNKNOWN};

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

/// Whether every host that `asked` stands for is covered.
pub(super) fn covers_host(pattern: &Pattern, asked: &str) -> bool {
    pattern.covers(&shape(asked))
}

/// Whether some host that `asked` stands for is covered.
pub(super) fn reaches_host(pattern: &Pattern, asked: &str) -> bool {
    let asked = shape(asked);
    let (asked, asked_port) = with_port(&asked);
    let (name, port) = with_port(pattern.as_str());
    let ports: &[&str] = match &asked_port {
        Some(port) => &[port],
        None => &USUAL_PORTS,
    };
    let has_port = port.is_none_or(|port| {
        let port = Pattern::new(port);
        ports.iter().any(|asked| port.covers(asked))
    });
    has_port && Pattern::new(name).may_cover(asked)
}

/// The host in small letters, without a final dot, and with what its wildcards stand for unknown.
fn shape(host: &str) -> String {
    let (name, port) = with_port(host);
    let mut shape = name.trim_end_matches('.').to_ascii_lowercase();
    if let Some(port) = port {
        shape.push(':');
        shape.push_str(port);
    }
    shape.replace('*', &UNKNOWN.to_string())
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
                covers_host(&Pattern::new(pattern), host),
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
                reaches_host(&Pattern::new(pattern), host),
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
