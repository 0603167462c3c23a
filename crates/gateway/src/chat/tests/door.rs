//! The whole way in, as a messenger sees it: whatever it hands in passes the one gate.
//! Invariant: verdicts come from the journal and from what the messenger sent.
//! It must not look at how the gateway takes a message.

use std::time::Duration;

use corvid_core::wire::{Ending, InputId, ReplyComposed};
use corvid_core::{Inbox, Messenger};

use super::*;
use crate::{Served, Serving};

/// How long a stop may take, from the message to the reply.
const STOPS_WITHIN: Duration = Duration::from_secs(2);

/// A process that serves its messenger.
struct Door {
    process: Process,
    inbox: Arc<dyn Inbox>,
    _served: Served,
}

impl Door {
    async fn open(scene: &Scene) -> Self {
        let process = scene.process().await;
        let serving = Serving {
            messengers: vec![Arc::clone(&process.messenger) as Arc<dyn Messenger>],
            surroundings: process.machine.clone(),
            max_age_ms: 3_600_000,
            zone: None,
            version: "0".to_owned(),
        };
        let served = process.gateway.serve(serving).await;
        let mut listening = process.messenger.inbox.subscribe();
        let inbox = listening.wait_for(Option::is_some).await;
        let inbox = inbox.expect("the messenger lives").clone();
        Self {
            inbox: inbox.expect("the messenger listens"),
            _served: served.expect("the store answers"),
            process,
        }
    }

    async fn hand_in(&self, said: Said) {
        self.inbox.receive(said).await.expect("it is taken");
    }

    async fn says(&self, person: &str, at: &Address, text: &str) {
        self.hand_in(Process::said(person, at, text)).await;
    }

    /// Returns once so many lines were sent, with all of them.
    async fn sent(&self, count: usize) -> Vec<String> {
        let mut sent = self.process.messenger.sent.subscribe();
        let sent = sent.wait_for(|sent| sent.len() >= count).await;
        sent.expect("the messenger lives").clone()
    }

    async fn sessions(&self) -> usize {
        let sessions = self.process.store.sessions(100).await;
        sessions.expect("the store reads").len()
    }
}

#[tokio::test]
async fn nothing_that_a_stranger_does_is_taken() {
    let scene = Scene::new();
    let door = Door::open(&scene).await;
    let at = private(STRANGER);
    let mut edit = Process::said(STRANGER, &at, "run it");
    edit.edits = Some("1:1".to_owned());
    let mut named = Process::said(STRANGER, &at, "hello");
    named.name = "person 1".to_owned();
    let mut itself = Process::said("-100", &group(), "hello");
    itself.name = "the group".to_owned();
    for said in [
        Process::said(STRANGER, &at, "hello"),
        Process::said(STRANGER, &at, "/stop"),
        Process::said(STRANGER, &at, "/pair ABCD-2345 owner"),
        Process::said(STRANGER, &group(), "hello"),
        Process::said(STRANGER, &group(), "/new"),
        Process::said(MEMBER, &private("-200"), "hello"),
        edit,
        named,
        itself,
    ] {
        door.hand_in(said).await;
    }
    let stop = Button::Stop {
        session: "00000000".to_owned(),
    };
    let press = Process::press_of(STRANGER, &group(), Some(stop));
    let toast = door.inbox.press(press).await;
    assert_eq!(toast.expect("it is taken"), "You may not do that here.");
    assert_eq!(door.sessions().await, 0);
    for at in [group(), private("-200"), private("-100")] {
        assert_eq!(
            door.process
                .store
                .binding(&at)
                .await
                .expect("the store reads"),
            None
        );
    }
    let sent = door.sent(1).await;
    assert!(sent[0].starts_with("9: Hello! I only talk"), "{sent:?}");
    // One more message whose answer comes after whatever would have come.
    door.says(MEMBER, &private(MEMBER), "/cost").await;
    assert_eq!(door.sent(2).await.len(), 2);
}

#[tokio::test]
async fn who_is_let_in_and_revoked_is_heard_only_between() {
    let scene = Scene::new();
    let door = Door::open(&scene).await;
    let at = private(OTHER);
    door.says(OTHER, &at, "hello").await;
    assert_eq!(door.sent(1).await, ["3: you said: hello"]);
    door.process.access.set_allowed(Vec::new());
    door.says(OTHER, &at, "still there?").await;
    let sent = door.sent(2).await;
    assert!(sent[1].starts_with("3: Hello! I only talk"), "{sent:?}");
    let session = door.process.session(&at).await;
    let said = |event: &EventBody| {
        matches!(event, EventBody::InputAdmitted(input)
        if input.parts == [Part::text("still there?")])
    };
    assert!(!door.process.has(&session, said).await);
}

#[tokio::test]
async fn what_two_people_send_together_shares_no_authority() {
    let scene = Scene::new();
    let door = Door::open(&scene).await;
    let at = group();
    for (person, text) in [(MEMBER, "one"), (OWNER, "two"), (MEMBER, "three")] {
        let mut said = Process::said(person, &at, text);
        said.together = Some("album".to_owned());
        door.hand_in(said).await;
    }
    let mut sent = door.sent(2).await;
    sent.sort();
    assert_eq!(sent, ["-100: you said: three", "-100: you said: two"]);
    let session = door.process.session(&at).await;
    let events = door.process.store.read(&session, 0, 1_000).await;
    let events = events.expect("the journal reads");
    let asked = |input: &InputId| {
        events.iter().find_map(|event| match &event.body {
            EventBody::InputAdmitted(admission) if admission.input == *input => {
                Some(admission.requester.id.clone())
            }
            _ => None,
        })
    };
    let turns = events.iter().filter_map(|event| match &event.body {
        EventBody::TurnStarted(start) => Some(start.inputs.iter().filter_map(asked).collect()),
        _ => None,
    });
    let turns: Vec<Vec<String>> = turns.collect();
    assert_eq!(turns, [vec![MEMBER, MEMBER], vec![OWNER]]);
}

#[tokio::test]
async fn a_stop_ends_everything_in_two_seconds() {
    let scene = Scene::new();
    let door = Door::open(&scene).await;
    let at = private(MEMBER);
    door.says(MEMBER, &at, "call bell").await;
    door.process.runs.rings.notified().await;
    door.says(MEMBER, &at, "/queue and then this").await;
    let stopped = async {
        door.says(MEMBER, &at, "/stop").await;
        door.sent(2).await
    };
    let sent = tokio::time::timeout(STOPS_WITHIN, stopped).await;
    let mut sent = sent.expect("all has ended in time");
    sent.sort();
    assert_eq!(sent, ["2: Stopped.", "2: Stopping."]);
    let session = door.process.session(&at).await;
    let both = |event: &EventBody| {
        matches!(event, EventBody::ReplyComposed(ReplyComposed { ending: Ending::Stopped, inputs, .. })
            if inputs.len() == 2)
    };
    assert!(door.process.has(&session, both).await);
}

#[tokio::test]
async fn a_failed_turn_is_asked_again_by_its_button() {
    let scene = Scene::new();
    let door = Door::open(&scene).await;
    let at = private(MEMBER);
    door.says(MEMBER, &at, "fail").await;
    let first = door.sent(1).await;
    let session = door.process.session(&at).await;
    let retry = Button::Retry {
        session: Button::tag(&session),
        turn: 1,
    };
    let press = Process::press_of(MEMBER, &at, Some(retry));
    for _ in 0..2 {
        // The messenger may hand the same press in again.
        let toast = door.inbox.press(press.clone()).await;
        assert_eq!(toast.expect("it is taken"), "Asking again.");
    }
    let sent = door.sent(2).await;
    assert_eq!(sent, [first[0].clone(), first[0].clone()]);
    let inputs = door.process.kinds(&session).await.into_iter();
    assert_eq!(inputs.filter(|kind| *kind == "input.admitted").count(), 2);
}
