//! The terminal channel through its own door: events and deliveries in, bytes on two streams out.

mod asking;
mod background;
mod inquiring;
mod seat;

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use corvid_core::wire::{
    Address, CallId, DeliveryId, Ending, Event, EventBody, Frame, LiveEvent, SessionId,
};
use corvid_core::{Channel, Delivery, HeardOutcome, OutcomeQuestion, Questions, SystemClock};
use tokio::sync::mpsc;

use super::{Form, Look, Surface, Terminal};

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Broken(io::ErrorKind);

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn terminal(out: Box<dyn Write + Send>, form: Form, err: Paper) -> Terminal {
    let surface = Surface {
        out,
        form,
        err: Box::new(err),
        progress: None,
        person: None,
        waits: false,
    };
    Terminal::new(surface, Arc::new(SystemClock))
}

fn delivery(text: &str) -> Delivery {
    replying(text, |_| {})
}

/// A reply that differs from the usual one.
fn replying(text: &str, change: impl FnOnce(&mut corvid_core::Reply)) -> Delivery {
    let mut reply = corvid_core::Reply {
        session: SessionId::new("work"),
        turn: 1,
        inputs: Vec::new(),
        ending: Ending::Answered,
        notices: vec!["an outcome is unknown".to_owned()],
        unapproved: Vec::new(),
        took_ms: 0,
        unasked: false,
    };
    change(&mut reply);
    Delivery {
        id: DeliveryId::new("d-1"),
        to: Address {
            channel: super::NAME.to_owned(),
            account: "1000".to_owned(),
            conversation: "c".to_owned(),
        },
        text: text.to_owned(),
        content: corvid_core::Content::Reply(reply),
        maybe_sent: false,
        late: false,
    }
}

fn timer(seq: u64) -> LiveEvent {
    LiveEvent::Committed {
        event: Box::new(Event {
            seq,
            at: 0,
            body: EventBody::TimerFired { due_at: 0 },
        }),
    }
}

#[tokio::test]
async fn a_reply_is_printed_once_and_its_notices_beside_it() {
    let (out, err) = (Paper::default(), Paper::default());
    let terminal = terminal(Box::new(out.clone()), Form::Plain, err.clone());
    for _ in 0..2 {
        assert!(terminal.deliver(&delivery("**done**")).await.is_ok());
    }
    assert_eq!(out.text(), "**done**\n");
    assert_eq!(err.text(), "note: an outcome is unknown\n");
}

#[tokio::test]
async fn what_nobody_could_be_asked_about_is_told() {
    let err = Paper::default();
    let terminal = terminal(Box::new(Paper::default()), Form::Plain, err.clone());
    let unapproved = replying("done", |reply| {
        reply.notices.clear();
        reply.unapproved = vec!["run `git push`".to_owned(), "write \u{1b}x".to_owned()];
    });
    assert!(terminal.deliver(&unapproved).await.is_ok());
    assert_eq!(
        err.text(),
        "needed an approval and got none: run `git push`\n\
         needed an approval and got none: write ␛x\n"
    );
}

#[tokio::test]
async fn what_is_no_answer_is_no_data() {
    for ending in [
        Ending::Declined,
        Ending::Limited,
        Ending::Stopped,
        Ending::Failed,
        Ending::Crashed,
    ] {
        let (out, err) = (Paper::default(), Paper::default());
        let terminal = terminal(Box::new(out.clone()), Form::Plain, err.clone());
        let failed = replying("no \u{1b}key", |reply| reply.ending = ending);
        for _ in 0..2 {
            assert!(terminal.deliver(&failed).await.is_ok());
        }
        let expect = "no ␛key\nnote: an outcome is unknown\n".to_owned();
        assert_eq!(
            (out.text(), err.text()),
            (String::new(), expect),
            "{ending:?}"
        );
    }
}

#[tokio::test]
async fn a_reader_that_left_is_content() {
    let broken = Box::new(Broken(io::ErrorKind::BrokenPipe));
    let terminal = terminal(broken, Form::Plain, Paper::default());
    assert!(terminal.deliver(&delivery("x")).await.is_ok());
}

#[tokio::test]
async fn another_reply_is_printed_on_another_page() {
    let out = Paper::default();
    let terminal = terminal(Box::new(out.clone()), Form::Plain, Paper::default());
    for text in ["one", "two"] {
        assert!(terminal.deliver(&delivery(text)).await.is_ok());
        assert!(terminal.deliver(&delivery("once more")).await.is_ok());
        terminal.turn_page().await;
    }
    assert_eq!(out.text(), "one\ntwo\n");
}

#[tokio::test]
async fn a_full_disk_is_a_failed_delivery() {
    let broken = Box::new(Broken(io::ErrorKind::StorageFull));
    let terminal = terminal(broken, Form::Plain, Paper::default());
    let delivered = terminal.deliver(&delivery("x")).await;
    let reason = delivered.map_err(|error| error.to_string());
    assert_eq!(
        reason,
        Err("standard output did not take it: no storage space".to_owned())
    );
}

#[tokio::test]
async fn json_lines_hold_what_came_before_and_end_with_the_reply() {
    let out = Paper::default();
    let session = SessionId::new("work");
    let form = Form::Json(session.clone());
    let terminal = terminal(Box::new(out.clone()), form, Paper::default());
    let (sender, receiver) = mpsc::channel(8);
    let script = async {
        assert!(sender.send(timer(1)).await.is_ok());
        assert!(sender.send(timer(2)).await.is_ok());
        let unapproved = replying("done", |reply| {
            reply.unapproved = vec!["run `git push`".to_owned()];
        });
        assert!(terminal.deliver(&unapproved).await.is_ok());
        assert!(sender.send(timer(3)).await.is_ok());
        drop(sender);
    };
    tokio::join!(terminal.follow(receiver), script);
    let frames: Vec<Frame> = out
        .text()
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let live = |seq| Frame::Live {
        session: session.clone(),
        event: Box::new(timer(seq)),
    };
    let reply = Frame::Reply {
        session: session.clone(),
        text: "done".to_owned(),
        ending: Ending::Answered,
        notices: vec!["an outcome is unknown".to_owned()],
        unapproved: vec!["run `git push`".to_owned()],
        repeated: false,
    };
    assert_eq!(frames, [live(1), live(2), reply]);
}

#[tokio::test]
async fn a_screen_erases_its_moving_line_before_the_reply() {
    let paper = Paper::default();
    let look = Look {
        width: 40,
        color: false,
    };
    let surface = Surface {
        out: Box::new(paper.clone()),
        form: Form::Screen(look),
        err: Box::new(paper.clone()),
        progress: Some(look),
        person: None,
        waits: false,
    };
    let terminal = Terminal::new(surface, Arc::new(SystemClock));
    super::locked(&terminal.screen).draw(0, 0);
    assert!(terminal.deliver(&delivery("*done*")).await.is_ok());
    super::locked(&terminal.screen).draw(0, 1);
    assert_eq!(
        paper.text(),
        "\r\u{1b}[2K⠋ starting\r\u{1b}[2Kdone\nnote: an outcome is unknown\n"
    );
}

fn question() -> OutcomeQuestion {
    OutcomeQuestion {
        session: SessionId::new("work"),
        shown_in: Vec::new(),
        call: CallId {
            turn: 1,
            step: 1,
            index: 0,
        },
        tool: "system.run".to_owned(),
        arguments: r#"{"command":"git push"}"#.to_owned(),
        reason: "the power failed".to_owned(),
    }
}

#[tokio::test]
async fn an_unknown_outcome_is_seen_where_nobody_answers() {
    let err = Paper::default();
    let terminal = terminal(Box::new(Paper::default()), Form::Plain, err.clone());
    let answer = terminal.ask_outcome(&question()).await;
    assert_eq!(answer, HeardOutcome::Nobody);
    insta::assert_snapshot!(err.text());
}
