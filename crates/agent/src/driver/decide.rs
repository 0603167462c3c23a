//! Decisions: what a lane writes down before it acts.
//! Invariant: a decision holds everything it used; after it is committed nothing is asked again.
//! It must not act on the outside world.

use corvid_core::draw;
use corvid_core::wire::{
    Address, Admission, DeliveryDraft, EventBody, InputId, Millis, ParkReason, ReplyComposed,
    TurnStart,
};

use super::Lane;
use crate::fold::Action;
use crate::prompt;

/// First wait of a parked turn, in milliseconds; each further one is twice as long.
const PARK_FIRST_MS: Millis = 30_000;
/// Longest wait of a parked turn, in milliseconds.
const PARK_LONGEST_MS: Millis = 15 * 60_000;

impl Lane {
    /// The events that decide on an action; none where what is left is the acting itself.
    pub(super) async fn decide(&mut self, action: &Action, at: Millis) -> Vec<EventBody> {
        match action {
            Action::Promote { inputs } => self.promote(inputs),
            Action::CallModel {
                turn,
                step,
                attempt,
                requested: false,
            } => self.request_model(*turn, *step, *attempt),
            Action::DecideCall { call } => self.decide_call(*call),
            Action::RunTool {
                call,
                attempt,
                started: false,
            } => self.start_tool(*call, *attempt).await,
            Action::Ask { call, .. } => self.ask(*call, at).await,
            Action::AwaitAnswer { until, .. } if *until <= at => {
                vec![EventBody::TimerFired { due_at: *until }]
            }
            Action::Compose { .. } => self.compose(at),
            Action::Park { turn, parked } => vec![EventBody::TurnParked {
                turn: *turn,
                until: at + park_ms(*parked),
                reason: ParkReason::ModelUnreachable,
            }],
            Action::WaitUntil { time, .. } if *time <= at => {
                vec![EventBody::TimerFired { due_at: *time }]
            }
            Action::CallModel { .. }
            | Action::RunTool { .. }
            | Action::EndTool { .. }
            | Action::Reconcile { .. }
            | Action::AskOutcome { .. }
            | Action::AwaitAnswer { .. }
            | Action::WaitUntil { .. } => Vec::new(),
        }
    }

    fn promote(&self, inputs: &[InputId]) -> Vec<EventBody> {
        if let Some(turn) = &self.state.turn {
            return vec![EventBody::InputSteered {
                turn: turn.number,
                inputs: inputs.to_vec(),
            }];
        }
        let first = self
            .state
            .waiting
            .iter()
            .find(|input| inputs.contains(&input.input));
        first
            .map(|input| EventBody::TurnStarted(self.turn_start(inputs, input)))
            .into_iter()
            .collect()
    }

    fn turn_start(&self, inputs: &[InputId], input: &Admission) -> TurnStart {
        let settings = &self.ports.settings;
        let mut limits = settings.limits;
        if let Some(steps) = input.flags.max_steps {
            limits.max_steps = limits.max_steps.min(steps.max(1));
        }
        let model = input.flags.model.as_ref();
        TurnStart {
            turn: self.state.last_turn + 1,
            inputs: inputs.to_vec(),
            model: model.unwrap_or(&settings.default_model).clone(),
            limits,
        }
    }

    fn request_model(&mut self, turn: u32, step: u32, attempt: u32) -> Vec<EventBody> {
        let Some(open) = &self.state.turn else {
            return Vec::new();
        };
        let ports = &self.ports;
        // The turn may be another process's, under another model than this one's.
        let mut settings = ports.settings.clone();
        if let Ok(model) = ports.models.open(&open.model) {
            settings.context_tokens = model.context_tokens();
        }
        let mut request = prompt::request(&self.state, open, &settings, &ports.tools);
        // The transcript was redacted when it was folded; folders and what tools say of them were not.
        request.system = ports.redactor.text(&request.system).into_owned();
        // Writing our own plain data as JSON cannot fail; an empty hash would only be less telling.
        let prompt_hash = serde_json::to_vec(&request)
            .map(|bytes| draw::sha256_hex(&bytes))
            .unwrap_or_default();
        let model = open.model.clone();
        self.request = Some(request);
        vec![EventBody::ModelRequested {
            turn,
            step,
            attempt,
            model,
            prompt_hash,
        }]
    }

    fn compose(&self, at: Millis) -> Vec<EventBody> {
        let Some(turn) = &self.state.turn else {
            return Vec::new();
        };
        let Some(closing) = &turn.closing else {
            return Vec::new();
        };
        vec![EventBody::ReplyComposed(ReplyComposed {
            turn: turn.number,
            inputs: turn.input_ids(),
            text: closing.text.clone(),
            ending: closing.ending,
            notices: turn.notices(),
            unapproved: turn.unapproved.clone(),
            took_ms: u64::try_from(at.saturating_sub(turn.started_at)).unwrap_or(0),
            unasked: turn.inputs.iter().all(|input| input.job.is_some()),
            deliveries: deliveries(&turn.inputs),
        })]
    }
}

/// One delivery for every conversation that asked, in the order of asking.
fn deliveries(inputs: &[Admission]) -> Vec<DeliveryDraft> {
    let mut drafts: Vec<DeliveryDraft> = Vec::new();
    for input in inputs {
        let origin: &Address = &input.origin;
        if let Some(draft) = drafts.iter_mut().find(|draft| draft.to == *origin) {
            draft.inputs.push(input.input.clone());
        } else {
            drafts.push(DeliveryDraft {
                delivery: draw::delivery_id(),
                to: origin.clone(),
                inputs: vec![input.input.clone()],
            });
        }
    }
    drafts
}

fn park_ms(parked: u32) -> Millis {
    PARK_FIRST_MS
        .saturating_mul(1 << parked.min(16))
        .min(PARK_LONGEST_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parking_backs_off_to_a_quarter_of_an_hour() {
        assert_eq!(park_ms(0), 30_000);
        assert_eq!(park_ms(1), 60_000);
        assert_eq!(park_ms(40), 900_000);
    }
}
