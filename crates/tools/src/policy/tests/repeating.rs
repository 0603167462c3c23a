//! Which commands may be allowed for a session.
//! Invariant: a program that takes what to do from files in the folder is none of them.
//! It must not know how a line is read.

use super::super::repeatable;
use super::*;

#[test]
fn only_plain_commands_of_known_programs_are_repeatable() {
    for line in [
        "ls -la",
        "/usr/bin/cp -r a /srv",
        "touch /srv/x",
        "grep 'a;b' x",
        "curl -sS https://example.com",
        "curl -fsSL --retry 3 -o x https://example.com",
        "wget -q --tries=3 https://example.com",
        "dig +short @192.0.2.1 example.com",
    ] {
        assert!(repeatable(line), "{line}");
    }
    for line in [
        "",
        "sh x.sh",
        "bash -c ls",
        "python3.12 x.py",
        "env ls",
        "busybox ls",
        "time ls",
        "make",
        "ls; ls",
        "ls > x",
        "A=1 ls",
        "ls $x",
        "./curl x",
        "bin/curl x",
        "~/bin/curl x",
        "/tmp/curl x",
        "git -c alias.x=!sh x",
        "cargo run",
        "npm run x",
        // What the files in the folder say can change without asking.
        "git push origin main",
        "git fetch",
        "cargo build",
        "cargo fetch",
        "npm install",
        "yarn install",
        "pip install x",
        "go build",
        "gradle build",
        "mvn package",
        "cmake .",
        "docker compose up",
        "rsync a b",
        // So can what an option names, and what a pattern stands for.
        "curl -K x https://example.com",
        "curl -sKx https://example.com",
        "curl '-'K x https://example.com",
        "curl --config x https://example.com",
        "curl --conf x https://example.com",
        "curl -d @x https://example.com",
        "curl -T x https://example.com",
        "wget -e use_askpass=./x https://example.com",
        "wget --use-askpass=./x https://example.com",
        "wget -i x",
        "dig -f x",
        "curl *",
        "cp * /srv",
        "cp {a,b} /srv",
    ] {
        assert!(!repeatable(line), "{line}");
    }
}

/// What may be allowed for a session is a narrower matter than what a rule allows.
#[test]
fn a_rule_allows_what_is_not_repeatable() {
    let policy = policy(Preset::Careful, &[("system.run", "cargo *", Allow)]);
    assert_eq!(effect(&policy, &command("cargo build")), Allow);
    assert!(!repeatable("cargo build"));
}
