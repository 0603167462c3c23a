//! How fast requests are written and streams are read, without any socket.
//! Invariant: inputs are built once, outside what is measured.

use std::hint::black_box;
use std::sync::Arc;

use corvid_core::wire::{CallId, ToolCall};
use corvid_core::{Message, ModelRequest, ToolSpec};
use corvid_llm::openai::{Shown, StreamDecoder, ToolNames, encode};
use corvid_llm::sse::SseDecoder;
use corvid_llm::{EndMark, Streaming};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::json;

/// Bytes of the stream that is read.
const STREAM_BYTES: usize = 1 << 20;

/// Bytes of one piece, as sockets hand them over.
const PIECE_BYTES: usize = 4096;

/// 25 rounds of a question, a call, its result and an answer: 100 messages.
fn transcript() -> ModelRequest {
    let round = |turn: u32| {
        let id = CallId {
            turn,
            step: 1,
            index: 0,
        };
        let provider_id = format!("call_{turn:020}");
        let call = ToolCall {
            id,
            provider_id: provider_id.clone(),
            name: "file.read".to_owned(),
            arguments: r#"{"path":"crates/llm/src/lib.rs"}"#.to_owned(),
        };
        [
            Message::User {
                text: "What does this file do? ".repeat(4),
                images: Vec::new(),
            },
            Message::Assistant {
                text: String::new(),
                calls: vec![call],
            },
            Message::Tool {
                provider_id,
                name: "file.read".to_owned(),
                text: "mod openai; // \"quoted\"\n".repeat(40),
            },
            Message::Assistant {
                text: "It names the modules. ".repeat(8),
                calls: Vec::new(),
            },
        ]
    };
    let tool = |name: &str| ToolSpec {
        name: name.to_owned(),
        description: "Does something with a file.".to_owned(),
        parameters: json!({
            "type": "object",
            "properties": { "path": { "type": "string" } },
            "required": ["path"],
        }),
    };
    ModelRequest {
        system: "You are Corvid. ".repeat(60),
        messages: (1..=25).flat_map(round).map(Arc::new).collect(),
        tools: ["file.list", "file.read", "file.write", "system.run"]
            .map(tool)
            .into(),
    }
}

/// A stream of text deltas as `OpenAI` writes them.
fn stream() -> Vec<u8> {
    let chunk = json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{ "index": 0, "delta": { "content": "some words " }, "finish_reason": null }],
    });
    let event = format!("data: {chunk}\n\n");
    let end = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let mut stream = event.repeat(STREAM_BYTES / event.len());
    stream.push_str(end);
    stream.into_bytes()
}

fn benches(criterion: &mut Criterion) {
    let request = transcript();
    criterion.bench_function("encode 100 messages", |bencher| {
        bencher.iter(|| {
            encode(
                "model",
                black_box(&request),
                &Shown::default(),
                Streaming::WithUsage,
            )
        });
    });

    let stream = stream();
    let mut group = criterion.benchmark_group("decode 1 MB");
    group.throughput(Throughput::Bytes(stream.len() as u64));
    group.bench_function("sse", |bencher| {
        bencher.iter(|| {
            let mut events = SseDecoder::new(STREAM_BYTES);
            let read = |piece| events.push(piece).map(|events| events.len());
            let counted: Result<usize, _> = black_box(&stream).chunks(PIECE_BYTES).map(read).sum();
            counted
        });
    });
    let names = ToolNames::default();
    group.bench_function("sse and answer", |bencher| {
        bencher.iter(|| {
            let mut events = SseDecoder::new(STREAM_BYTES);
            let mut answer = StreamDecoder::new(&names);
            for piece in black_box(&stream).chunks(PIECE_BYTES) {
                for event in events.push(piece).into_iter().flatten() {
                    black_box(answer.push(&event.data).is_ok());
                }
            }
            answer.finish(EndMark::Done)
        });
    });
    group.finish();
}

criterion_group!(codec, benches);
criterion_main!(codec);
