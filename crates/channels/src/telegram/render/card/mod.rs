//! Questions as messages: what a person reads before they allow, choose, or tell what happened.
//! Invariant: all of what an answer would allow is shown, every character of it visible, and nothing foreign stands
//! where the card's own words do; what is too long to be shown whole is not shown.
//! It must not know who answers.

mod visible;

use corvid_core::wire::{
    Approval, CardForm, Inquiry, Millis, OutcomeAnswer, Question, QuestionId, Subject,
};
use corvid_core::{Button, Choice, OutcomeQuestion};

use self::visible::{one_line, visible};
use super::page::{rich, uncalling};
use super::reply::Sheet;
use super::rich::{MESSAGE, Rich, Style};
use crate::inert::inert_line;
use crate::split::Room;
use crate::telegram::api::Key;

/// The most messages that a question may take. What is longer nobody reads, so that nobody may allow it.
const MOST_MESSAGES: usize = 6;

/// What a message of a card has room for, in UTF-16 units; the rest is for what is added above and below.
const CARD: Room = Room {
    limit: 3_700,
    ..MESSAGE
};

/// The longest choice that stands on its button, in characters.
const BUTTON_TEXT: usize = 32;

/// The most choices that have buttons.
const MOST_BUTTONS: usize = 40;

/// The longest word on how a question was settled, in characters.
const LONGEST_HOW: usize = 200;

/// A question as messages, the last one with the buttons.
///
/// # Errors
/// It is too long; the sentence names the limit.
pub(in crate::telegram) fn question(question: &Question) -> Result<Vec<Sheet>, String> {
    let mut sheets = pieces(&asked(question))?;
    if let Some(last) = sheets.last_mut() {
        last.rich.push("\n\n");
        last.rich.push_in(Style::Italic, &terms(question));
        last.buttons = keys(question);
    }
    Ok(sheets)
}

/// The last message of a question that is settled: how, in place of its buttons.
pub(in crate::telegram) fn settled(question: &Question, how: &str) -> Option<Sheet> {
    let mut last = pieces(&asked(question)).ok()?.pop()?;
    let how: String = inert_line(how).chars().take(LONGEST_HOW).collect();
    last.rich.push("\n\n");
    last.rich
        .push_in(Style::Bold, &format!("→ {}", uncalling(&how)));
    Some(last)
}

/// The question what became of a call, as messages, the last one with the buttons.
///
/// # Errors
/// As [`question`].
pub(in crate::telegram) fn outcome(question: &OutcomeQuestion) -> Result<Vec<Sheet>, String> {
    let mut sheets = pieces(&doubt(question))?;
    if let Some(last) = sheets.last_mut() {
        let key = |text: &str, answer| Key {
            text: text.to_owned(),
            data: Button::Outcome {
                session: Button::tag(&question.session),
                call: question.call,
                answer,
            }
            .encode(),
        };
        last.rich.push("\n\n");
        let terms = "a new message from you means: skip it, the model is told";
        last.rich.push_in(Style::Italic, terms);
        last.buttons = vec![
            vec![
                key("🔁 Retry", OutcomeAnswer::Retry),
                key("✅ It worked", OutcomeAnswer::Worked),
            ],
            vec![key("⏭ Skip", OutcomeAnswer::Skip)],
        ];
    }
    Ok(sheets)
}

/// The last message of such a question once it is settled.
pub(in crate::telegram) fn outcome_settled(
    question: &OutcomeQuestion,
    answer: OutcomeAnswer,
) -> Option<Sheet> {
    let mut last = pieces(&doubt(question)).ok()?.pop()?;
    let how = match answer {
        OutcomeAnswer::Retry => "→ it runs again",
        OutcomeAnswer::Worked => "→ it counts as done",
        OutcomeAnswer::Skip => "→ it is left as it is",
    };
    last.rich.push("\n\n");
    last.rich.push_in(Style::Bold, how);
    Some(last)
}

fn pieces(whole: &Rich) -> Result<Vec<Sheet>, String> {
    let pieces = whole.split_for(CARD);
    let count = pieces.len();
    if count > MOST_MESSAGES {
        let units = whole.text().encode_utf16().count();
        return Err(format!(
            "it takes {units} characters to show, and at most {} are shown to a person on Telegram; make it shorter",
            MOST_MESSAGES * CARD.limit
        ));
    }
    let sheet = |(index, piece): (usize, Rich)| {
        let mut rich = Rich::default();
        if index > 0 {
            let goes_on = format!("it goes on, {} of {count}", index + 1);
            rich.push_in(Style::Italic, &goes_on).push("\n");
        }
        rich.append(piece);
        Sheet {
            rich,
            buttons: Vec::new(),
        }
    };
    Ok(pieces.into_iter().enumerate().map(sheet).collect())
}

fn asked(question: &Question) -> Rich {
    match &question.subject {
        Subject::Approval(approval) => approval_card(approval),
        Subject::Inquiry(inquiry) => inquiry_card(inquiry),
    }
}

fn approval_card(approval: &Approval) -> Rich {
    let card = &approval.card;
    let mut facts = card.facts.clone();
    facts.push((
        "rule".to_owned(),
        match approval.reason.as_str() {
            "" => approval.rule.clone(),
            reason => format!("{} ({reason})", approval.rule),
        },
    ));
    let mut rich = Rich::default();
    rich.push("❓ ");
    rich.push_in(Style::Bold, &uncalling(&one_line(&card.title)));
    sheet(&mut rich, &facts, &card.body, card.form);
    rich
}

fn doubt(question: &OutcomeQuestion) -> Rich {
    let body = serde_json::from_str::<serde_json::Value>(&question.arguments)
        .map_or_else(|_| question.arguments.clone(), |value| format!("{value:#}"));
    let mut rich = Rich::default();
    rich.push("❓ ");
    let title = format!("nobody knows whether this happened: {}", question.tool);
    rich.push_in(Style::Bold, &uncalling(&one_line(&title)));
    let facts = [("because".to_owned(), question.reason.clone())];
    sheet(&mut rich, &facts, &body, CardForm::Text);
    rich
}

/// Facts a line each, and the body in a block of its own with how much it is.
fn sheet(rich: &mut Rich, facts: &[(String, String)], body: &str, form: CardForm) {
    for (name, value) in facts {
        rich.push("\n").push(&uncalling(&one_line(name))).push(": ");
        rich.push_in(Style::Code, &one_line(value));
    }
    if body.is_empty() {
        return;
    }
    let language = match form {
        CardForm::Diff => "diff",
        CardForm::Command | CardForm::Text => "",
    };
    rich.push("\n\n");
    rich.push_in(Style::Pre(language.to_owned()), &visible(body, form));
    let mut count = format!(
        "{}, {}, all of it shown",
        counted(body.lines().count(), "line"),
        counted(body.len(), "byte")
    );
    let foreign = body.chars().filter(|c| !c.is_ascii()).count();
    if form == CardForm::Command && foreign > 0 {
        count = format!("{count}; not ASCII: {}", counted(foreign, "character"));
    }
    rich.push("\n").push_in(Style::Italic, &count);
}

/// The model's own question in its own words, and what may be chosen.
fn inquiry_card(inquiry: &Inquiry) -> Rich {
    let mut card = Rich::default();
    card.push("❓ ").push_in(Style::Bold, "the model asks");
    card.push("\n\n").append(rich(&inquiry.text));
    if !on_buttons(inquiry) {
        card.push("\n");
        for (number, choice) in (1..).zip(&inquiry.choices) {
            let choice = uncalling(&inert_line(choice));
            card.push(&format!("\n{number}. {choice}"));
        }
    }
    card
}

/// Whether every choice fits on its button.
fn on_buttons(inquiry: &Inquiry) -> bool {
    let short = |choice: &String| choice.chars().count() <= BUTTON_TEXT;
    inquiry.choices.len() <= MOST_BUTTONS && inquiry.choices.iter().all(short)
}

/// Who may answer, how, and until when.
fn terms(question: &Question) -> String {
    let people = question.to.iter().map(|person| one_line(&person.id));
    let people: Vec<String> = people.collect();
    let who = match people.as_slice() {
        [] => "an owner".to_owned(),
        people => format!("{} or an owner", people.join(", ")),
    };
    let how = match &question.subject {
        Subject::Approval(_) => "answers; a message instead denies it, with that reason",
        Subject::Inquiry(inquiry) if inquiry.choices.is_empty() => "answers, by a message",
        Subject::Inquiry(_) => "answers, by a button or a message",
    };
    format!("{who} {how} · until {}", clock_time(question.expires_at))
}

fn keys(question: &Question) -> Vec<Vec<Key>> {
    let id = &question.question;
    match &question.subject {
        Subject::Approval(approval) => {
            let mut rows = vec![vec![
                key(id, "✅ Allow once", Choice::Once),
                key(id, "⛔ Deny", Choice::Deny),
            ]];
            if approval.repeatable {
                rows.push(vec![key(id, "✅ Allow for this session", Choice::Session)]);
            }
            rows
        }
        Subject::Inquiry(inquiry) => {
            let named = on_buttons(inquiry);
            let numbered = (0_u16..).zip(&inquiry.choices).take(MOST_BUTTONS);
            let keys = numbered.map(|(number, choice)| {
                let text = if named {
                    inert_line(choice)
                } else {
                    (u32::from(number) + 1).to_string()
                };
                key(id, &text, Choice::Number(number))
            });
            let keys: Vec<Key> = keys.collect();
            let in_a_row = if named { 1 } else { 5 };
            keys.chunks(in_a_row).map(<[Key]>::to_vec).collect()
        }
    }
}

fn key(question: &QuestionId, text: &str, choice: Choice) -> Key {
    let button = Button::Answer {
        question: question.clone(),
        choice,
    };
    let text = if text.trim().is_empty() { "·" } else { text };
    Key {
        text: text.to_owned(),
        data: button.encode(),
    }
}

fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

/// A time of day, for a question that is open for some minutes.
fn clock_time(at: Millis) -> String {
    let minutes = at.div_euclid(60_000).rem_euclid(24 * 60);
    format!("{:02}:{:02} UTC", minutes / 60, minutes % 60)
}
