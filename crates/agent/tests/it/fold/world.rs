//! A world that plays against the fold: it does what is due, as a driver would, and lets chance decide how
//! it ends.
//! Invariant: every event that it writes is one that a lane or a person could write at that moment.
//! It must not know the fold's inside: it sees the state's public fields and what is due.

use corvid_agent::fold::{Action, Call, State, Turn, apply, due};
use corvid_core::wire::{
    CallId, CallStatus, Event, EventBody, JobId, Millis, Mode, ParkReason, Role,
};

use super::ledger::Ledger;
use super::outcomes::{CANCELLED_ENDS, RUN_ENDS};
use super::random::{Dice, Move, Rules};
use crate::script::{
    START, admission, begun, claimed, finished, opened, person, settled_by, stopped,
};

/// A session as it is lived.
pub(super) struct World {
    pub(super) rules: Rules,
    pub(super) state: State,
    pub(super) journal: Vec<Event>,
    /// What was due after each event.
    pub(super) dues: Vec<Vec<Action>>,
    pub(super) ledger: Ledger,
    pub(super) now: Millis,
    epoch: u64,
    admitted: u32,
}

impl World {
    /// An opened and claimed session.
    pub(super) fn new(rules: Rules) -> Self {
        let mut world = Self {
            rules,
            state: State::new(rules.history_bytes),
            journal: Vec::new(),
            dues: Vec::new(),
            ledger: Ledger::default(),
            now: START,
            epoch: 1,
            admitted: 0,
        };
        world.write(opened());
        world.write(claimed(1));
        world
    }

    /// Lets one thing happen, if it can.
    pub(super) fn step(&mut self, next: &Move) {
        match next {
            Move::Admit { dice } => self.admit(*dice),
            Move::Decide { first } => self.decide_all(*first),
            Move::Stop => self.write(stopped()),
            Move::Crash => {
                self.epoch += 1;
                self.write(claimed(self.epoch));
            }
            Move::Do { which, dice } => {
                let open = due(&self.state);
                if !open.is_empty() {
                    self.act(&open[which % open.len()], *dice);
                }
            }
        }
    }

    /// Does everything that is due, harmlessly, and says whether that came to an end within `most` actions.
    pub(super) fn come_to_rest(&mut self, most: usize) -> bool {
        for _ in 0..most {
            let Some(action) = due(&self.state).into_iter().next() else {
                return true;
            };
            self.act(&action, Dice::default());
        }
        false
    }

    /// Writes every decision that is due, as one life of a process does before it begins to act; where there
    /// are several it begins with the `first` of them. How they turn out depends on where they stand.
    pub(super) fn decide_all(&mut self, first: usize) {
        loop {
            let open = due(&self.state);
            let decisions: Vec<&Action> =
                open.iter().filter(|action| is_decision(action)).collect();
            if decisions.is_empty() {
                return;
            }
            let dice = Dice(self.state.head.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            self.act(decisions[first % decisions.len()], dice);
        }
    }

    /// Somebody says something, or a job tells of its end.
    pub(super) fn admit(&mut self, mut dice: Dice) {
        self.admitted += 1;
        let mode = dice.pick(&[(3, Mode::Steer), (2, Mode::Queue)]);
        let mut admission = admission(&format!("i{}", self.admitted), mode);
        admission.requester = person(dice.pick(&[(4, "1000"), (1, "2000")]));
        admission.requester.role = dice.pick(&[(8, Role::Owner), (1, Role::Member)]);
        if dice.roll(6) == 5 {
            "telegram".clone_into(&mut admission.origin.channel);
        }
        if dice.roll(6) == 5 {
            admission.job = Some(JobId::new(format!("j-{}", self.admitted)));
        }
        self.write(EventBody::InputAdmitted(admission));
    }

    /// Does one action to its end (or up to the commit that comes before its effect).
    pub(super) fn act(&mut self, action: &Action, mut dice: Dice) {
        self.now += i64::try_from(dice.roll(3)).unwrap_or(0);
        let body = match action {
            Action::Promote { inputs } => self.promote(inputs),
            Action::CallModel {
                turn,
                step,
                attempt,
                requested,
            } if !requested => EventBody::ModelRequested {
                turn: *turn,
                step: *step,
                attempt: *attempt,
                model: "test/scripted".to_owned(),
                prompt_hash: String::new(),
            },
            Action::CallModel {
                turn,
                step,
                attempt,
                ..
            } => self.model_result(*turn, *step, *attempt, dice),
            Action::DecideCall { call } => self.decision(*call, dice),
            Action::RunTool {
                call,
                attempt,
                started: false,
            } => match dice.pick(&[
                (40, None),
                (1, Some(CallStatus::Failed)),
                (1, Some(CallStatus::Fatal)),
            ]) {
                None => begun(*call, *attempt),
                Some(status) => finished(*call, status),
            },
            Action::RunTool { call, .. } => finished(*call, dice.pick(RUN_ENDS)),
            Action::EndTool { call, .. } => finished(*call, dice.pick(CANCELLED_ENDS)),
            Action::Reconcile { call, attempt } => self.reconciled(*call, *attempt, dice),
            Action::AskOutcome { call, .. } => settled_by(*call, self.ledger.answer(*call, dice)),
            Action::Ask { call, asked } => self.question(*call, *asked, dice),
            Action::AwaitAnswer { question, until } => self.answer(question, *until, dice),
            Action::Compose { .. } => self.reply(),
            Action::WaitUntil { time, .. } => {
                self.now = self.now.max(*time);
                EventBody::TimerFired { due_at: *time }
            }
            Action::Park { turn, .. } => EventBody::TurnParked {
                turn: *turn,
                until: self.now + 30_000,
                reason: ParkReason::ModelUnreachable,
            },
        };
        let ends = ends(action, &body);
        self.write(body);
        if ends {
            self.ledger.done(action.key());
        }
    }

    /// Appends one event and folds it.
    pub(super) fn write(&mut self, body: EventBody) {
        let seq = self.state.head + 1;
        let at = self.now;
        let event = Event { seq, at, body };
        self.ledger.note(&self.state, &event.body);
        apply(&mut self.state, &event);
        self.dues.push(due(&self.state));
        self.journal.push(event);
    }

    pub(super) fn turn(&self) -> &Turn {
        self.state
            .turn
            .as_ref()
            .expect("an action of a turn needs the turn")
    }

    pub(super) fn call(&self, id: CallId) -> &Call {
        self.turn()
            .call(id)
            .expect("an action of a call needs the call")
    }
}

/// Whether nothing but a commit is needed for it.
fn is_decision(action: &Action) -> bool {
    match action {
        Action::CallModel {
            requested: begun, ..
        }
        | Action::RunTool { started: begun, .. } => !begun,
        Action::EndTool { .. }
        | Action::Reconcile { .. }
        | Action::AskOutcome { .. }
        | Action::AwaitAnswer { .. } => false,
        // The clock goes on while processes die.
        Action::WaitUntil { .. }
        | Action::Promote { .. }
        | Action::DecideCall { .. }
        | Action::Ask { .. }
        | Action::Compose { .. }
        | Action::Park { .. } => true,
    }
}

/// Whether the event ends the action; a start is only the first half of it.
fn ends(action: &Action, body: &EventBody) -> bool {
    !matches!(
        (action, body),
        (Action::CallModel { .. }, EventBody::ModelRequested { .. })
            | (Action::RunTool { .. }, EventBody::ToolStarted { .. })
    )
}
