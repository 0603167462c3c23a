//! Whether an append may happen, given what the store holds now. Pure.
//! Invariant: a known input outranks the fence; a stale epoch or head appends nothing; a job begins and ends
//! once, and a question has one answer.
//! It must not know SQL.

use corvid_core::faults::defect;
use corvid_core::wire::{
    Admission, DecodeError, DeliveryId, EventBody, JobId, OwnerId, QuestionId,
};
use corvid_core::{Append, AppendError, Appended, ClaimSeen, Fence, Ground, draw};

use super::job::check_pairs;
use super::seen::{InputKey, Seen, SessionSeen};
use crate::error::StoreError;

/// An append that is well formed, encoded for the journal.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// As it was asked for.
    pub(super) append: Append,
    /// What the journal keeps of each event.
    pub(super) encoded: Vec<Encoded>,
    /// Whether it would take the claim from a process that lives.
    contested: bool,
}

/// One event as the journal keeps it.
#[derive(Clone, Debug)]
pub(super) struct Encoded {
    pub(super) payload: String,
    /// For an admission, the hash by which the same message is known again.
    pub(super) body_hash: Option<String>,
}

impl Prepared {
    /// Checks the form of an append and encodes it. `lives` tells whether a process still runs.
    ///
    /// # Errors
    /// [`AppendError::Failed`] for an append that no lane may ever ask for.
    pub(crate) fn new(
        append: Append,
        lives: impl FnOnce(&OwnerId) -> bool,
    ) -> Result<Self, AppendError> {
        check_form(&append)
            .map_err(|reason| AppendError::Failed(format!("the append is malformed: {reason}")))?;
        let encoded: Result<_, _> = append.events.iter().map(Encoded::of).collect();
        let encoded = encoded.map_err(|error| AppendError::Failed(error.to_string()))?;
        let contested = match &append.fence {
            Fence::Take {
                owner,
                seen: Some(seen),
                ground: Ground::Free,
                ..
            } => seen.owner != *owner && lives(&seen.owner),
            _ => false,
        };
        Ok(Self {
            append,
            encoded,
            contested,
        })
    }

    /// The inputs that it admits, with the hash of what was sent.
    pub(super) fn admissions(&self) -> impl Iterator<Item = (&Admission, &str)> {
        let events = self.append.events.iter().zip(&self.encoded);
        events.filter_map(|(event, encoded)| match event {
            EventBody::InputAdmitted(admission) => Some((admission, encoded.body_hash.as_deref()?)),
            _ => None,
        })
    }

    /// The deliveries that it gives up for good.
    pub(super) fn failures(&self) -> impl Iterator<Item = &DeliveryId> {
        self.append.events.iter().filter_map(|event| match event {
            EventBody::DeliveryFailed { delivery, .. } => Some(delivery),
            _ => None,
        })
    }

    /// The questions that it answers.
    pub(super) fn answered(&self) -> impl Iterator<Item = &QuestionId> {
        self.append.events.iter().filter_map(|event| match event {
            EventBody::QuestionAnswered { question, .. } => Some(question),
            _ => None,
        })
    }

    /// The jobs that it notes as begun or ended.
    pub(super) fn jobs(&self) -> impl Iterator<Item = &JobId> {
        self.append.events.iter().filter_map(|event| match event {
            EventBody::JobStarted(start) => Some(&start.job),
            EventBody::JobFinished(end) => Some(&end.job),
            _ => None,
        })
    }

    /// Whether it begins with the opening of its session.
    pub(super) fn opens(&self) -> bool {
        opens(&self.append)
    }
}

impl Encoded {
    fn of(event: &EventBody) -> Result<Self, DecodeError> {
        let body_hash = match event {
            EventBody::InputAdmitted(admission) => Some(body_hash(admission)),
            _ => None,
        };
        Ok(Self {
            payload: event.payload()?,
            body_hash,
        })
    }
}

impl Seen {
    /// Where the append's events go, if it may happen. `me` is this process.
    ///
    /// # Errors
    /// Every variant of [`AppendError`] that does not come from the disk.
    pub(super) fn decide(
        &self,
        prepared: &Prepared,
        me: &OwnerId,
    ) -> Result<Appended, AppendError> {
        self.check_jobs(prepared)?;
        for (admission, body_hash) in prepared.admissions() {
            self.check_new(admission, body_hash)?;
        }
        for delivery in prepared.failures() {
            if self.sending.get(delivery) != Some(me) {
                return Err(StoreError::not_in_hand(delivery).into());
            }
        }
        let session = &prepared.append.session;
        let head = match self.sessions.get(session) {
            Some(seen) if prepared.opens() => {
                return Err(AppendError::Conflict { head: seen.head });
            }
            Some(seen) => {
                check_fence(prepared, seen, me)?;
                self.check_answers(prepared, seen)?;
                seen.head
            }
            None if prepared.opens() => {
                let new = SessionSeen::default();
                check_fence(prepared, &new, me)?;
                self.check_answers(prepared, &new)?;
                0
            }
            None => return Err(AppendError::NoSuchSession(session.clone())),
        };
        Ok(Appended {
            first: head + 1,
            head: head + prepared.append.events.len() as u64,
        })
    }

    fn check_new(&self, admission: &Admission, body_hash: &str) -> Result<(), AppendError> {
        match self.inputs.get(&InputKey::of(admission)) {
            None => Ok(()),
            Some(_) if admission.job.is_some() && defect("admit-job-twice") => Ok(()),
            Some(known) if known.body_hash == body_hash => Err(AppendError::AlreadyAdmitted {
                session: known.session.clone(),
                input: known.input.clone(),
            }),
            Some(_) => Err(AppendError::IdReused {
                external_id: admission.external_id.clone(),
            }),
        }
    }
}

/// SHA-256, hex, of what the person said. Where and how it is to be done is not part of it: the same request
/// under the same id is the same one from another folder, too.
fn body_hash(admission: &Admission) -> String {
    let body = serde_json::json!(admission.parts);
    draw::sha256_hex(body.to_string().as_bytes())
}

fn opens(append: &Append) -> bool {
    matches!(append.events.first(), Some(EventBody::SessionOpened { .. }))
}

fn check_form(append: &Append) -> Result<(), &'static str> {
    if append.events.is_empty() {
        return Err("it holds no event");
    }
    let opened = |event: &EventBody| matches!(event, EventBody::SessionOpened { .. });
    if append.events.iter().skip(1).any(opened) {
        return Err("`session.opened` is not its first event");
    }
    check_pairs(&append.events)?;
    let claims: Vec<(&u64, &OwnerId)> = append
        .events
        .iter()
        .filter_map(|event| match event {
            EventBody::LaneClaimed { epoch, owner } => Some((epoch, owner)),
            _ => None,
        })
        .collect();
    match (&append.fence, claims.as_slice()) {
        (Fence::Take { owner, seen, .. }, [(epoch, claimed)]) => {
            let next = seen.as_ref().map_or(1, |seen| seen.epoch + 1);
            if **epoch != next || *claimed != owner {
                return Err("its `lane.claimed` is not of the next epoch and the new owner");
            }
            Ok(())
        }
        (Fence::Take { .. }, _) => Err("it takes a claim without one `lane.claimed`"),
        (_, [_, ..]) => Err("it holds `lane.claimed` but takes no claim"),
        (Fence::Open, []) if !append.events.iter().all(needs_no_claim) => {
            Err("it holds an event that only a lane may write")
        }
        (Fence::Open | Fence::Lane { .. }, []) => Ok(()),
    }
}

fn needs_no_claim(event: &EventBody) -> bool {
    matches!(
        event,
        EventBody::SessionOpened { .. }
            | EventBody::InputAdmitted(_)
            | EventBody::StopRequested { .. }
            | EventBody::QuestionAnswered { .. }
            | EventBody::TurnUndone { .. }
            | EventBody::JobStarted(_)
            | EventBody::JobFinished(_)
            | EventBody::DeliveryFailed { .. }
    )
}

fn check_fence(prepared: &Prepared, seen: &SessionSeen, me: &OwnerId) -> Result<(), AppendError> {
    let (holds, expected) = match &prepared.append.fence {
        Fence::Open => return Ok(()),
        Fence::Take {
            seen: claim, head, ..
        } => (!prepared.contested && seen.claim == *claim, *head),
        Fence::Lane { epoch, head } => {
            let mine = ClaimSeen {
                owner: me.clone(),
                epoch: *epoch,
            };
            (seen.claim.as_ref() == Some(&mine), *head)
        }
    };
    if !holds && !defect("skip-epoch-check") {
        return Err(AppendError::Fenced);
    }
    if expected != seen.head && !defect("append-without-head") {
        return Err(AppendError::Conflict { head: seen.head });
    }
    Ok(())
}
