//! What a test has people do.
//! Invariant: what an app would not let a person do is an error.
//! It must not know how a command travels.

use std::io;

use super::Remote;
use crate::telegram::control::Command;
use crate::telegram::say::{PressButton, Say};
use crate::telegram::setup::{Group, Person};
use crate::telegram::view::SeenAnswer;

impl Remote {
    /// Names a person; one who is not named is called by their id.
    ///
    /// # Errors
    /// As [`Remote::setup`].
    pub fn person(&self, person: Person) -> io::Result<()> {
        self.ask(&Command::Person(person))
    }

    /// Makes a group with the bot in it.
    ///
    /// # Errors
    /// As [`Remote::setup`]; if its id is not below zero.
    pub fn group(&self, group: Group) -> io::Result<()> {
        self.ask(&Command::Group(group))
    }

    /// A person writes. Returns the message's id.
    ///
    /// # Errors
    /// As [`Remote::setup`]; if an app would not let them.
    pub fn say(&self, said: Say) -> io::Result<i32> {
        self.ask(&Command::Say(Box::new(said)))
    }

    /// Several people write at once, in this order. Returns the messages' ids.
    ///
    /// # Errors
    /// As [`Remote::say`]; what was said before the first that an app would not let through stands.
    pub fn say_all(&self, all: impl IntoIterator<Item = Say>) -> io::Result<Vec<i32>> {
        let all = all.into_iter().collect();
        self.ask(&Command::SayAll { all })
    }

    /// A person changes what they wrote.
    ///
    /// # Errors
    /// As [`Remote::say`].
    pub fn edit(&self, chat: i64, message: i32, text: &str) -> io::Result<()> {
        let text = text.to_owned();
        self.ask(&Command::Edit {
            chat,
            message,
            text,
        })
    }

    /// A person presses a button, named by its text or data. Returns the id of the press.
    ///
    /// # Errors
    /// As [`Remote::say`]; if there is no such button.
    pub fn press(&self, chat: i64, from: i64, message: i32, button: &str) -> io::Result<String> {
        self.ask(&Command::Press(PressButton {
            chat,
            from,
            message,
            button: button.to_owned(),
            stale: false,
        }))
    }

    /// A person presses a button that their app still shows and that is no longer there.
    ///
    /// # Errors
    /// As [`Remote::say`].
    pub fn press_stale(
        &self,
        chat: i64,
        from: i64,
        message: i32,
        data: &str,
    ) -> io::Result<String> {
        self.ask(&Command::Press(PressButton {
            chat,
            from,
            message,
            button: data.to_owned(),
            stale: true,
        }))
    }

    /// What a person was shown for a press; none while it is open.
    ///
    /// # Errors
    /// As [`Remote::setup`]; if there was no such press.
    pub fn press_answer(&self, press: &str) -> io::Result<Option<SeenAnswer>> {
        let press = press.to_owned();
        self.ask(&Command::PressAnswer { press })
    }

    /// A person blocks the bot, or a group throws it out.
    ///
    /// # Errors
    /// As [`Remote::say`].
    pub fn block(&self, chat: i64) -> io::Result<()> {
        self.ask(&Command::Block { chat })
    }

    /// The bot may write again.
    ///
    /// # Errors
    /// As [`Remote::say`].
    pub fn unblock(&self, chat: i64) -> io::Result<()> {
        self.ask(&Command::Unblock { chat })
    }

    /// A person deletes their account.
    ///
    /// # Errors
    /// As [`Remote::setup`].
    pub fn deactivate(&self, person: i64) -> io::Result<()> {
        self.ask(&Command::Deactivate { person })
    }

    /// A basic group becomes a supergroup with this id.
    ///
    /// # Errors
    /// As [`Remote::say`].
    pub fn migrate(&self, chat: i64, to: i64) -> io::Result<()> {
        self.ask(&Command::Migrate { chat, to })
    }

    /// A person deletes a message.
    ///
    /// # Errors
    /// As [`Remote::say`].
    pub fn delete_message(&self, chat: i64, message: i32) -> io::Result<()> {
        self.ask(&Command::Delete { chat, message })
    }
}
