//! What a person reads before they answer: the card of a call, the question of a model, a call nobody knows about.
//! Invariant: pure; the body is there whole, and nothing foreign stands where the card's own words and frame do.
//! It must not know how an answer is given, nor by whom.

mod visible;

use console::Style;
use corvid_core::OutcomeQuestion;
use corvid_core::wire::{Approval, CardForm, Inquiry, Question, Subject};

use self::visible::{Detail, Row, Shape, rows};
use super::render::{Look, screen};

/// The longest question that is shown, in bytes. What is longer nobody reads, so that nobody may allow it.
pub(super) const LONGEST: usize = 256 * 1024;

/// The narrowest screen that a card is laid out for, in columns.
const NARROWEST: usize = 16;

/// Below this width a fact's value stands under its name, in columns.
const ROOMY: usize = 40;

/// The longest name that values are aligned to, in columns.
const LONGEST_NAME: usize = 14;

/// A question as a person is shown it, laid out for a screen, each line ended by a line feed; whole, whatever its
/// length. Of an approval: what it is, what there is to know, and the command or change with every character
/// visible, behind a bar at the left edge that only the card itself writes.
pub fn card_lines(question: &Question, look: Look) -> String {
    let easel = Easel::new(look);
    let lines = match &question.subject {
        Subject::Approval(approval) => easel.approval(approval),
        Subject::Inquiry(inquiry) => easel.inquiry(inquiry),
    };
    ended(&lines)
}

/// The card of a call whose outcome nobody knows.
pub(super) fn outcome_lines(question: &OutcomeQuestion, look: Look) -> String {
    let facts = [("because".to_owned(), question.reason.clone())];
    let body = serde_json::from_str::<serde_json::Value>(&question.arguments)
        .map_or_else(|_| question.arguments.clone(), |value| format!("{value:#}"));
    let title = format!("nobody knows whether this happened: {}", question.tool);
    ended(&Easel::new(look).sheet(&title, &facts, &body, CardForm::Text))
}

/// The keys of an answer and what they mean, in as many lines as it takes.
pub(super) fn legend(keys: &[(&str, &str)], look: Look) -> String {
    let easel = Easel::new(look);
    let bold = |key: &str| easel.style().bold().apply_to(key).to_string();
    let wide = keys
        .iter()
        .map(|(key, meaning)| key.len() + meaning.len() + 4);
    if wide.sum::<usize>() <= easel.width {
        let words: Vec<String> = keys
            .iter()
            .map(|(key, meaning)| format!("{} {meaning}", bold(key)))
            .collect();
        return format!("  {}\n", words.join(" · "));
    }
    let lines: Vec<String> = keys
        .iter()
        .flat_map(|(key, meaning)| {
            let first = format!("  {} ", bold(key));
            easel.hung(meaning, &first, key.len() + 3, &easel.style())
        })
        .collect();
    ended(&lines)
}

/// What is the matter with a question that is too long to be shown; none if it is not.
pub(super) fn too_long(question: &Question) -> Option<String> {
    let bytes = match &question.subject {
        Subject::Approval(Approval {
            card, rule, reason, ..
        }) => {
            let facts = card
                .facts
                .iter()
                .map(|(name, value)| name.len() + value.len());
            card.title.len() + card.body.len() + rule.len() + reason.len() + facts.sum::<usize>()
        }
        Subject::Inquiry(Inquiry { text, choices }) => {
            text.len() + choices.iter().map(String::len).sum::<usize>()
        }
    };
    (bytes > LONGEST).then(|| {
        format!(
            "it has {bytes} bytes, and at most {LONGEST} are shown to a person; make it shorter"
        )
    })
}

fn ended(lines: &[String]) -> String {
    lines.iter().fold(String::new(), |mut text, line| {
        text.push_str(line);
        text.push('\n');
        text
    })
}

/// What a card is drawn on.
struct Easel {
    width: usize,
    color: bool,
}

impl Easel {
    fn new(look: Look) -> Self {
        Self {
            // The last column stays free: some terminals break a line that fills it.
            width: look.width.saturating_sub(1).max(NARROWEST),
            color: look.color,
        }
    }

    fn approval(&self, approval: &Approval) -> Vec<String> {
        let card = &approval.card;
        let rule = match approval.reason.as_str() {
            "" => approval.rule.clone(),
            reason => format!("{} ({reason})", approval.rule),
        };
        let mut facts = card.facts.clone();
        facts.push(("rule".to_owned(), rule));
        self.sheet(&card.title, &facts, &card.body, card.form)
    }

    fn sheet(
        &self,
        title: &str,
        facts: &[(String, String)],
        body: &str,
        form: CardForm,
    ) -> Vec<String> {
        let bold = self.style().bold();
        // Its further rows stand where no fact does.
        let mut lines = self.indented(title, "? ", "    ", &bold);
        lines.extend(self.facts(facts));
        if !body.is_empty() {
            lines.extend(self.body(body, form));
        }
        lines
    }

    /// Names in one column, values in the next; on a narrow screen one under the other.
    fn facts(&self, facts: &[(String, String)]) -> Vec<String> {
        let plain = self.style();
        let names = facts.iter().map(|(name, _)| name.chars().count());
        let column = names.max().unwrap_or(0).min(LONGEST_NAME);
        let mut lines = Vec::new();
        for (name, value) in facts {
            let simple = name.chars().all(|c| c == ' ' || c.is_ascii_graphic());
            if self.width >= ROOMY && name.len() <= column && simple {
                let name = self.style().dim().apply_to(format!("{name:column$}"));
                lines.extend(self.hung(value, &format!("  {name}  "), column + 4, &plain));
            } else {
                lines.extend(self.indented(name, "  ", "  ", &self.style().dim()));
                lines.extend(self.indented(value, "    ", "    ", &plain));
            }
        }
        lines
    }

    /// The body behind its bar, and how much it is.
    fn body(&self, body: &str, form: CardForm) -> Vec<String> {
        let shape = Shape {
            width: self.width - 4,
            detail: match form {
                CardForm::Diff => Detail::Diff,
                CardForm::Command | CardForm::Text => Detail::Exact,
            },
        };
        let base = |line: &str| match form {
            CardForm::Diff => self.diff_style(line),
            CardForm::Command | CardForm::Text => self.style(),
        };
        let bar = |bar: &str| self.style().dim().apply_to(bar).to_string();
        let mut lines = vec![format!("  {}", bar("┌"))];
        for Row { goes_on, text } in rows(body, shape, base, &self.mark()) {
            let edge = bar(if goes_on { "┊" } else { "│" });
            lines.push(format!("  {edge} {text}"));
        }
        let mut count = format!(
            "{}, {}, all of it shown",
            counted(body.lines().count(), "line"),
            counted(body.len(), "byte")
        );
        let foreign = body.chars().filter(|c| !c.is_ascii()).count();
        if form == CardForm::Command && foreign > 0 {
            count = format!("{count}; not ASCII: {}", counted(foreign, "character"));
        }
        lines.extend(self.hung(&count, &format!("  {} ", bar("└")), 4, &self.style().dim()));
        lines
    }

    /// The model's own question behind a bar, and what may be chosen.
    fn inquiry(&self, inquiry: &Inquiry) -> Vec<String> {
        let bold = self.style().bold();
        let mut lines = self.indented("the model asks", "? ", "  ", &bold);
        let look = Look {
            width: self.width.saturating_sub(4),
            color: self.color,
        };
        let bar = self.style().dim().apply_to("│").to_string();
        let text = screen(&inquiry.text, look);
        lines.extend(text.lines().map(|line| format!("  {bar} {line}")));
        for (number, choice) in (1..).zip(&inquiry.choices) {
            let first = format!("  {} ", bold.apply_to(format!("{number}.")));
            let indent = 4 + number.to_string().len();
            lines.extend(self.hung(choice, &first, indent, &self.style()));
        }
        lines
    }

    fn indented(&self, text: &str, first: &str, rest: &str, style: &Style) -> Vec<String> {
        let first = style.apply_to(first).to_string();
        self.hung(text, &first, rest.len(), style)
    }

    /// Text of others behind words of ours, its further rows hung below its first.
    fn hung(&self, text: &str, first: &str, indent: usize, style: &Style) -> Vec<String> {
        let shape = Shape {
            width: self.width.saturating_sub(indent),
            detail: Detail::Prose,
        };
        let rows = rows(text, shape, |_| style.clone(), &self.mark());
        if rows.is_empty() {
            return vec![first.to_owned()];
        }
        let rows = rows.into_iter().enumerate();
        rows.map(|(index, row)| match index {
            0 => format!("{first}{}", row.text),
            _ => format!("{}{}", " ".repeat(indent), row.text),
        })
        .collect()
    }

    fn diff_style(&self, line: &str) -> Style {
        match line.as_bytes() {
            [b'+', b'+', b'+', b' ', ..] | [b'-', b'-', b'-', b' ', ..] => self.style().bold(),
            [b'+', ..] => self.style().green(),
            [b'-', ..] => self.style().red(),
            [b'@', b'@', ..] => self.style().cyan(),
            _ => self.style(),
        }
    }

    fn mark(&self) -> Style {
        self.style().yellow().reverse()
    }

    fn style(&self) -> Style {
        Style::new().force_styling(self.color)
    }
}

fn counted(count: usize, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests;
