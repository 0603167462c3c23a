//! From what is to be said to what Telegram shows: rich text, replies, cards, status lines.
//! Invariant: pure; foreign text is inert, calls nobody, and stands where no words of ours do.
//! It must not know when or whether anything is sent.

pub(super) mod card;
mod link;
mod page;
mod reply;
mod rich;

pub(super) use page::{rich, uncalling};
pub(super) use reply::{Sheet, Sheets, caption, last_word, sheets};
pub(super) use rich::{MESSAGE, Rich, Style};

#[cfg(test)]
mod tests;
