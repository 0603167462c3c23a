//! Inputs on their way to a turn: gathered where they belong together, and given time at the end.

use super::*;

#[tokio::test]
async fn an_album_is_one_turn() {
    let daemon = Daemon::start().await;
    for text in ["first", "second"] {
        let mut said = daemon.said("a", text);
        said.together = Some("album".to_owned());
        daemon.inbox.receive(said).await.unwrap();
    }
    assert_eq!(daemon.model.calls(), 0, "more may come");
    daemon.wait_out(START + 700).await;
    assert_eq!(daemon.messenger.sent(1).await, ["a: you said: second"]);
    assert_eq!(daemon.model.calls(), 1);
    let session = daemon.store.binding(&at("a")).await.unwrap().unwrap();
    let open = daemon.store.session_open_inputs(&session).await.unwrap();
    assert_eq!(open, [], "the one reply answers both");
}

#[tokio::test]
async fn two_conversations_do_not_wait_for_each_other() {
    let daemon = Daemon::start().await;
    let hold = daemon.hold("slow");
    daemon.says("a", "slow").await;
    hold.reached().await;
    daemon.says("b", "quick").await;
    assert_eq!(daemon.messenger.sent(1).await, ["b: you said: quick"]);
    hold.release();
    let sent = daemon.messenger.sent(2).await;
    assert_eq!(sent[1], "a: you said: slow");
}

#[tokio::test]
async fn what_has_not_ended_in_its_grace_is_left_for_the_next_start() {
    let daemon = Daemon::start().await;
    let hold = daemon.hold("slow");
    daemon.says("a", "slow").await;
    hold.reached().await;
    let drained = daemon.served.drain(10_000);
    tokio::pin!(drained);
    tokio::select! {
        biased;
        () = &mut drained => panic!("a turn is under way"),
        _ = daemon.clock.next_wait_before(START + 10_001) => {}
    }
    daemon.clock.set(START + 10_000);
    drained.await;
    let session = daemon.store.binding(&at("a")).await.unwrap().unwrap();
    let open = daemon.store.session_open_inputs(&session).await.unwrap();
    assert_eq!(open.len(), 1, "it is answered after the next start");
}
