//! Inputs on their way to a turn: gathered where they belong together, and given time at the end.

use corvid_core::wire::{Person, Role};
use corvid_store::PersonRow;

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

#[tokio::test]
async fn what_waits_of_somebody_who_was_revoked_is_not_worked_on() {
    let daemon = Daemon::start().await;
    let somebody = Person {
        channel: CHANNEL.to_owned(),
        id: "2".to_owned(),
    };
    let row = PersonRow {
        person: somebody.clone(),
        role: Role::Member,
        name: "somebody".to_owned(),
        zone: None,
        since: START,
    };
    daemon.store.let_in(&row).await.unwrap();
    let says = async |text: &str| {
        let mut said = daemon.said("a", text);
        said.person = "2".to_owned();
        daemon.inbox.receive(said).await.unwrap();
    };
    let hold = daemon.hold("slow");
    says("slow").await;
    hold.reached().await;
    says("/queue more").await;
    daemon.store.revoke(&somebody).await.unwrap();
    hold.release();
    let sent = daemon.messenger.sent(2).await;
    assert_eq!(sent, ["a: you said: slow", "a: Stopped."]);
    assert_eq!(daemon.model.calls(), 1);
}

#[tokio::test]
async fn an_edit_sets_no_command_off() {
    let daemon = Daemon::start().await;
    let edits = async |of: &str, text: &str| {
        let mut said = daemon.said("a", text);
        said.edits = Some(of.to_owned());
        daemon.inbox.receive(said).await.unwrap();
    };
    let hold = daemon.hold("slow");
    daemon.says("a", "slow").await;
    hold.reached().await;
    let mut later = daemon.said("a", "/queue then teh rest");
    later.external_id = "a:2".to_owned();
    daemon.inbox.receive(later).await.unwrap();
    edits("a:2", "/queue then the rest").await;
    edits("a:1", "/stop").await;
    let sent = daemon.messenger.sent(1).await;
    assert_eq!(
        sent,
        ["a: I take no commands from edits; send it as a new message."]
    );
    hold.release();
    let sent = daemon.messenger.sent(3).await;
    assert_eq!(
        sent[1..],
        ["a: you said: slow", "a: you said: then the rest"]
    );
    assert_eq!(daemon.model.calls(), 2, "what was queued is one turn");
}
