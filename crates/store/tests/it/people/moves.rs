//! Random moves and bindings of a few conversations, against the plainest map one can write down.
//! Invariant: after each step every address leads to the same session in the store and in the map.
//! It must not know more than that an old address means the newest one.

use std::collections::BTreeMap;

use corvid_core::wire::SessionId;
use corvid_store::Store;
use proptest::prelude::*;

use super::chat;
use crate::scene::Scene;

const CHATS: usize = 4;

#[derive(Clone, Debug)]
enum Step {
    Bind(usize, usize),
    BindNew(usize, usize),
    Move(usize, usize),
    Kill(usize),
    Revive(usize),
}

/// What each address leads to.
#[derive(Default)]
struct Plain {
    moved: BTreeMap<usize, usize>,
    bound: BTreeMap<usize, usize>,
    dead: Vec<usize>,
}

impl Plain {
    fn now(&self, at: usize) -> usize {
        self.moved.get(&at).copied().unwrap_or(at)
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Bind(at, session) => {
                self.bound.insert(self.now(at), session);
            }
            Step::BindNew(at, session) => {
                self.bound.entry(self.now(at)).or_insert(session);
            }
            Step::Move(from, to) => self.go(from, to),
            Step::Kill(at) => self.dead.push(self.now(at)),
            Step::Revive(at) => {
                let at = self.now(at);
                self.dead.retain(|dead| *dead != at);
            }
        }
    }

    fn go(&mut self, from: usize, to: usize) {
        // The same move again, or one of a conversation that has gone on since.
        if from == to || self.moved.contains_key(&from) {
            return;
        }
        if self.moved.get(&to) == Some(&from) {
            self.moved.remove(&to);
        }
        let target = self.now(to);
        self.moved.insert(from, target);
        for gone in self.moved.values_mut() {
            if *gone == from {
                *gone = target;
            }
        }
        if let Some(session) = self.bound.remove(&from) {
            self.bound.insert(target, session);
        }
        self.dead.retain(|dead| *dead != from);
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (at, session) = (0..CHATS, 0..3_usize);
    let step = prop_oneof![
        2 => (at.clone(), session.clone()).prop_map(|(at, session)| Step::Bind(at, session)),
        2 => (at.clone(), session).prop_map(|(at, session)| Step::BindNew(at, session)),
        4 => (at.clone(), at.clone()).prop_map(|(from, to)| Step::Move(from, to)),
        1 => at.clone().prop_map(Step::Kill),
        1 => at.prop_map(Step::Revive),
    ];
    prop::collection::vec(step, 1..30)
}

fn at(number: usize) -> corvid_core::wire::Address {
    chat(&number.to_string())
}

fn session(number: usize) -> SessionId {
    SessionId::new(format!("s{number}"))
}

async fn take(store: &Store, plain: &Plain, step: &Step) {
    match *step {
        Step::Bind(chat, to) => store.bind(&at(chat), &session(to), 1).await.unwrap(),
        Step::BindNew(chat, to) => {
            let bound = store.bind_new(&at(chat), &session(to), 1).await.unwrap();
            let expect = plain.bound.get(&plain.now(chat)).copied().unwrap_or(to);
            assert_eq!(bound, session(expect));
        }
        Step::Move(from, to) => store.move_conversation(&at(from), &at(to)).await.unwrap(),
        Step::Kill(chat) => store.kill_conversation(&at(chat), "x", 1).await.unwrap(),
        Step::Revive(chat) => store.revive_conversation(&at(chat)).await.unwrap(),
    }
}

async fn go_through(steps: Vec<Step>) {
    let scene = Scene::new();
    let stores = [scene.open().await, scene.open().await];
    let mut plain = Plain::default();
    for (number, step) in steps.iter().enumerate() {
        take(&stores[number % 2], &plain, step).await;
        plain.step(step);
        for chat in 0..CHATS {
            let now = plain.now(chat);
            let bound = plain.bound.get(&now).copied().map(session);
            let store = &stores[(number + 1) % 2];
            assert_eq!(store.binding(&at(chat)).await, Ok(bound), "{step:?}");
            let dead = plain.dead.contains(&now);
            assert_eq!(store.is_dead(&at(chat)).await, Ok(dead), "{step:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn every_address_leads_where_the_plain_map_says(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(go_through(steps));
    }
}
