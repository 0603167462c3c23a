//! What is composed goes out: in its order, after a pause, elsewhere, or not at all.

use corvid_core::DeliverError;
use corvid_store::{DeliveryEnd, DeliveryState};
use tokio_util::sync::CancellationToken;

use super::*;

#[tokio::test]
async fn a_conversation_keeps_its_order_and_holds_up_no_other() {
    let daemon = Daemon::start().await;
    let let_go = daemon.messenger.waits("one");
    for text in ["one", "two", "three"] {
        daemon.posts("a", text).await;
    }
    daemon.posts("b", "beside").await;
    assert_eq!(daemon.messenger.sent(1).await, ["b: beside"]);
    let begun = daemon.messenger.begun();
    assert!(!begun.contains(&"a: two".to_owned()), "{begun:?}");
    let_go.cancel();
    assert_eq!(
        daemon.messenger.sent(4).await,
        ["b: beside", "a: one", "a: two", "a: three"]
    );
}

#[tokio::test]
async fn a_conversation_waits_as_long_as_its_messenger_asks() {
    let daemon = Daemon::start().await;
    let busy = DeliverError::Retry {
        reason: "too many requests".to_owned(),
        after_ms: Some(30_000),
    };
    daemon.messenger.fails("one", busy);
    daemon.posts("a", "one").await;
    daemon.clock.next_wait_before(START + 30_001).await;
    assert_eq!(daemon.clock.waits(), [START + 30_000]);
    daemon.clock.advance(29_999);
    daemon.posts("a", "two").await;
    // What another conversation gets shows that there was a look in between.
    daemon.posts("b", "beside").await;
    assert_eq!(daemon.messenger.sent(1).await, ["b: beside"]);
    assert_eq!(daemon.messenger.begun(), ["a: one", "b: beside"]);
    daemon.wait_out(START + 30_000).await;
    assert_eq!(
        daemon.messenger.sent(3).await,
        ["b: beside", "a: one", "a: two"]
    );
}

#[tokio::test]
async fn the_pause_doubles_until_something_arrives() {
    let daemon = Daemon::start().await;
    let fail = || {
        let reason = "not reached".to_owned();
        let error = DeliverError::Retry {
            reason,
            after_ms: None,
        };
        daemon.messenger.fails("one", error);
    };
    (0..3).for_each(|_| fail());
    daemon.posts("a", "one").await;
    let mut due = START;
    for pause in [1_000, 2_000, 4_000] {
        due += pause;
        assert_eq!(daemon.clock.next_wait_before(due + 1).await, due);
        daemon.clock.set(due);
    }
    assert_eq!(daemon.messenger.sent(1).await, ["a: one"]);
    fail();
    daemon.posts("a", "one more").await;
    assert_eq!(
        daemon.clock.next_wait_before(due + 1_001).await,
        due + 1_000
    );
}

#[tokio::test]
async fn what_is_late_says_so_and_what_is_too_late_is_not_sent() {
    let daemon = Daemon::start().await;
    let max_age = i64::try_from(MAX_AGE_MS).unwrap();
    daemon.post("a", "ancient", START - max_age - 1).await;
    daemon.post("a", "late", START - max_age).await;
    daemon.posts("a", "now").await;
    let sent = daemon.messenger.deliveries(2).await;
    let sent: Vec<_> = sent
        .iter()
        .map(|delivery| (delivery.text.as_str(), delivery.late))
        .collect();
    assert_eq!(sent, [("late", true), ("now", false)]);
    assert_eq!(daemon.messenger.begun(), ["a: late", "a: now"]);
}

#[tokio::test]
async fn nothing_goes_to_a_dead_conversation_until_somebody_speaks_there() {
    let daemon = Daemon::start().await;
    let blocked = DeliverError::Dead("the person has blocked the bot".to_owned());
    daemon.messenger.fails("one", blocked);
    for text in ["one", "two"] {
        daemon.posts("a", text).await;
    }
    daemon.posts("b", "beside").await;
    daemon.messenger.sent(1).await;
    while !open(&daemon).await.is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(daemon.store.is_dead(&at("a")).await.unwrap());
    let begun = daemon.messenger.begun();
    assert!(!begun.contains(&"a: two".to_owned()), "{begun:?}");
    daemon.says("a", "hello again").await;
    assert_eq!(
        daemon.messenger.sent(2).await,
        ["b: beside", "a: you said: hello again"]
    );
}

#[tokio::test]
async fn a_reply_that_comes_too_late_makes_way() {
    let daemon = Daemon::start().await;
    let busy = DeliverError::Retry {
        reason: "not reached".to_owned(),
        after_ms: Some(MAX_AGE_MS),
    };
    daemon.messenger.fails("one", busy);
    daemon.says("a", "one").await;
    let late = START + i64::try_from(MAX_AGE_MS).unwrap() + 1;
    daemon.clock.next_wait_before(late).await;
    daemon.clock.set(late);
    daemon.posts("a", "now").await;
    assert_eq!(daemon.messenger.sent(1).await, ["a: now"]);
    assert_eq!(daemon.messenger.begun(), ["a: you said: one", "a: now"]);
}

#[tokio::test]
async fn a_reply_to_a_dead_conversation_is_given_up() {
    let daemon = Daemon::start().await;
    let hold = daemon.hold("one");
    daemon.says("a", "one").await;
    hold.reached().await;
    let blocked = DeliverError::Dead("the person has blocked the bot".to_owned());
    daemon.messenger.fails("beside", blocked);
    daemon.posts("a", "beside").await;
    daemon.messenger.until_begun("a: beside").await;
    while !daemon.store.is_dead(&at("a")).await.unwrap() {
        tokio::task::yield_now().await;
    }
    let session = daemon.store.binding(&at("a")).await.unwrap().unwrap();
    hold.release();
    loop {
        let replies = daemon.store.deliveries(&session).await.unwrap();
        match replies.first().map(|reply| &reply.state) {
            Some(DeliveryState::Failed { .. }) => break,
            _ => tokio::task::yield_now().await,
        }
    }
    daemon.says("a", "hello again").await;
    let sent = daemon.messenger.sent(1).await;
    assert_eq!(sent, ["a: you said: hello again"]);
}

#[tokio::test]
async fn what_cannot_be_sent_at_all_makes_way() {
    let daemon = Daemon::start().await;
    let gone = DeliverError::Gone("the message is refused".to_owned());
    daemon.messenger.fails("one", gone);
    for text in ["one", "two"] {
        daemon.posts("a", text).await;
    }
    assert_eq!(daemon.messenger.sent(1).await, ["a: two"]);
    assert!(!daemon.store.is_dead(&at("a")).await.unwrap());
}

#[tokio::test]
async fn a_conversation_that_has_moved_goes_on_there() {
    let daemon = Daemon::start().await;
    daemon
        .messenger
        .fails("one", DeliverError::Moved(at("-100")));
    for text in ["one", "two"] {
        daemon.posts("-1", text).await;
    }
    assert_eq!(daemon.messenger.sent(2).await, ["-100: one", "-100: two"]);
    // An update that still names the old address is answered at the new one.
    daemon.says("-1", "hello").await;
    let sent = daemon.messenger.sent(3).await;
    assert_eq!(sent[2], "-100: you said: hello");
}

#[tokio::test]
async fn a_reply_waits_until_its_turn_is_no_longer_shown() {
    let daemon = Daemon::start().await;
    let show = CancellationToken::new();
    *daemon.messenger.show.lock().unwrap() = Some(show.clone());
    daemon.says("a", "hello").await;
    daemon.messenger.until_shown().await;
    // Its reply is composed. What the messenger is just doing may take it ten seconds.
    let until = daemon.clock.next_wait().await;
    assert!(until > START + 10_000, "{until}");
    // What Corvid itself says elsewhere does not wait for it.
    daemon.posts("b", "beside").await;
    assert_eq!(daemon.messenger.sent(1).await, ["b: beside"]);
    assert_eq!(daemon.messenger.begun(), ["b: beside"]);
    show.cancel();
    let sent = daemon.messenger.sent(2).await;
    assert_eq!(sent[1], "a: you said: hello");
}

#[tokio::test]
async fn a_drain_waits_for_what_is_under_way() {
    let daemon = Daemon::start().await;
    let let_go = daemon.messenger.waits("one");
    daemon.posts("a", "one").await;
    daemon.messenger.until_begun("a: one").await;
    let drained = daemon.served.drain(60_000);
    tokio::pin!(drained);
    tokio::select! {
        biased;
        () = &mut drained => panic!("it is still being sent"),
        _ = daemon.clock.next_wait_before(START + 60_001) => {}
    }
    let_go.cancel();
    drained.await;
    assert_eq!(daemon.messenger.sent(1).await, ["a: one"]);
    let refused = daemon.inbox.receive(daemon.said("a", "too late")).await;
    assert!(refused.is_err(), "nothing new is taken");
}

#[tokio::test]
async fn what_another_process_is_sending_is_left_to_it_for_a_while() {
    let daemon = Daemon::start().await;
    let path = daemon.home.path().join("corvid.db");
    let other = Store::open(&Config { path }, &Tasks::default()).await;
    let other = other.unwrap();
    let post = Post {
        key: "k".to_owned(),
        to: at("a"),
        text: "one".to_owned(),
        file: None,
        at: START,
    };
    let (id, _) = other.post(&post).await.unwrap();
    assert!(other.begin_delivery(&id).await.unwrap());
    daemon.served.look();
    let looks_at = daemon.clock.next_wait_before(START + 1_001).await;
    assert_eq!(looks_at, START + 1_000);
    other.end_delivery(&id, DeliveryEnd::Again).await.unwrap();
    daemon.clock.set(looks_at);
    assert_eq!(daemon.messenger.sent(1).await, ["a: one"]);
}

#[tokio::test]
async fn a_drain_waits_for_no_pause() {
    let daemon = Daemon::start().await;
    let busy = DeliverError::Retry {
        reason: "too many requests".to_owned(),
        after_ms: Some(30_000),
    };
    daemon.messenger.fails("one", busy);
    for text in ["one", "two", "three"] {
        daemon.posts("a", text).await;
    }
    daemon.clock.next_wait_before(START + 30_001).await;
    // Time stands still, so that it would never end by the grace.
    daemon.served.drain(60_000).await;
    assert_eq!(daemon.messenger.begun(), ["a: one"]);
}

async fn open(daemon: &Daemon) -> Vec<corvid_store::OutboxRow> {
    daemon.store.open_outbox(CHANNEL, ACCOUNT).await.unwrap()
}
