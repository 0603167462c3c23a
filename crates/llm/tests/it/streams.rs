//! Recorded streams of many servers, each with its quirk, and the answer they stand for.
//! Invariant: every stream is read in whole and cut at every byte; a cut never makes an answer.

use corvid_core::Answer;
use corvid_core::wire::Finish;
use corvid_llm::EndMark;
use corvid_llm::openai::{MAX_ANSWER_BYTES, StreamDecoder, StreamFault, ToolNames};
use corvid_llm::sse::SseDecoder;

/// Reads a stream to its clean end.
pub(crate) fn read(bytes: &[u8], end: EndMark) -> Result<Answer, StreamFault> {
    let names = ToolNames::new(["file.read", "system.run"]);
    let mut decoder = StreamDecoder::new(&names);
    let mut events = SseDecoder::new(MAX_ANSWER_BYTES);
    let mut deltas = String::new();
    for event in events.push(bytes).map_err(|_| StreamFault::TooLong)? {
        deltas.push_str(&decoder.push(&event.data)?);
    }
    if let Some(event) = events.finish().map_err(|_| StreamFault::TooLong)? {
        deltas.push_str(&decoder.push(&event.data)?);
    }
    let answer = decoder.finish(end)?;
    assert_eq!(answer.text, deltas, "the deltas are the text");
    Ok(answer)
}

/// An answer as `text | id=name(arguments) … | finish | input/cached/output`.
pub(crate) fn shown(answer: &Answer) -> String {
    let calls: Vec<String> = answer
        .calls
        .iter()
        .map(|call| format!("{}={}({})", call.provider_id, call.name, call.arguments))
        .collect();
    let usage = answer.usage;
    format!(
        "{} | {} | {:?} | {}/{}/{}",
        answer.text,
        calls.join(" "),
        answer.finish,
        usage.input_tokens,
        usage.cached_tokens,
        usage.output_tokens,
    )
}

/// The chunks as events, the last of them `[DONE]`.
pub(crate) fn stream(chunks: &[&str]) -> String {
    let chunks: Vec<&str> = chunks.iter().copied().chain(["[DONE]"]).collect();
    format!("data: {}\n\n", chunks.join("\n\ndata: "))
}

#[track_caller]
fn check(chunks: &[&str], expect: &str) {
    let whole = stream(chunks);
    let answer = read(whole.as_bytes(), EndMark::Done);
    assert_eq!(answer.as_ref().map(shown).as_deref(), Ok(expect));
    // The last line says it all once it is there, its end or not.
    let done = whole.trim_end().len();
    for cut in 0..done {
        let answer = read(&whole.as_bytes()[..cut], EndMark::Done);
        assert!(answer.is_err(), "an answer from {cut} bytes: {answer:?}");
    }
    let finished = whole.rfind("finish_reason\":\"").unwrap_or(0);
    for cut in 0..=finished {
        let answer = read(&whole.as_bytes()[..cut], EndMark::FinishReason);
        assert!(answer.is_err(), "an answer from {cut} bytes: {answer:?}");
    }
}

#[test]
fn text_as_openai_sends_it() {
    check(
        &[
            r#"{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":"x"}"#,
            r#"{"choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}"#,
            r#"{"choices":[{"index":0,"delta":{"content":", wörld"},"finish_reason":null}]}"#,
            r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":19,"completion_tokens":10,"total_tokens":29,"prompt_tokens_details":{"cached_tokens":4,"audio_tokens":0}}}"#,
        ],
        "Hello, wörld |  | Stop | 19/4/10",
    );
}

#[test]
fn calls_as_openai_sends_them() {
    check(
        &[
            r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"file_read","arguments":""}}]},"finish_reason":null}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"path\":"}}]},"finish_reason":null}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_b","type":"function","function":{"name":"system_run","arguments":""}}]},"finish_reason":null}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"a\"}"}}]},"finish_reason":null}]}"#,
            r#"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]},"finish_reason":null}]}"#,
            r#"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}"#,
        ],
        r#" | call_a=file.read({"path":"a"}) call_b=system.run({}) | ToolCalls | 0/0/0"#,
    );
}

#[test]
fn whole_calls_that_all_say_index_0_and_finish_with_stop() {
    // Ollama.
    check(
        &[
            r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":"","tool_calls":[{"id":"call_1","index":0,"type":"function","function":{"name":"file_read","arguments":"{\"path\":\"a\"}"}}]},"finish_reason":null}]}"#,
            r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":"","tool_calls":[{"id":"call_2","index":0,"type":"function","function":{"name":"file_read","arguments":"{\"path\":\"b\"}"}}]},"finish_reason":null}]}"#,
            r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":"stop"}]}"#,
        ],
        r#" | call_1=file.read({"path":"a"}) call_2=file.read({"path":"b"}) | ToolCalls | 0/0/0"#,
    );
}

#[test]
fn calls_without_index_or_id() {
    // Gemini's compatible endpoint, older local servers.
    check(
        &[
            r#"{"choices":[{"delta":{"tool_calls":[{"type":"function","function":{"name":"file_read","arguments":"{\"path\":\"a\"}"}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"type":"function","function":{"name":"file_read","arguments":"{\"path\":\"b\"}"}}]}}]}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#,
        ],
        r#" | =file.read({"path":"a"}) =file.read({"path":"b"}) | ToolCalls | 0/0/0"#,
    );
}

#[test]
fn the_same_id_for_two_calls() {
    check(
        &[
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"file_read","arguments":"{}"}},{"index":1,"id":"x","function":{"name":"file_read","arguments":"{}"}},{"index":2,"id":"call_1","function":{"name":"file_read","arguments":"{}"}}]}}]}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#,
        ],
        "| x=file.read({}) x=file.read({}) call_1=file.read({}) | ToolCalls | 0/0/0"
            .replacen('|', " |", 1)
            .as_str(),
    );
}

#[test]
fn id_and_name_with_every_piece() {
    check(
        &[
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"file_read","arguments":"{\"path\":"}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"file_read","arguments":"\"a\"}"}}]}}]}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#,
        ],
        r#" | x=file.read({"path":"a"}) | ToolCalls | 0/0/0"#,
    );
}

#[test]
fn a_name_in_pieces() {
    check(
        &[
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"file_"}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"read"}}]}}]}"#,
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}}]}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#,
        ],
        " | x=file.read({}) | ToolCalls | 0/0/0",
    );
}

#[test]
fn arguments_as_an_object() {
    check(
        &[
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"file_read","arguments":{"path":"a"}}}]}}]}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#,
        ],
        r#" | x=file.read({"path":"a"}) | ToolCalls | 0/0/0"#,
    );
}

#[test]
fn the_older_function_call() {
    check(
        &[
            r#"{"choices":[{"delta":{"function_call":{"name":"file_read","arguments":"{\"path\""}}}]}"#,
            r#"{"choices":[{"delta":{"function_call":{"arguments":":\"a\"}"}}}]}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"function_call"}]}"#,
        ],
        r#" | =file.read({"path":"a"}) | ToolCalls | 0/0/0"#,
    );
}

#[test]
fn an_unknown_tool_keeps_its_name() {
    check(
        &[
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"id":"x","function":{"name":"moon_land","arguments":"not json"}}]}}]}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#,
        ],
        " | x=moon_land(not json) | ToolCalls | 0/0/0",
    );
}

#[test]
fn a_refusal_is_the_text() {
    check(
        &[
            r#"{"choices":[{"delta":{"refusal":"I can't "}}]}"#,
            r#"{"choices":[{"delta":{"refusal":"do that."}}]}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
        ],
        "I can't do that. |  | Stop | 0/0/0",
    );
}

#[test]
fn words_of_their_own_for_the_end() {
    for (reason, finish) in [
        ("eos", Finish::Stop),
        ("end_turn", Finish::Stop),
        ("tool_calls", Finish::Stop),
        ("length", Finish::Length),
        ("content_filter", Finish::ContentFilter),
    ] {
        let end = format!(r#"{{"choices":[{{"delta":{{}},"finish_reason":"{reason}"}}]}}"#);
        let text = r#"{"choices":[{"delta":{"content":"x"}}]}"#;
        check(&[text, &end], &format!("x |  | {finish:?} | 0/0/0"));
    }
}

#[test]
fn content_in_parts_and_thoughts_beside_it() {
    check(
        &[
            r#"{"choices":[{"delta":{"reasoning_content":"hm","content":null}}]}"#,
            r#"{"choices":[{"delta":{"content":[{"type":"thinking","thinking":[]},{"type":"text","text":"x"}]}}]}"#,
            r#"{"choices":[{"index":1,"delta":{"content":"another choice"}}]}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
        ],
        "x |  | Stop | 0/0/0",
    );
}

#[test]
fn a_whole_message_in_place_of_a_stream() {
    check(
        &[
            r#"{"object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"x","tool_calls":null},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#,
        ],
        "x |  | Stop | 1/0/2",
    );
}
