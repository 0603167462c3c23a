//! Buttons: keyboards as they are sent, and presses as they are answered.
//! Invariant: a keyboard that is kept holds only buttons that the real server would keep.
//! It must not know what a button means.

use serde_json::Value;

use super::{Answer, Doing, done};
use crate::telegram::refusal::Refusal;
use crate::telegram::world::PressAnswer;

/// Bytes of data that a button may hold.
const DATA_LIMIT: usize = 64;

/// What else a button may do.
const ACTIONS: [&str; 9] = [
    "callback_data",
    "url",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "pay",
];

impl Doing<'_> {
    /// The rows of buttons that a call brings; none if it brings no inline keyboard.
    pub(super) fn buttons(&self) -> Result<Vec<Value>, Refusal> {
        let markup = self.asked.structure("reply_markup")?.unwrap_or_default();
        let Some(rows) = markup.get("inline_keyboard") else {
            return Ok(Vec::new());
        };
        let invalid = || Refusal::bad("object expected as reply markup");
        let rows = rows.as_array().ok_or_else(invalid)?;
        for button in rows
            .iter()
            .flat_map(|row| row.as_array().into_iter().flatten())
        {
            check_button(button)?;
        }
        // A row without a button is no row.
        let filled = |row: &&Value| row.as_array().is_some_and(|row| !row.is_empty());
        Ok(rows.iter().filter(filled).cloned().collect())
    }
}

fn check_button(button: &Value) -> Result<(), Refusal> {
    if button["text"].as_str().unwrap_or_default().is_empty() {
        return Err(Refusal::bad(
            "can't parse inline keyboard button: Field \"text\" must be of type String",
        ));
    }
    if !ACTIONS.iter().any(|action| button.get(action).is_some()) {
        return Err(Refusal::bad(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ));
    }
    let data = button.get("callback_data").and_then(Value::as_str);
    if data.is_some_and(|data| data.is_empty() || data.len() > DATA_LIMIT) {
        return Err(Refusal::bad("BUTTON_DATA_INVALID"));
    }
    let url = button.get("url").and_then(Value::as_str);
    if url.is_some_and(|url| {
        !["http://", "https://", "tg://"]
            .iter()
            .any(|s| url.starts_with(s))
    }) {
        return Err(Refusal::bad("BUTTON_URL_INVALID"));
    }
    Ok(())
}

/// `answerCallbackQuery`.
pub(super) fn answer(doing: &mut Doing<'_>) -> Answer {
    let id = doing.asked.text("callback_query_id");
    let text = doing.asked.text("text");
    if text.chars().count() > 200 {
        return Err(Refusal::bad("MESSAGE_TOO_LONG"));
    }
    if !doing.world.press_is_open(&id, doing.now) {
        return Err(Refusal::bad(
            "query is too old and response timeout expired or query ID is invalid",
        ));
    }
    if let Some(press) = doing.world.presses.get_mut(&id) {
        let alert = doing.asked.flag("show_alert");
        press.answer = Some(PressAnswer { text, alert });
    }
    Ok(done())
}
