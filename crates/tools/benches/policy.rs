//! How long the policy takes to decide under 1,000 rules, which must be at most 50 µs.
//! Invariant: rules and requests are built once, outside what is measured; no rule before the presets' decides, so
//! that every one of the thousand is looked at.

use std::hint::black_box;
use std::path::Path;

use corvid_core::wire::{Effect, Requester, Role, SessionId};
use corvid_core::{Policy as _, PolicyEffect, PolicyRequest, Wider};
use corvid_tools::policy::{PolicyConfig, Preset, RuleConfig, RulePolicy};
use criterion::{Criterion, criterion_group, criterion_main};

const RULES: usize = 1_000;

/// Rules as people write them: commands, paths and hosts, allowed, asked about and denied.
fn rules(count: usize) -> RulePolicy {
    let rules = (0..count).map(|number| {
        let (tool, resource, effect) = match number % 8 {
            0 => (
                "system.run",
                format!("tool{number} push*"),
                PolicyEffect::Ask,
            ),
            1 => (
                "system.run",
                format!("git -c section{number}.key=*"),
                PolicyEffect::Deny,
            ),
            2 => (
                "system.run",
                format!("git log --since={number}*"),
                PolicyEffect::Allow,
            ),
            3 => (
                "system.run",
                format!("*secret-{number}*"),
                PolicyEffect::Deny,
            ),
            4 => (
                "file.*",
                format!("src/module{number}/*"),
                PolicyEffect::Deny,
            ),
            5 => (
                "file.write",
                format!("*.generated{number}.rs"),
                PolicyEffect::Ask,
            ),
            6 => (
                "system.run",
                format!("host:*.example{number}.org"),
                PolicyEffect::Allow,
            ),
            _ => (
                "*",
                format!("write:/srv/place{number}/*"),
                PolicyEffect::Allow,
            ),
        };
        RuleConfig {
            tool: tool.to_owned(),
            resource,
            effect,
            reason: None,
            session: (number % 5 == 0).then(|| "s-*".to_owned()),
            person: (number % 7 == 0).then(|| "terminal:*".to_owned()),
        }
    });
    RulePolicy::new(PolicyConfig {
        preset: Preset::Default,
        rules: rules.collect(),
    })
}

fn decide(criterion: &mut Criterion) {
    let wider = Wider {
        reason: "to publish".to_owned(),
        hosts: vec!["github.com".to_owned(), "crates.io".to_owned()],
        writes: vec!["/srv/www".to_owned()],
        lacking: Vec::new(),
    };
    let requests = [
        ("plain command", "system.run", "cargo build --release", None),
        (
            "composed command",
            "system.run",
            "cd crates/tools && RUST_LOG=debug timeout 300 cargo test --quiet 2>&1 | tail -n 20",
            None,
        ),
        (
            "command with unknown parts",
            "system.run",
            "for f in src/*.rs; do git diff \"$f\" | sh -c \"wc -l $x\"; done",
            None,
        ),
        (
            "wider command",
            "system.run",
            "git push origin main",
            Some(&wider),
        ),
        ("path", "file.write", "crates/tools/src/policy/mod.rs", None),
    ];
    let session = SessionId::new("s-7k2m9q4x");
    let requester = Requester {
        id: "1000".to_owned(),
        role: Role::Owner,
    };
    let policy = rules(RULES);
    for (name, tool, resource, wider) in requests {
        let request = PolicyRequest {
            tool,
            resource,
            also: &[],
            effect: Effect::Reconcilable,
            wider,
            working_dir: Path::new("/home/someone/project"),
            session: &session,
            channel: "terminal",
            requester: &requester,
        };
        criterion.bench_function(&format!("{RULES} rules, {name}"), |bencher| {
            bencher.iter(|| policy.decide(black_box(&request)));
        });
    }
}

criterion_group!(benches, decide);
criterion_main!(benches);
