//! The key that moves a running command to the background, and the keys that are not for us.

use std::io;

use corvid_core::wire::{
    CallId, CallKey, Event, EventBody, Finish, LiveEvent, ModelAnswer, ToolCall, Usage,
};
use corvid_core::{Clock as _, Questions as _};
use tokio::sync::mpsc;

use super::asking::{WIDE, approval};
use super::seat::Seat;

const CALL: CallId = CallId {
    turn: 1,
    step: 1,
    index: 0,
};

const OFFER: &str = "running `sleep 60` · 2 s · b: background";

fn committed(body: EventBody) -> LiveEvent {
    let event = Event {
        seq: 1,
        at: 0,
        body,
    };
    LiveEvent::Committed {
        event: Box::new(event),
    }
}

/// A command that is about to run.
fn running() -> [LiveEvent; 2] {
    let asked = ModelAnswer {
        turn: 1,
        step: 1,
        attempt: 1,
        text: String::new(),
        calls: vec![ToolCall {
            id: CALL,
            provider_id: "c1".to_owned(),
            name: "system.run".to_owned(),
            arguments: r#"{"command":"sleep 60"}"#.to_owned(),
        }],
        finish: Finish::ToolCalls,
        usage: Usage::default(),
    };
    let started = EventBody::ToolStarted {
        call: CALL,
        key: CallKey::new("k"),
        attempt: 1,
        proof: None,
    };
    [
        committed(EventBody::ModelAnswered(asked)),
        committed(started),
    ]
}

/// Follows a running command while the person does this.
async fn during(seat: &Seat, person: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    let (sender, receiver) = mpsc::channel(8);
    for event in running() {
        assert!(sender.send(event).await.is_ok());
    }
    let script = async {
        seat.screen
            .shows(|seen| seen.contains("running `sleep 60` · 0 s"))
            .await;
        seat.clock.advance(2_000);
        let done = person.await;
        drop(sender);
        done
    };
    let ((), done) = tokio::join!(seat.terminal.follow(receiver), script);
    assert!(!seat.offers(b'b')?);
    done
}

#[tokio::test]
async fn a_key_sends_a_running_command_to_the_background() -> io::Result<()> {
    let seat = Seat::new(WIDE)?;
    let asked = seat.terminal.background();
    during(&seat, async {
        seat.screen.ends(OFFER).await;
        assert!(seat.offers(b'b')?);
        seat.types("b")?;
        asked.notified().await;
        seat.screen.ends("running `sleep 60` · 2 s").await;
        assert!(!seat.offers(b'b')?);
        Ok(())
    })
    .await
}

#[tokio::test]
async fn what_is_typed_for_the_shell_is_left_to_it() -> io::Result<()> {
    let seat = Seat::new(WIDE)?;
    let _asked = seat.terminal.background();
    during(&seat, async {
        seat.screen.ends(OFFER).await;
        seat.types("ls -b\n")?;
        // Once there is something else nothing is offered any more.
        seat.screen.ends("running `sleep 60` · 2 s").await;
        Ok(())
    })
    .await?;
    assert_eq!(seat.unread().await?, "ls -b\n");
    Ok(())
}

#[tokio::test]
async fn what_was_typed_ahead_is_not_read() -> io::Result<()> {
    let seat = Seat::new(WIDE)?;
    let _asked = seat.terminal.background();
    seat.types("b\n")?;
    during(&seat, async {
        seat.screen.ends("running `sleep 60` · 2 s").await;
        Ok(())
    })
    .await?;
    assert!(!seat.screen.text().contains("background"));
    assert_eq!(seat.unread().await?, "b\n");
    Ok(())
}

#[tokio::test]
async fn nothing_is_read_where_nobody_listens_for_the_key() -> io::Result<()> {
    let seat = Seat::new(WIDE)?;
    during(&seat, async {
        seat.screen.ends("running `sleep 60` · 2 s").await;
        seat.types("b\n")
    })
    .await?;
    assert_eq!(seat.unread().await?, "b\n");
    Ok(())
}

#[tokio::test]
async fn a_question_takes_the_keyboard_over() -> io::Result<()> {
    let seat = Seat::new(WIDE)?;
    let _asked = seat.terminal.background();
    during(&seat, async {
        seat.screen.ends(OFFER).await;
        let question = approval("cargo fetch", false);
        let (heard, done) = tokio::join!(seat.terminal.ask(&question), async {
            seat.screen.shows(|seen| seen.contains("y/n/e?")).await;
            seat.clock.set(seat.clock.now() + 300);
            seat.presses("y").await
        });
        done?;
        assert!(matches!(heard, corvid_core::Heard::Answered { .. }));
        Ok(())
    })
    .await
}
