//! What goes wrong on the way, as planned.
//! Invariant: of each fault it is checked whether the call was acted on, how it ended, and what came back.
//! It must not know how a fault is carried out.

use super::*;
use crate::ManualClock;

fn spoken_to() -> io::Result<FakeTelegram> {
    let fake = FakeTelegram::start()?;
    fake.remote().say(Say::private(7, "hello"))?;
    Ok(fake)
}

fn send() -> Value {
    json!({ "chat_id": 7, "text": "x" })
}

/// Checks what a planned fault does to one `sendMessage`: whether it acted, how it ended, what came back.
fn check(fault: &Fault, acted: bool, end: CallEnd, came: &str) -> Outcome {
    let fake = spoken_to()?;
    fake.remote()
        .fault(Plan::once(fault.clone()).on("sendMessage"))?;
    let mut answer = String::new();
    let read = begin(&fake, "sendMessage", &send())?.read_to_string(&mut answer);
    assert!(answer.contains(came), "{fault:?}: {answer}");
    assert!(read.is_ok() || came.is_empty(), "{fault:?}: {read:?}");
    let entry = fake.remote().ledger()?.remove(0);
    assert_eq!((entry.acted, entry.end), (acted, end), "{fault:?}");
    let messages = usize::from(acted);
    assert_eq!(
        fake.remote().chat(7)?.by_bot().count(),
        messages,
        "{fault:?}"
    );
    // It is used up.
    done(&fake, "sendMessage", &send())?;
    Ok(())
}

#[test]
fn every_fault_does_what_it_says() -> Outcome {
    check(&Fault::CutBefore, false, CallEnd::Lost, "")?;
    check(&Fault::ResetBefore, false, CallEnd::Lost, "")?;
    check(&Fault::CutAfter, true, CallEnd::Lost, "")?;
    check(&Fault::ResetAfter, true, CallEnd::Lost, "")?;
    check(&Fault::Garbage, true, CallEnd::Lost, "<html>")?;
    check(
        &Fault::Delay { ms: 1 },
        true,
        CallEnd::Answered,
        "\"ok\":true",
    )?;
    check(
        &Fault::Busy { retry_after: 3 },
        false,
        CallEnd::Answered,
        "\"parameters\":{\"retry_after\":3}",
    )?;
    check(
        &Fault::Status {
            code: 502,
            description: "Bad Gateway".to_owned(),
        },
        false,
        CallEnd::Answered,
        "HTTP/1.1 502",
    )
}

#[test]
fn a_lost_answer_is_no_answer_at_all() -> Outcome {
    let fake = spoken_to()?;
    fake.remote().fault(Plan::once(Fault::CutAfter))?;
    let mut answer = Vec::new();
    begin(&fake, "sendMessage", &send())?.read_to_end(&mut answer)?;
    assert_eq!(answer, b"");
    assert_eq!(fake.remote().chat(7)?.bot_texts(), ["x"]);
    Ok(())
}

#[test]
fn silence_lasts_until_the_bot_leaves() -> Outcome {
    let fake = spoken_to()?;
    fake.remote().fault(Plan::once(Fault::Silence))?;
    let stream = begin(&fake, "sendMessage", &send())?;
    let acted = |remote: &Remote| Ok(remote.ledger()?.iter().any(|call| call.acted));
    assert!(fake.remote().wait_for(LIMIT, acted)?);
    assert_eq!(fake.remote().ledger()?[0].end, CallEnd::Open);
    drop(stream);
    let left = |remote: &Remote| Ok(remote.ledger()?[0].end == CallEnd::ClientLeft);
    assert!(fake.remote().wait_for(LIMIT, left)?);
    Ok(())
}

#[test]
fn an_outage_ends_by_the_clock_or_when_it_is_lifted() -> Outcome {
    let clock = Arc::new(ManualClock::new(0));
    let fake = FakeTelegram::start_with(Setup::default(), Arc::clone(&clock) as Arc<dyn Clock>)?;
    fake.remote().fault(Plan::outage_until(1_800_000))?;
    let reached = || call(&fake, "getMe", &json!({})).is_ok_and(|answer| answer["ok"] == true);
    assert!(!reached() && !reached());
    clock.advance(1_800_000);
    assert!(reached());
    fake.remote().fault(Plan::always(Fault::CutBefore))?;
    assert!(!reached());
    fake.remote().lift()?;
    assert!(reached());
    Ok(())
}

#[test]
fn a_fault_may_be_for_one_chat_and_begin_later() -> Outcome {
    let fake = spoken_to()?;
    fake.remote().say(Say::private(8, "hello"))?;
    let plan = Plan::once(Fault::Busy { retry_after: 1 })
        .in_chat(7)
        .after(1);
    fake.remote().fault(plan)?;
    let to = |chat: i64| json!({ "chat_id": chat, "text": "x" });
    let goes = |chat| call(&fake, "sendMessage", &to(chat)).is_ok_and(|a| a["ok"] == true);
    assert_eq!(
        [goes(8), goes(7), goes(8), goes(7), goes(7)],
        [true, true, true, false, true]
    );
    Ok(())
}
