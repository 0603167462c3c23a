//! Streams that end too early, too late or with an error inside.
//! Invariant: none of them makes an answer, and no fault repeats what the stream said.

use corvid_llm::openai::{StreamDecoder, StreamFault, ToolNames};
use corvid_llm::{Complaint, EndMark};

use crate::streams::{read, shown, stream};

#[test]
fn a_stream_may_lack_its_done_where_that_is_known() {
    let chunk = r#"{"choices":[{"delta":{"content":"x"},"finish_reason":"stop"}]}"#;
    for bytes in [format!("data: {chunk}\n\n"), format!("data: {chunk}")] {
        let answer = read(bytes.as_bytes(), EndMark::FinishReason);
        assert_eq!(
            answer.as_ref().map(shown).as_deref(),
            Ok("x |  | Stop | 0/0/0")
        );
        assert_eq!(read(bytes.as_bytes(), EndMark::Done), Err(StreamFault::Cut));
    }
}

#[test]
fn without_a_finish_reason_there_is_no_answer() {
    let whole = stream(&[r#"{"choices":[{"delta":{"content":"x"},"finish_reason":null}]}"#]);
    assert_eq!(read(whole.as_bytes(), EndMark::Done), Err(StreamFault::Cut));
    assert_eq!(read(b"", EndMark::FinishReason), Err(StreamFault::Cut));
}

#[test]
fn what_is_no_json_is_told_without_repeating_it() {
    for chunk in ["{\"choices\":[{", "secret words", "[]", r#"{"choices":7}"#] {
        let fault = read(stream(&[chunk]).as_bytes(), EndMark::Done);
        let Err(StreamFault::Malformed(reason)) = fault else {
            panic!("{chunk}: {fault:?}");
        };
        assert!(!reason.contains("secret"), "{reason}");
    }
}

#[test]
fn an_error_inside_the_stream() {
    let complaint = |code: &str, message: &str, status| {
        Err(StreamFault::Reported(Complaint {
            code: code.to_owned(),
            message: message.to_owned(),
            status,
        }))
    };
    for (chunk, expect) in [
        (
            r#"{"error":{"code":502,"message":"upstream died"},"choices":[{"delta":{"content":""},"finish_reason":"error"}]}"#,
            complaint("", "upstream died", Some(502)),
        ),
        (
            r#"{"error":{"type":"server_error","code":null,"message":"oops"}}"#,
            complaint("server_error", "oops", None),
        ),
        (
            r#"{"error":"model crashed"}"#,
            complaint("", "model crashed", None),
        ),
        (
            r#"{"choices":[{"delta":{},"finish_reason":"error"}]}"#,
            complaint("", "", None),
        ),
    ] {
        let read = read(stream(&[chunk]).as_bytes(), EndMark::Done);
        assert_eq!(read, expect, "{chunk}");
    }
}

#[test]
fn an_endless_answer_is_cut_off() {
    let names = ToolNames::default();
    let mut decoder = StreamDecoder::new(&names);
    let chunk = format!(
        r#"{{"choices":[{{"delta":{{"content":"{}"}}}}]}}"#,
        "x".repeat(1 << 20)
    );
    let fault = (0..100).find_map(|_| decoder.push(&chunk).err());
    assert_eq!(fault, Some(StreamFault::TooLong));
}
