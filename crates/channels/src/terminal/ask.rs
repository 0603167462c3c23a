//! Questions at the terminal: the card, the keys, and taking both back when the answer comes from elsewhere.
//! Invariant: a dropped question leaves the terminal as it was, and nothing typed before a card appeared answers it.
//! It must not know what an answer is good for; it is shown as given only once the journal has it.

use async_trait::async_trait;
use corvid_core::wire::{Answerer, Question, QuestionId, Requester, Role, Subject};
use corvid_core::{Heard, HeardOutcome, OutcomeQuestion, Questions};

use super::card::{card_lines, outcome_lines, too_long};
use super::dialog::{self, Dialog};
use super::talk::Talk;
use super::{NAME, Person, Terminal, locked};

/// Why nobody answered.
enum Gone {
    /// Nobody sits here, and nothing was shown.
    Nobody,
    /// It was shown, and then the keyboard was gone.
    Left,
}

#[async_trait]
impl Questions for Terminal {
    async fn ask_outcome(&self, question: &OutcomeQuestion) -> HeardOutcome {
        let card = |look| outcome_lines(question, look);
        let gone = match self.hear(&card, None, dialog::outcome()).await {
            Ok((answer, by)) => return HeardOutcome::Answered { answer, by },
            Err(gone) => gone,
        };
        let mut screen = locked(&self.screen);
        if let Gone::Nobody = gone {
            let card = outcome_lines(question, screen.card_look(None));
            screen.card(&card);
        }
        screen.keep(&["  nobody is here to ask: it is skipped and the model is told".to_owned()]);
        HeardOutcome::Nobody
    }

    async fn ask(&self, question: &Question) -> Heard {
        if let Some(reason) = too_long(question) {
            return Heard::TooLong(reason);
        }
        let card = |look| card_lines(question, look);
        let dialog = match &question.subject {
            Subject::Approval(approval) => dialog::approval(approval),
            Subject::Inquiry(inquiry) => dialog::inquiry(inquiry),
        };
        let expires_at = Some(question.expires_at);
        match self.hear(&card, expires_at, dialog).await {
            Ok((answer, person)) => {
                locked(&self.screen)
                    .live()
                    .answered_here(&question.question, &answer);
                Heard::Answered {
                    answer,
                    by: local(person),
                }
            }
            Err(_) if !self.waits => Heard::Nobody,
            Err(gone) => {
                let mut screen = locked(&self.screen);
                if let Gone::Nobody = gone {
                    let card = card_lines(question, screen.card_look(None));
                    screen.card(&card);
                }
                screen.keep(&[elsewhere(&question.question, &question.subject)]);
                Heard::Shown
            }
        }
    }
}

impl Terminal {
    /// Puts a question to the person and waits for the answer; returns it with the person's id.
    async fn hear<T: Clone + Send + Sync>(
        &self,
        card: &(dyn Fn(super::Look) -> String + Sync),
        expires_at: Option<i64>,
        dialog: Dialog<T>,
    ) -> Result<(T, String), Gone> {
        let asking = Asking::new(self);
        let mut seat = self.person.lock().await;
        let Some(Person { id, keyboard }) = &*seat else {
            return Err(Gone::Nobody);
        };
        let talk = Talk {
            screen: &self.screen,
            clock: &*self.clock,
            keyboard,
            card,
            expires_at,
        };
        let answered = talk.run(dialog).await.map(|answer| (answer, id.clone()));
        if answered.is_none() {
            *seat = None;
        }
        drop(seat);
        drop(asking);
        answered.ok_or(Gone::Left)
    }
}

/// A question that is open here. However it ends, its line is taken back, and the keyboard is free for others.
struct Asking<'t>(&'t Terminal);

impl<'t> Asking<'t> {
    fn new(terminal: &'t Terminal) -> Self {
        terminal.asking.send_modify(|open| *open += 1);
        Self(terminal)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        locked(&self.0.screen).unprompt();
        self.0.asking.send_modify(|open| *open -= 1);
    }
}

/// The person at this terminal, who is the one that started this program.
fn local(person: String) -> Answerer {
    Answerer {
        channel: NAME.to_owned(),
        person: Requester {
            id: person,
            role: Role::Owner,
        },
    }
}

/// How to answer where nobody sits.
fn elsewhere(question: &QuestionId, subject: &Subject) -> String {
    match subject {
        Subject::Approval(_) => format!(
            "  waits: `agent approvals approve {question}` or `agent approvals deny {question}` from another terminal"
        ),
        Subject::Inquiry(_) => {
            format!("  waits: `agent approvals answer {question} …` from another terminal")
        }
    }
}
