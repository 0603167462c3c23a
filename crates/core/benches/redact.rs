//! What taking out secrets costs: working out what to look for, one text, and a stream.
//! Invariant: texts are built once, outside what is measured.

use std::hint::black_box;

use corvid_core::Secret;
use corvid_core::redact::Redactor;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// Secrets as they lie in an operator's environment.
const SECRETS: usize = 10;

/// Bytes of a stream, and of the pieces in which it comes.
const STREAM: usize = 1 << 20;
const PIECE: usize = 4096;

fn redactor() -> Redactor {
    Redactor::new((0..SECRETS).map(|number| {
        let value =
            format!("sk-proj-{number}-Zm9vYmFyYmF6cXV4+/{number}aBcDeFgHiJkLmNoPqRsTuVwXyZ");
        (format!("KEY_{number}"), Secret::new(value))
    }))
}

fn redact(criterion: &mut Criterion) {
    let line = "   Compiling corvid-core v0.1.0 (crates/core) in 1.23s, sk-p and other words\n";
    let text = line.repeat(PIECE / line.len());
    let stream = line.repeat(STREAM / line.len());
    criterion.bench_function("first text, 10 secrets", |bencher| {
        bencher.iter(|| redactor().text(black_box("short")).len());
    });
    let redactor = redactor();
    criterion.bench_function("4 KiB of text", |bencher| {
        bencher.iter(|| redactor.text(black_box(&text)).len());
    });
    let none = Redactor::default();
    criterion.bench_function("4 KiB of text, no secrets", |bencher| {
        bencher.iter(|| none.text(black_box(&text)).len());
    });
    let mut streams = criterion.benchmark_group("streams");
    streams.throughput(Throughput::Bytes(STREAM as u64));
    streams.bench_function("1 MiB in 4 KiB pieces", |bencher| {
        bencher.iter(|| {
            let mut pass = redactor.stream();
            let pieces = stream.as_bytes().chunks(PIECE);
            let passed: usize = pieces.map(|piece| pass.push(piece).len()).sum();
            passed + pass.finish().len()
        });
    });
}

criterion_group!(benches, redact);
criterion_main!(benches);
