//! Replies, notices and what goes with them, as messages.
//! Invariant: the whole text is in the messages, or in the document that they announce; what there is to say beside
//! it stands below it in words of ours.
//! It must not know which of it was sent already.

use corvid_core::wire::Ending;
use corvid_core::{Button, Delivery, Reply};

use super::page::{rich, uncalling};
use super::rich::{MESSAGE, Rich, Style};
use crate::inert::inert_line;
use crate::split::Room;
use crate::telegram::api::Key;

/// A reply of more messages than this becomes a beginning and a document.
const MOST_MESSAGES: usize = 6;

/// How much of such a reply is shown, in UTF-16 units.
const BEGINNING: Room = Room {
    limit: 2_500,
    ..MESSAGE
};

/// The longest line below a reply, in characters.
const LONGEST_LINE: usize = 500;

/// How long a turn must have taken for its end to be heard, in milliseconds.
const WORTH_A_SOUND: u64 = 10_000;

/// One message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::telegram) struct Sheet {
    /// What it says.
    pub(in crate::telegram) rich: Rich,
    /// The buttons below it.
    pub(in crate::telegram) buttons: Vec<Vec<Key>>,
}

/// A delivery's text as messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::telegram) struct Sheets {
    /// The messages, at least one.
    pub(in crate::telegram) sheets: Vec<Sheet>,
    /// Whether they are but its beginning, and the whole is to follow as a document.
    pub(in crate::telegram) is_beginning: bool,
}

/// A delivery's text with what belongs below it.
pub(in crate::telegram) fn sheets(delivery: &Delivery) -> Sheets {
    let said = body(delivery);
    let below = footer(delivery);
    let mut whole = said.clone();
    add_below(&mut whole, &below);
    let mut pieces = whole.split();
    let is_beginning = pieces.len() > MOST_MESSAGES;
    if is_beginning {
        let mut start = said.split_for(BEGINNING).into_iter().next();
        let start = start.get_or_insert_default();
        start.push("\n\n");
        start.push_in(Style::Italic, "… it goes on in the file below");
        add_below(start, &below);
        pieces = start.split();
    }
    let mut sheets: Vec<Sheet> = pieces
        .into_iter()
        .map(|rich| Sheet {
            rich,
            buttons: Vec::new(),
        })
        .collect();
    if let (Some(reply), Some(last)) = (delivery.reply(), sheets.last_mut()) {
        last.buttons = buttons(reply);
    }
    Sheets {
        sheets,
        is_beginning,
    }
}

/// What is said with a sound when a turn took long, or nobody waits for it; none where it ends silently.
pub(in crate::telegram) fn last_word(reply: &Reply) -> Option<String> {
    let long = reply.took_ms > WORTH_A_SOUND;
    if !long && !reply.unasked {
        return None;
    }
    let ended = match reply.ending {
        Ending::Answered => "Done",
        Ending::Declined | Ending::Limited | Ending::Stopped => "Stopped",
        Ending::Failed | Ending::Crashed => "Failed",
    };
    Some(match (long, ended) {
        (false, _) => format!("{ended}."),
        (true, "Done") => format!("Done in {}.", took(reply.took_ms)),
        (true, _) => format!("{ended} after {}.", took(reply.took_ms)),
    })
}

/// What stands below a file.
pub(in crate::telegram) fn caption(delivery: &Delivery) -> Rich {
    let mut caption = rich(&delivery.text);
    let below = footer(delivery);
    add_below(&mut caption, &below);
    caption
}

fn body(delivery: &Delivery) -> Rich {
    let mut said = rich(&delivery.text);
    if said.is_blank() {
        said = Rich::default();
        said.push_in(Style::Italic, "(the answer is empty)");
    }
    let ending = delivery.reply().map(|reply| reply.ending);
    if let Some(Ending::Failed | Ending::Crashed) = ending {
        let mut failed = Rich::default();
        failed.push("⚠️ ").append(said);
        return failed;
    }
    said
}

fn add_below(rich: &mut Rich, lines: &[String]) {
    for (index, line) in lines.iter().enumerate() {
        let blank = !rich.text().is_empty();
        rich.push(match (blank, index) {
            (false, _) => "",
            (true, 0) => "\n\n",
            (true, _) => "\n",
        });
        rich.push_in(Style::Italic, line);
    }
}

/// What there is to say beside the text, a line each.
fn footer(delivery: &Delivery) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(reply) = delivery.reply() {
        let unapproved = reply.unapproved.iter();
        lines.extend(unapproved.map(|call| {
            let call = line(call);
            format!("🔒 needed an approval and got none: {call}")
        }));
        lines.extend(reply.notices.iter().map(|notice| {
            let notice = line(notice);
            format!("ℹ️ {notice}")
        }));
    }
    if delivery.late {
        let late = "⏰ recovered: this comes late, since Corvid or Telegram was away meanwhile";
        lines.push(late.to_owned());
    }
    lines
}

/// Foreign text as one line of bounded length.
fn line(text: &str) -> String {
    let text = uncalling(&inert_line(text));
    let mut shown: String = text.chars().take(LONGEST_LINE).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

fn buttons(reply: &Reply) -> Vec<Vec<Key>> {
    match reply.ending {
        Ending::Failed | Ending::Crashed => {
            let retry = Button::Retry {
                session: Button::tag(&reply.session),
                turn: reply.turn,
            };
            vec![vec![Key {
                text: "🔁 Retry".to_owned(),
                data: retry.encode(),
            }]]
        }
        Ending::Answered | Ending::Declined | Ending::Limited | Ending::Stopped => Vec::new(),
    }
}

/// A time in words, rounded as people say it.
fn took(millis: u64) -> String {
    match (millis + 500) / 1_000 {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3_570 => format!("{} min", (seconds + 30) / 60),
        seconds => {
            let minutes = (seconds + 30) / 60;
            match minutes % 60 {
                0 => format!("{} h", minutes / 60),
                rest => format!("{} h {rest} min", minutes / 60),
            }
        }
    }
}
