//! Presses of buttons.
//! Invariant: who presses is judged before anything is looked up, and what a button names is looked up at the press; a
//! press of somebody else's button, or of an old one, changes nothing and is told politely.
//! It must not know how a button looks.

use corvid_agent::fold::{CallState, Turn};
use corvid_core::wire::{
    Address, Answer, CallId, Millis, OutcomeAnswer, QuestionId, Requester, Scope, SessionId,
    Subject,
};
use corvid_core::{AppendError, Button, Choice, Press};
use corvid_store::StoreError;

use super::questions::Given;
use super::turns::may_act_on;
use super::{Act, Pressed, plain};
use crate::Gateway;
use crate::error::GatewayError;

/// What is said of a button that means nothing any more.
const STALE: &str = "That button is too old.";

/// How long a press waits for the lane that it is for, in milliseconds.
const SETTLE_MS: Millis = 5_000;

impl Gateway {
    /// Does what a button says, in the name of who pressed it.
    ///
    /// # Errors
    /// The store's where nothing can be written: the press is to be handed in again.
    pub(crate) async fn pressed(&self, press: &Press) -> Result<Pressed, GatewayError> {
        let Some(by) = self.known(&press.origin, &press.person).await? else {
            return Ok(Pressed::told("You may not do that here."));
        };
        let Some(button) = &press.button else {
            return Ok(Pressed::told(STALE));
        };
        match self.push(press, button, &by).await {
            // A press that fails each time must not keep all others waiting behind it.
            Err(error) if !is_passing(&error) => {
                tracing::error!(%error, "a press failed");
                Ok(Pressed::told("That did not work; try again."))
            }
            pressed => pressed,
        }
    }

    async fn push(
        &self,
        press: &Press,
        button: &Button,
        by: &Requester,
    ) -> Result<Pressed, GatewayError> {
        let from = &press.origin;
        match button {
            Button::Answer { question, choice } => {
                self.push_answer(from, by, question, *choice).await
            }
            Button::Outcome {
                session,
                call,
                answer,
            } => self.settle(from, by, session, *call, *answer).await,
            Button::Retry { session, turn } => self.push_retry(press, by, session, *turn).await,
            Button::Stop { session } => {
                let Some(session) = self.tagged(from, session).await? else {
                    return Ok(Pressed::told(STALE));
                };
                let told = self.stop(Some(&session), by, from).await?;
                Ok(Pressed {
                    toast: told.text,
                    act: told.wake.map_or(Act::Done, Act::Wake),
                })
            }
        }
    }

    async fn push_answer(
        &self,
        from: &Address,
        by: &Requester,
        question: &QuestionId,
        choice: Choice,
    ) -> Result<Pressed, GatewayError> {
        let answer = match choice {
            Choice::Once => Some(Answer::Allow { scope: Scope::Once }),
            Choice::Session => Some(Answer::Allow {
                scope: Scope::Session,
            }),
            Choice::Deny => Some(Answer::Deny {
                reason: String::new(),
            }),
            Choice::Number(number) => {
                let row = self.store.question(question).await?;
                row.and_then(|row| chosen(&row.question.subject, number))
            }
        };
        let Some(answer) = answer else {
            return Ok(Pressed::told(STALE));
        };
        let toast = done(&answer);
        Ok(match self.give(question, answer, from, by).await? {
            Given::Taken(session) => Pressed::wakes(toast, session),
            Given::Refused(why) => Pressed::told(why),
        })
    }

    /// Says what became of a call.
    async fn settle(
        &self,
        from: &Address,
        by: &Requester,
        tag: &str,
        call: CallId,
        answer: OutcomeAnswer,
    ) -> Result<Pressed, GatewayError> {
        let Some(session) = self.tagged(from, tag).await? else {
            return Ok(Pressed::told(STALE));
        };
        let state = self.state(&session).await?;
        let turn = state.and_then(|state| state.turn);
        let Some(turn) = turn.filter(|turn| is_unknown(turn, call)) else {
            return Ok(Pressed::told("That is settled already."));
        };
        if !may_act_on(&turn, by, from) {
            return Ok(Pressed::told(
                "This question is for whoever asked, or an owner.",
            ));
        }
        let settled = async {
            self.outcomes.settle(&session, call, answer, &by.id).await;
            self.until_settled(&session, call).await
        };
        let until = self.clock.now().saturating_add(SETTLE_MS);
        tokio::select! {
            settled = settled => settled?,
            () = self.clock.sleep_until(until) => {
                return Ok(Pressed::told("That did not work yet; try again in a moment."));
            }
        }
        let toast = match answer {
            OutcomeAnswer::Retry => "Running it again.",
            OutcomeAnswer::Worked => "Taken as done.",
            OutcomeAnswer::Skip => "Left as it is.",
        };
        Ok(Pressed::wakes(toast, session))
    }

    /// Waits until the journal has what became of a call: told before, it would be lost with this process.
    async fn until_settled(&self, session: &SessionId, call: CallId) -> Result<(), GatewayError> {
        while let Some(mut lane) = self.lanes.get(session) {
            lane.heads.mark_unchanged();
            let state = self.state(session).await?;
            let turn = state.and_then(|state| state.turn);
            if !turn.is_some_and(|turn| is_unknown(&turn, call))
                || lane.heads.changed().await.is_err()
            {
                break;
            }
        }
        Ok(())
    }

    async fn push_retry(
        &self,
        press: &Press,
        by: &Requester,
        tag: &str,
        turn: u32,
    ) -> Result<Pressed, GatewayError> {
        let from = &press.origin;
        let session = self.store.binding(from).await?;
        let Some(session) = session.filter(|session| Button::tag(session) == tag) else {
            return Ok(Pressed::told(
                "This conversation is in another session now.",
            ));
        };
        let id = &press.external_id;
        let again = self.ask_again(&session, Some(turn), by, from, id).await?;
        Ok(match again {
            Ok(act) => Pressed {
                toast: "Asking again.".to_owned(),
                act,
            },
            Err(why) => Pressed::told(why),
        })
    }

    /// The session of this tag that has to do with a conversation: the one that it is bound to, or one that still owes
    /// it an answer.
    async fn tagged(&self, at: &Address, tag: &str) -> Result<Option<SessionId>, GatewayError> {
        let bound = self.store.binding(at).await?;
        if let Some(bound) = bound.filter(|bound| Button::tag(bound) == tag) {
            return Ok(Some(bound));
        }
        let open = self.store.open_inputs(&at.channel, &at.account).await?;
        let mut owing = open
            .into_iter()
            .filter(|input| input.origin == *at)
            .map(|input| input.session);
        Ok(owing.find(|session| Button::tag(session) == tag))
    }
}

/// Whether the same may work a little later, once somebody has seen to the disk.
fn is_passing(error: &GatewayError) -> bool {
    matches!(
        error,
        GatewayError::Store(StoreError::Full(_) | StoreError::ReadOnly(_))
            | GatewayError::Journal(AppendError::Full(_) | AppendError::ReadOnly(_))
    )
}

/// Whether nobody has said yet what became of a call.
fn is_unknown(turn: &Turn, call: CallId) -> bool {
    let call = turn.call(call);
    call.is_some_and(|call| matches!(call.state, CallState::Unknown { .. }))
}

/// The choice of this number, from 0, as an answer.
fn chosen(subject: &Subject, number: u16) -> Option<Answer> {
    match subject {
        Subject::Approval(_) => None,
        Subject::Inquiry(inquiry) => {
            let choice = inquiry.choices.get(usize::from(number))?;
            let text = choice.clone();
            Some(Answer::Text { text })
        }
    }
}

/// What is said of an answer that was taken.
fn done(answer: &Answer) -> String {
    match answer {
        Answer::Allow {
            scope: Scope::Session,
        } => "Allowed for this session.".to_owned(),
        Answer::Allow { .. } => "Allowed, this once.".to_owned(),
        Answer::Deny { .. } => "Denied.".to_owned(),
        Answer::Text { text } => format!("Answered: {}", plain(text)),
    }
}
