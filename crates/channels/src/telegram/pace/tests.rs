//! How fast the bot writes, on a clock that is told what time it is.

use corvid_testkit::ManualClock;

use super::*;

const PERSON: i64 = 4711;
const GROUP: i64 = -1_000_001;

fn pacer() -> (Arc<ManualClock>, Pacer) {
    let clock = Arc::new(ManualClock::new(1_000_000));
    let pacer = Pacer::new(Arc::clone(&clock) as Arc<dyn Clock>);
    (clock, pacer)
}

/// When so many messages to a chat may be written, as milliseconds from now.
fn moments(pacer: &Pacer, chat: i64, count: usize) -> Vec<Millis> {
    let now = pacer.clock.now();
    let moment = |_| pacer.state().reserve(chat, now) - now;
    (0..count).map(moment).collect()
}

#[test]
fn a_chat_has_a_burst_and_then_its_pace() {
    let (clock, pacer) = pacer();
    assert_eq!(moments(&pacer, PERSON, 7), [0, 0, 0, 0, 0, 5_000, 5_000]);
    let in_group = moments(&pacer, GROUP, 21);
    assert_eq!((in_group[19], in_group[20]), (0, 61_000));
    clock.advance(61_000);
    assert_eq!(moments(&pacer, PERSON, 1), [0]);
}

#[tokio::test]
async fn no_more_than_thirty_a_second_arrive_in_all() {
    let (clock, pacer) = pacer();
    let begin = clock.now();
    let mut arrivals = Vec::new();
    for chat in 1..=200 {
        tokio::select! {
            () = pacer.turn(chat) => {}
            never = hurry(&clock) => match never {},
        }
        // The way takes each of them another time.
        let way = (chat * 67) % 150;
        arrivals.push(clock.now() - begin + way);
    }
    arrivals.sort_unstable();
    for first in arrivals.windows(31) {
        assert!(first[30] - first[0] >= 1_000, "{first:?}");
    }
    assert_eq!(clock.now() - begin, 199 * 40);
}

#[tokio::test]
async fn a_chats_pace_counts_from_what_was_really_written() {
    let (clock, pacer) = pacer();
    let begin = clock.now();
    for _ in 0..50 {
        pacer.state().all.take(ALL, begin);
    }
    tokio::select! {
        () = pacer.turn(PERSON) => {}
        never = hurry(&clock) => match never {},
    }
    assert_eq!(clock.now() - begin, 2_000);
    assert_eq!(moments(&pacer, PERSON, 5), [0, 0, 0, 0, 5_000]);
}

#[test]
fn a_preview_leaves_room_for_what_must_arrive() {
    let (clock, pacer) = pacer();
    for _ in 0..4 {
        assert!(pacer.take_preview(PERSON));
        assert!(!pacer.take_preview(PERSON));
        clock.advance(1_000);
    }
    assert!(!pacer.take_preview(PERSON));
    assert_eq!(moments(&pacer, PERSON, 2), [0, 1_000]);
    // What must arrive puts the next preview off.
    assert_eq!(pacer.preview_at(PERSON) - clock.now(), 3_000);
    clock.advance(3_000);
    assert!(pacer.take_preview(PERSON));
}

async fn hurry(clock: &ManualClock) -> std::convert::Infallible {
    loop {
        let next = clock.next_wait().await;
        clock.set(next);
    }
}

#[tokio::test]
async fn a_chat_that_was_told_to_wait_waits_and_others_do_not() {
    let (clock, pacer) = pacer();
    pacer.hold(PERSON, 7_000);
    assert!(!pacer.take_preview(PERSON));
    pacer.turn(GROUP).await;
    let waits = async {
        assert_eq!(clock.next_wait().await, 1_007_000);
        // It is told again while it waits.
        pacer.hold(PERSON, 9_000);
        clock.advance(7_000);
        assert_eq!(clock.next_wait().await, 1_009_000);
        clock.advance(2_000);
    };
    tokio::join!(pacer.turn(PERSON), waits);
}

#[test]
fn three_chats_that_must_wait_hold_all() {
    let (clock, pacer) = pacer();
    for (chat, for_ms) in [(1, 5_000), (2, 6_000), (3, 9_000)] {
        assert_eq!(pacer.preview_at(PERSON), clock.now());
        pacer.hold(chat, for_ms);
    }
    assert_eq!(pacer.preview_at(PERSON) - clock.now(), 5_000);
    clock.advance(5_000);
    assert!(pacer.take_preview(PERSON));
}

#[test]
fn ten_thousand_idle_chats_take_no_room() {
    let (clock, pacer) = pacer();
    for chat in 1..=10_000 {
        pacer.state().reserve(chat, clock.now());
        clock.advance(100);
    }
    assert!(pacer.state().chats.len() <= CROWD * 2);
}
