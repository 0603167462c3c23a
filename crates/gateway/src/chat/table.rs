//! The commands of a chat, in one table: what reads them, offers them natively and explains them goes by it.
//! Invariant: whatever a command may do, and to whom it is open, is said here and nowhere else.
//! It must not know how a command is carried out.

use corvid_core::wire::Role;

/// What a person may type instead of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChatCommand {
    /// Which one.
    pub(crate) command: Command,
    /// Its word, without the slash.
    pub name: &'static str,
    /// What may follow the word; empty for nothing.
    pub usage: &'static str,
    /// What it does, one line.
    pub description: &'static str,
    /// The least role that may use it.
    pub for_role: Role,
    /// Whether doing it again after a crash changes anything.
    pub(crate) again: Again,
}

/// Which command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Start,
    Help,
    New,
    Stop,
    Steer,
    Queue,
    Sessions,
    Resume,
    Cd,
    Model,
    Status,
    Cost,
    Jobs,
    Undo,
    Retry,
    Approve,
    Deny,
    Pair,
    Forget,
    Timezone,
}

/// What doing a command a second time does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// Nothing that the first time has not done, or at worst a worse answer.
    Harmless,
    /// Something else: it is done at most once.
    Never,
}

/// Every command, in the order in which they are offered.
pub const COMMANDS: &[ChatCommand] = &[
    any(Command::Start, "start", "", "Say hello and what I can do"),
    any(Command::Help, "help", "", "List the commands"),
    any(Command::New, "new", "", "Begin a new session here"),
    any(Command::New, "clear", "", "The same as /new"),
    any(Command::Stop, "stop", "", "Stop what runs here, jobs too"),
    any(
        Command::Steer,
        "steer",
        "TEXT",
        "Say something to the turn that runs, as a plain message does",
    ),
    any(
        Command::Queue,
        "queue",
        "TEXT",
        "Say something that waits until the turn has ended",
    ),
    any(Command::Sessions, "sessions", "", "List the sessions"),
    any(
        Command::Resume,
        "resume",
        "SESSION",
        "Go on with a session here",
    ),
    ChatCommand {
        for_role: Role::Owner,
        ..any(
            Command::Cd,
            "cd",
            "[FOLDER]",
            "Show or change the folder I work in",
        )
    },
    any(
        Command::Model,
        "model",
        "[NAME | default]",
        "Show or change the model",
    ),
    any(
        Command::Status,
        "status",
        "",
        "Show what runs and what waits here",
    ),
    any(
        Command::Cost,
        "cost",
        "",
        "Show the tokens this session has used",
    ),
    any(
        Command::Jobs,
        "jobs",
        "[cancel JOB]",
        "List the jobs, or end one",
    ),
    ChatCommand {
        again: Again::Never,
        ..any(
            Command::Undo,
            "undo",
            "",
            "Take back what the last turn changed in files",
        )
    },
    any(
        Command::Retry,
        "retry",
        "",
        "Ask again what the last turn failed at",
    ),
    any(
        Command::Approve,
        "approve",
        "",
        "Allow what I ask about, once",
    ),
    any(Command::Deny, "deny", "[REASON]", "Deny what I ask about"),
    ChatCommand {
        for_role: Role::Owner,
        again: Again::Never,
        ..any(
            Command::Pair,
            "pair",
            "[CODE [owner | member]]",
            "Let somebody in who was given a code",
        )
    },
    any(
        Command::Timezone,
        "timezone",
        "[ZONE | default]",
        "Show or set your time zone, e.g. Europe/Berlin",
    ),
    any(
        Command::Forget,
        "forget",
        "[me]",
        "Have me forget you and your sessions",
    ),
];

impl Command {
    /// Its line of the table.
    pub(super) fn entry(self) -> Option<&'static ChatCommand> {
        COMMANDS.iter().find(|entry| entry.command == self)
    }
}

/// A command that is open to everybody who may speak, and harmless when done again.
const fn any(
    command: Command,
    name: &'static str,
    usage: &'static str,
    description: &'static str,
) -> ChatCommand {
    ChatCommand {
        command,
        name,
        usage,
        description,
        for_role: Role::Member,
        again: Again::Harmless,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_can_be_registered_with_a_messenger() {
        let mut names: Vec<&str> = Vec::new();
        for entry in COMMANDS {
            let name = entry.name;
            // Telegram's limits; Discord's are wider.
            assert!((1..=32).contains(&name.len()), "{name}");
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase()), "{name}");
            assert!((1..=100).contains(&entry.description.len()), "{name}");
            assert!(!names.contains(&name), "{name} is there twice");
            names.push(name);
        }
    }
}
