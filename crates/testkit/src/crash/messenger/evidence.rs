//! What a trial of the messenger's play has left behind, and what is wrong with it.
//! Invariant: pure; a verdict rests on what stands in the chats, at the effect server and in the files.
//! It must not know how a trial was run, nor which defect was seeded.

use std::collections::BTreeSet;
use std::fmt;

use super::people::{Kind, Person, Wish};
use crate::crash::breach::Breach;
use crate::effect_server::EffectCall;
use crate::process::Output;
use crate::state_file::Recorded;
use crate::telegram::SeenChat;

/// How much of a payload or of a log is shown, in characters.
const SHOWN: usize = 200;

/// Everything that a trial has left behind.
#[derive(Clone, Debug, Default)]
pub(super) struct Evidence {
    /// How often the daemon was killed at its point.
    pub(super) crashes: usize,
    /// Everybody's chat at the end.
    pub(super) chats: Vec<(Person, SeenChat)>,
    /// Chat, message and data of every button that was pressed.
    pub(super) presses: BTreeSet<(i64, i32, String)>,
    /// The marks at the effect server.
    pub(super) marks: Vec<EffectCall>,
    /// The lines that commands have written, each naming its message.
    pub(super) commands: String,
    /// The journal at the end.
    pub(super) events: Vec<Recorded>,
    /// What the integrity check says at the end.
    pub(super) integrity: String,
    /// How many updates the daemon has not confirmed.
    pub(super) pending: usize,
    /// What the messenger objected to.
    pub(super) bad_calls: Vec<String>,
    /// What the model server objected to.
    pub(super) objections: Vec<String>,
    /// What every daemon left.
    pub(super) outputs: Vec<Output>,
}

impl Evidence {
    /// Everything that is wrong, each kind once.
    pub(super) fn breaches(&self) -> BTreeSet<Breach> {
        let mut found = BTreeSet::new();
        let mut check = |broken: bool, breach: Breach| {
            if broken {
                found.insert(breach);
            }
        };
        for (person, chat) in &self.chats {
            let count = |kind| person.count(chat, kind);
            let (replies, admitted) = (count(Kind::Reply), self.admissions(person));
            let most = match person.wish {
                // A crash between two pictures may leave them to two turns.
                Wish::Album if self.crashes > 0 => 2,
                _ => 1,
            };
            check(replies == 0 && admitted == 0, Breach::MessageLost);
            check(replies == 0 && admitted > 0, Breach::Unanswered);
            check(replies > most || is_doubled(chat), Breach::ReplyRepeated);
            check(admitted > said(person), Breach::TakenTwice);
            check(admitted < said(person), Breach::MessageLost);
            check(count(Kind::Card) > 1, Breach::AskedTwice);
            check(count(Kind::LastWord) > 1, Breach::ReplyRepeated);
            check(count(Kind::Stray) > 0, Breach::StrayText);
            check(
                count(Kind::Placeholder) > self.crashes,
                Breach::StrayPlaceholder,
            );
            self.check_effects(person, count(Kind::Doubt) > 0, &mut check);
        }
        check(self.pending > 0, Breach::Unconfirmed);
        check(!self.bad_calls.is_empty(), Breach::BadCall);
        check(self.integrity != "ok", Breach::Corrupt);
        check(!self.objections.is_empty(), Breach::BadRequest);
        found
    }

    /// Messages whose text never came.
    pub(super) fn placeholders(&self) -> usize {
        let chats = self.chats.iter();
        chats
            .map(|(person, chat)| person.count(chat, Kind::Placeholder))
            .sum()
    }

    /// Messages below which a button is left that answers nothing any more.
    pub(super) fn open_cards(&self) -> usize {
        let messages = self.chats.iter().flat_map(|(_, chat)| chat.by_bot());
        messages
            .filter(|message| !message.buttons.is_empty())
            .count()
    }

    fn check_effects(
        &self,
        person: &Person,
        is_doubted: bool,
        check: &mut impl FnMut(bool, Breach),
    ) {
        let question = person.question();
        let marks = self
            .marks
            .iter()
            .filter(|mark| mark.note == question)
            .count();
        let lines = self.commands.lines().filter(|line| *line == question);
        let lines = lines.count();
        match person.wish {
            Wish::Talk | Wish::Status | Wish::Album => {}
            Wish::Effect | Wish::Approval => {
                check(marks > 1, Breach::UnsafeRepeated);
                // Whoever was asked has said that it worked; whether it did nobody could know.
                check(marks == 0 && !is_doubted, Breach::EffectLost);
            }
        }
        check(lines > 1, Breach::CommandRepeated);
        let pressed = self.presses.iter().any(|(chat, ..)| *chat == person.id);
        let asked = person.wish == Wish::Approval;
        check(asked && marks > 0 && !pressed, Breach::RanUnasked);
    }

    /// How many of a person's messages are in the journal.
    fn admissions(&self, person: &Person) -> usize {
        let question = person.question();
        let admitted = self.events.iter().filter(|e| e.kind == "input.admitted");
        admitted
            .filter(|admitted| admitted.payload["parts"].to_string().contains(&question))
            .count()
    }
}

/// How many of a person's messages belong into the journal: a command of the bot's own does not.
fn said(person: &Person) -> usize {
    match person.wish {
        Wish::Status => 0,
        Wish::Talk | Wish::Effect | Wish::Approval => 1,
        Wish::Album => person.album().len(),
    }
}

/// Whether the bot wrote the same twice.
fn is_doubled(chat: &SeenChat) -> bool {
    let mut seen = BTreeSet::new();
    // More than one message may have been left without its text; those are counted apart.
    let texts = chat.by_bot().map(|message| message.text.as_str());
    let mut texts = texts.filter(|text| !text.ends_with('…'));
    texts.any(|text| !seen.insert(text))
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (person, chat) in &self.chats {
            let admitted = self.admissions(person);
            writeln!(f, "  {person:?}: {admitted} in the journal")?;
            for message in &chat.messages {
                let by = message.from.map_or("bot", |_| "person");
                let text = brief(&message.text);
                writeln!(f, "    {} {by}: {text:?}", message.id)?;
                for button in message.buttons.iter().flatten() {
                    writeln!(f, "      [{}] {}", button.text, button.data)?;
                }
            }
        }
        for (chat, message, data) in &self.presses {
            writeln!(f, "  pressed in {chat}, message {message}: {data}")?;
        }
        for event in &self.events {
            let payload = brief(&event.payload.to_string());
            let Recorded {
                session, seq, kind, ..
            } = event;
            writeln!(f, "  {session} {seq:>3} {kind} {payload}")?;
        }
        for EffectCall { name, key, note } in &self.marks {
            writeln!(f, "  mark {name} {key} {note}")?;
        }
        for line in self.commands.lines() {
            writeln!(f, "  command {line}")?;
        }
        for Output {
            code,
            signal,
            stderr,
            ..
        } in &self.outputs
        {
            writeln!(f, "  daemon: code {code:?}, signal {signal:?}")?;
            for line in stderr.lines() {
                writeln!(f, "    {}", brief(line))?;
            }
        }
        for objection in self.bad_calls.iter().chain(&self.objections) {
            writeln!(f, "  objection: {objection}")?;
        }
        let (pending, integrity) = (self.pending, &self.integrity);
        write!(f, "  unconfirmed: {pending}, integrity: {integrity}")
    }
}

/// A text's beginning.
fn brief(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}
