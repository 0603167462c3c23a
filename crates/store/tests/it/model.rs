//! Random histories of two processes on one file, against the simplest journal one can write down.
//! Invariant: the store and the plain model give the same outcome at every step.
//! It must not know more of the contract than `core::journal` says.

use std::collections::BTreeMap;

use corvid_core::wire::{EventBody, InputId, SessionId};
use corvid_core::{Append, AppendError, ClaimSeen, Fence, Journal as _};
use corvid_store::Store;
use proptest::prelude::*;

use crate::scene::{Scene, admission, open, opened, take};

/// One step of a history. `process` is 0 or 1; `stale` is by how much the caller's knowledge is behind.
#[derive(Clone, Debug)]
enum Step {
    Open {
        process: usize,
        session: usize,
    },
    Admit {
        process: usize,
        session: usize,
        key: usize,
        text: usize,
    },
    Take {
        process: usize,
        session: usize,
        stale_claim: bool,
        stale_head: u64,
    },
    Lane {
        process: usize,
        session: usize,
        stale_epoch: u64,
        stale_head: u64,
    },
    Restart {
        process: usize,
    },
}

/// What came of a step, without what differs from run to run.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    At(u64),
    Conflict(u64),
    Fenced,
    Known(SessionId, InputId),
    Reused,
    NoSession,
}

#[derive(Default)]
struct Model {
    sessions: BTreeMap<usize, Session>,
    inputs: BTreeMap<usize, (usize, InputId, usize)>,
}

#[derive(Default)]
struct Session {
    kinds: Vec<&'static str>,
    claim: Option<ClaimSeen>,
}

fn name(session: usize) -> SessionId {
    SessionId::new(format!("s{session}"))
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (process, session) = (0..2_usize, 0..2_usize);
    let stale = || prop_oneof![4 => Just(0_u64), 1 => Just(1)];
    let step = prop_oneof![
        1 => (process.clone(), session.clone())
            .prop_map(|(process, session)| Step::Open { process, session }),
        3 => (process.clone(), session.clone(), 0..6_usize, 0..2_usize)
            .prop_map(|(process, session, key, text)| Step::Admit { process, session, key, text }),
        3 => (process.clone(), session.clone(), prop::bool::weighted(0.2), stale()).prop_map(
            |(process, session, stale_claim, stale_head)|
                Step::Take { process, session, stale_claim, stale_head }),
        4 => (process.clone(), session, stale(), stale()).prop_map(
            |(process, session, stale_epoch, stale_head)|
                Step::Lane { process, session, stale_epoch, stale_head }),
        1 => process.prop_map(|process| Step::Restart { process }),
    ];
    prop::collection::vec(step, 1..40)
}

impl Model {
    /// The append for a step that has one.
    fn append(&self, step: &Step, stores: &[Store; 2]) -> Option<Append> {
        let known = |session: &usize| {
            let session = self.sessions.get(session);
            session.map_or((0, None), |s| (s.kinds.len() as u64, s.claim.clone()))
        };
        match step {
            Step::Open { session, .. } => Some(open(&name(*session), vec![opened()])),
            Step::Admit {
                session, key, text, ..
            } => {
                let input = admission(&key.to_string(), &text.to_string());
                Some(open(&name(*session), vec![EventBody::InputAdmitted(input)]))
            }
            Step::Take {
                process,
                session,
                stale_claim,
                stale_head,
            } => {
                let (head, claim) = known(session);
                let seen = if *stale_claim { None } else { claim };
                let head = head.saturating_sub(*stale_head);
                Some(take(&stores[*process], &name(*session), seen, head))
            }
            Step::Lane {
                session,
                stale_epoch,
                stale_head,
                ..
            } => {
                let (head, claim) = known(session);
                Some(Append {
                    session: name(*session),
                    fence: Fence::Lane {
                        epoch: claim
                            .map_or(1, |claim| claim.epoch)
                            .saturating_sub(*stale_epoch),
                        head: head.saturating_sub(*stale_head),
                    },
                    at: 3,
                    events: vec![EventBody::TimerFired { due_at: 1 }; 2],
                })
            }
            Step::Restart { .. } => None,
        }
    }

    /// What must come of it; the model moves on if it happens.
    fn expect(
        &mut self,
        process: usize,
        session: usize,
        append: &Append,
        stores: &[Store; 2],
    ) -> Outcome {
        if let [EventBody::InputAdmitted(admission)] = append.events.as_slice() {
            let key = admission.external_id.parse().unwrap();
            let text: usize = admission.parts[0].own_words().parse().unwrap();
            match self.inputs.get(&key) {
                Some((there, input, same)) if *same == text => {
                    return Outcome::Known(name(*there), input.clone());
                }
                Some(_) => return Outcome::Reused,
                None if self.sessions.contains_key(&session) => {
                    self.inputs
                        .insert(key, (session, admission.input.clone(), text));
                }
                None => {}
            }
        }
        let opening = append.events[0] == opened();
        if opening && !self.sessions.contains_key(&session) {
            self.sessions.insert(session, Session::default());
        } else if opening {
            return Outcome::Conflict(self.sessions[&session].kinds.len() as u64);
        }
        let Some(found) = self.sessions.get_mut(&session) else {
            return Outcome::NoSession;
        };
        let me = stores[process].owner();
        let other = stores[1 - process].owner();
        let (allowed, head) = match &append.fence {
            Fence::Open => (true, found.kinds.len() as u64),
            Fence::Take { seen, head, .. } => {
                let lives = seen.as_ref().is_some_and(|seen| seen.owner == *other);
                (*seen == found.claim && !lives, *head)
            }
            Fence::Lane { epoch, head } => {
                let held = found.claim.as_ref();
                (
                    held.is_some_and(|held| held.owner == *me && held.epoch == *epoch),
                    *head,
                )
            }
        };
        if !allowed {
            return Outcome::Fenced;
        }
        if head != found.kinds.len() as u64 {
            return Outcome::Conflict(found.kinds.len() as u64);
        }
        if let [EventBody::LaneClaimed { epoch, owner }] = append.events.as_slice() {
            let (owner, epoch) = (owner.clone(), *epoch);
            found.claim = Some(ClaimSeen { owner, epoch });
        }
        found
            .kinds
            .extend(append.events.iter().map(EventBody::kind));
        Outcome::At(head + 1)
    }
}

async fn outcome(store: &Store, append: Append) -> Outcome {
    match store.append(append).await {
        Ok(appended) => Outcome::At(appended.first),
        Err(AppendError::Conflict { head }) => Outcome::Conflict(head),
        Err(AppendError::Fenced) => Outcome::Fenced,
        Err(AppendError::AlreadyAdmitted { session, input }) => Outcome::Known(session, input),
        Err(AppendError::IdReused { .. }) => Outcome::Reused,
        Err(AppendError::NoSuchSession(_)) => Outcome::NoSession,
        Err(error) => panic!("the store failed: {error}"),
    }
}

async fn play(steps: Vec<Step>) {
    let scene = Scene::new();
    let mut stores = [scene.open().await, scene.open().await];
    let mut model = Model::default();
    for step in steps {
        let (process, session) = match step {
            Step::Restart { process } => {
                stores[process] = scene.open().await;
                continue;
            }
            Step::Open { process, session }
            | Step::Admit {
                process, session, ..
            }
            | Step::Take {
                process, session, ..
            }
            | Step::Lane {
                process, session, ..
            } => (process, session),
        };
        let append = model.append(&step, &stores).unwrap();
        let expected = model.expect(process, session, &append, &stores);
        assert_eq!(
            outcome(&stores[process], append).await,
            expected,
            "{step:?}"
        );
    }
    for (session, expected) in model.sessions {
        let events = stores[0].read(&name(session), 0, u32::MAX).await.unwrap();
        let kinds: Vec<_> = events.iter().map(|event| event.body.kind()).collect();
        let seqs: Vec<_> = events.iter().map(|event| event.seq).collect();
        assert_eq!(kinds, expected.kinds);
        assert_eq!(seqs, (1..=expected.kinds.len() as u64).collect::<Vec<_>>());
        let loaded = stores[1].load(&name(session), 0).await.unwrap();
        assert_eq!(loaded.claim, expected.claim);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_history_goes_as_the_plain_model_says(steps in steps()) {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(play(steps));
    }
}
