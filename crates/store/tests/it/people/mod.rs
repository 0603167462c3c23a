//! People in chats as a gateway would know them.
//! Invariant: chats and people made here are the same for the same name.
//! It must not know which test it serves.

mod commands;
mod conversations;
mod forgetting;
mod let_in;
mod marks;
mod migrated;
mod moves;
mod notices;
mod pairing;
mod sessions;

use corvid_core::Journal as _;
use corvid_core::draw;
use corvid_core::wire::{
    Address, Admission, DeliveryDraft, DeliveryId, EventBody, InputId, Person, SessionId,
};
use corvid_store::{Post, Store};

use crate::scene::{Lane, admission, model_answered, model_requested, open, reply, turn_started};

/// A chat of our bot.
pub(crate) fn chat(conversation: &str) -> Address {
    Address {
        channel: "telegram".to_owned(),
        account: "777".to_owned(),
        conversation: conversation.to_owned(),
    }
}

/// A person in that channel.
pub(crate) fn person(id: &str) -> Person {
    Person {
        channel: "telegram".to_owned(),
        id: id.to_owned(),
    }
}

/// What a person says in a chat.
pub(crate) fn said(at: &str, person: &str, external_id: &str, text: &str) -> Admission {
    let mut said = admission(external_id, text);
    said.origin = chat(at);
    person.clone_into(&mut said.requester.id);
    said
}

/// A notice to a chat.
pub(crate) fn post(key: &str, to: &str, text: &str) -> Post {
    Post {
        key: key.to_owned(),
        to: chat(to),
        text: text.to_owned(),
        file: None,
        at: 1000,
    }
}

/// Admits what was said.
pub(crate) async fn admit(store: &Store, session: &SessionId, said: Admission) -> InputId {
    let input = said.input.clone();
    let append = open(session, vec![EventBody::InputAdmitted(said)]);
    store.append(append).await.expect("a new input");
    input
}

/// A lane whose session a person has begun in a chat; the input is open.
pub(crate) async fn asked(store: &Store, session: &str, at: &str, by: &str) -> (Lane, InputId) {
    let mut lane = Lane::begin(store, session).await;
    let text = format!("{by} asks in {at}");
    let input = admit(store, &lane.session, said(at, by, session, &text)).await;
    lane.head += 1;
    (lane, input)
}

/// Has a lane answer an input in a chat.
pub(crate) async fn answer(lane: &mut Lane, input: InputId, to: &str, text: &str) -> DeliveryId {
    lane.turn += 1;
    let turn = lane.turn;
    let delivery = draw::delivery_id();
    let mut composed = reply(turn, input.clone(), &delivery, text);
    if let EventBody::ReplyComposed(reply) = &mut composed {
        reply.deliveries = vec![DeliveryDraft {
            delivery: delivery.clone(),
            to: chat(to),
            inputs: vec![input.clone()],
        }];
    }
    let events = vec![
        turn_started(turn, &input),
        model_requested(turn),
        model_answered(turn, text),
        composed,
    ];
    lane.append(events).await.expect("the lane replies");
    delivery
}

/// A session that one person has begun and that rests.
pub(crate) async fn talked(store: &Store, session: &str, at: &str, by: &str) -> Lane {
    let (mut lane, input) = asked(store, session, at, by).await;
    answer(&mut lane, input, at, &format!("to {by}")).await;
    lane
}

/// The line that tells a stranger of their code, another one each time.
pub(crate) fn told(code: &str) -> Post {
    Post {
        key: draw::external_id(),
        to: chat("told"),
        text: format!("your code is {code}"),
        file: None,
        at: 0,
    }
}
