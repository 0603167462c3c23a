//! A channel that keeps what it was to send and to ask, and fails where a test says so.
//! Invariant: what is kept here was handed over; nothing is answered.
//! It must not know the gateway.

use std::sync::Mutex;

use async_trait::async_trait;
use corvid_core::wire::Question;
use corvid_core::{
    Channel, DeliverError, Delivery, Heard, HeardOutcome, OutcomeQuestion, Questions,
};
use tokio::sync::{Notify, watch};

/// What goes wrong with a delivery.
#[derive(Clone, Copy)]
pub(crate) enum Mishap {
    /// Nothing is sent, this time.
    Refused,
    /// Nothing will ever be sent.
    Gone,
    /// It goes on for ever.
    Hangs,
}

#[derive(Default)]
pub(crate) struct RecordingChannel {
    pub(crate) sent: Mutex<Vec<String>>,
    pub(crate) mishap: Mutex<Option<Mishap>>,
    pub(crate) hanging: Notify,
    pub(crate) questions: watch::Sender<Vec<Question>>,
}

#[async_trait]
impl Channel for RecordingChannel {
    fn name(&self) -> &'static str {
        "terminal"
    }

    async fn deliver(&self, delivery: &Delivery) -> Result<String, DeliverError> {
        let mishap = self.mishap.lock().unwrap().take();
        match mishap {
            Some(Mishap::Refused) => {
                return Err(DeliverError::Retry {
                    reason: "the pipe is full".to_owned(),
                    after_ms: None,
                });
            }
            Some(Mishap::Gone) => return Err(DeliverError::Gone("the pipe is closed".to_owned())),
            Some(Mishap::Hangs) => {
                self.hanging.notify_one();
                std::future::pending::<()>().await;
            }
            None => {}
        }
        let again = if delivery.maybe_sent { " (again?)" } else { "" };
        let line = format!("{}: {}{again}", delivery.to.conversation, delivery.text);
        self.sent.lock().unwrap().push(line);
        Ok(delivery.id.to_string())
    }
}

#[async_trait]
impl Questions for RecordingChannel {
    async fn ask_outcome(&self, _question: &OutcomeQuestion) -> HeardOutcome {
        HeardOutcome::Nobody
    }

    /// Shows it to nobody who could answer here.
    async fn ask(&self, question: &Question) -> Heard {
        self.questions
            .send_modify(|shown| shown.push(question.clone()));
        Heard::Shown
    }
}
