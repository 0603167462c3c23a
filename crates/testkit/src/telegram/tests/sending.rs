//! What goes out: limits, entities, replies, buttons, reactions, drafts, pace.
//! Invariant: a refusal is compared word by word.
//! It must not know how a world is kept.

use super::*;
use crate::ManualClock;

/// A fake whose person 7 has written a first message.
fn spoken_to() -> io::Result<FakeTelegram> {
    let fake = FakeTelegram::start()?;
    fake.remote().say(Say::private(7, "hello"))?;
    Ok(fake)
}

#[test]
fn a_text_is_measured_in_utf16_units_after_its_entities() -> Outcome {
    let fake = spoken_to()?;
    let bird = "🐦".repeat(2_048);
    done(&fake, "sendMessage", &json!({ "chat_id": 7, "text": bird }))?;
    let long = json!({ "chat_id": 7, "text": format!("{bird}x") });
    refused(
        &fake,
        "sendMessage",
        &long,
        400,
        "Bad Request: message is too long",
    )?;
    let tagged = json!({ "chat_id": 7, "text": format!("<b>{bird}</b>"), "parse_mode": "HTML" });
    done(&fake, "sendMessage", &tagged)?;
    let edit = json!({ "chat_id": 7, "message_id": 2, "text": format!("{bird}x") });
    refused(
        &fake,
        "editMessageText",
        &edit,
        400,
        "Bad Request: MESSAGE_TOO_LONG",
    )?;
    let blank = json!({ "chat_id": 7, "text": " \n " });
    refused(
        &fake,
        "sendMessage",
        &blank,
        400,
        "Bad Request: message text is empty",
    )
}

#[test]
fn formatting_that_is_wrong_is_refused() -> Outcome {
    let fake = spoken_to()?;
    let check = |extra: Value, description: &str| {
        let mut parameters = json!({ "chat_id": 7, "text": "a <b>b" });
        for (name, value) in extra.as_object().into_iter().flatten() {
            parameters[name] = value.clone();
        }
        refused(&fake, "sendMessage", &parameters, 400, description)
    };
    check(
        json!({ "parse_mode": "HTML" }),
        "Bad Request: can't parse entities: Can't find end tag corresponding to start tag \"b\"",
    )?;
    check(
        json!({ "parse_mode": "MarkdownV2" }),
        "Bad Request: can't parse entities: Character '>' is reserved and must be escaped with the \
         preceding '\\'",
    )?;
    check(
        json!({ "parse_mode": "RTF" }),
        "Bad Request: unsupported parse_mode",
    )?;
    check(
        json!({ "entities": [{ "type": "bold", "offset": 2, "length": 9 }] }),
        "Bad Request: entity beginning at UTF-16 offset 2 ends after the end of the text at UTF-16 \
         offset 11",
    )
}

#[test]
fn buttons_are_checked_and_an_edit_without_them_takes_them_away() -> Outcome {
    let fake = spoken_to()?;
    let send = |button: Value| json!({ "chat_id": 7, "text": "?", "reply_markup": { "inline_keyboard": [[button]] } });
    let long = send(json!({ "text": "A", "callback_data": "x".repeat(65) }));
    refused(
        &fake,
        "sendMessage",
        &long,
        400,
        "Bad Request: BUTTON_DATA_INVALID",
    )?;
    let bare = send(json!({ "text": "A" }));
    refused(
        &fake,
        "sendMessage",
        &bare,
        400,
        "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline \
         keyboard",
    )?;
    let good = send(json!({ "text": "A", "callback_data": "x".repeat(64) }));
    let asked = done(&fake, "sendMessage", &good)?;
    done(
        &fake,
        "editMessageText",
        &json!({ "chat_id": 7, "message_id": asked["message_id"], "text": "!" }),
    )?;
    let chat = fake.remote().chat(7)?;
    assert_eq!(chat.messages[1].buttons, [] as [Vec<SeenButton>; 0]);
    assert!(fake.remote().press(7, 7, 2, "A").is_err());
    fake.remote().press_stale(7, 7, 2, "x")?;
    Ok(())
}

#[test]
fn a_press_is_answered_once_and_not_too_late() -> Outcome {
    let clock = Arc::new(ManualClock::new(1_000_000));
    let fake = FakeTelegram::start_with(Setup::default(), Arc::clone(&clock) as Arc<dyn Clock>)?;
    fake.remote().say(Say::private(7, "hello"))?;
    let keyboard = json!({ "inline_keyboard": [[{ "text": "A", "callback_data": "a" }]] });
    done(
        &fake,
        "sendMessage",
        &json!({ "chat_id": 7, "text": "?", "reply_markup": keyboard.to_string() }),
    )?;
    let first = json!({ "callback_query_id": fake.remote().press(7, 7, 2, "A")? });
    let second = json!({ "callback_query_id": fake.remote().press(7, 7, 2, "A")? });
    done(&fake, "answerCallbackQuery", &first)?;
    let late = "Bad Request: query is too old and response timeout expired or query ID is invalid";
    refused(&fake, "answerCallbackQuery", &first, 400, late)?;
    clock.advance(30 * 60 * 1_000);
    refused(&fake, "answerCallbackQuery", &second, 400, late)
}

#[test]
fn replies_edits_and_reactions_need_their_message() -> Outcome {
    let fake = spoken_to()?;
    let reply = |extra: Value| json!({ "chat_id": 7, "text": "re", "reply_parameters": extra });
    refused(
        &fake,
        "sendMessage",
        &reply(json!({ "message_id": 99 })),
        400,
        "Bad Request: message to be replied not found",
    )?;
    let anyway = json!({ "message_id": 99, "allow_sending_without_reply": true });
    done(&fake, "sendMessage", &reply(anyway))?;
    let sent = done(&fake, "sendMessage", &reply(json!({ "message_id": 1 })))?;
    assert_eq!(sent["reply_to_message"]["text"], "hello");
    let target = |message: i64| json!({ "chat_id": 7, "message_id": message, "text": "x" });
    refused(
        &fake,
        "editMessageText",
        &target(99),
        400,
        "Bad Request: message to edit not found",
    )?;
    refused(
        &fake,
        "editMessageText",
        &target(1),
        400,
        "Bad Request: message can't be edited",
    )?;
    let react = |emoji: &str| json!({ "chat_id": 7, "message_id": 1, "reaction": [{ "type": "emoji", "emoji": emoji }] });
    refused(
        &fake,
        "setMessageReaction",
        &react("🐦"),
        400,
        "Bad Request: REACTION_INVALID",
    )?;
    done(&fake, "setMessageReaction", &react("👀"))?;
    let chat = fake.remote().chat(7)?;
    assert_eq!(chat.messages[0].reactions, ["👀"]);
    fake.remote().delete_message(7, 2)?;
    let gone = json!({ "chat_id": 7, "message_id": 2 });
    refused(
        &fake,
        "deleteMessage",
        &gone,
        400,
        "Bad Request: message to delete not found",
    )
}

#[test]
fn a_sound_is_heard_when_a_message_comes_and_not_when_it_changes() -> Outcome {
    let fake = spoken_to()?;
    let silent = json!({ "chat_id": 7, "text": "…", "disable_notification": true });
    let id = done(&fake, "sendMessage", &silent)?["message_id"].take();
    let edit = json!({ "chat_id": 7, "message_id": id, "text": "x" });
    done(&fake, "editMessageText", &edit)?;
    assert_eq!(fake.remote().chat(7)?.sounds(), 0);
    done(
        &fake,
        "sendMessage",
        &json!({ "chat_id": 7, "text": "done" }),
    )?;
    assert_eq!(fake.remote().chat(7)?.sounds(), 1);
    Ok(())
}

#[test]
fn what_the_bot_is_doing_ends_with_its_message() -> Outcome {
    let fake = spoken_to()?;
    done(
        &fake,
        "sendChatAction",
        &json!({ "chat_id": 7, "action": "typing" }),
    )?;
    done(
        &fake,
        "sendMessageDraft",
        &json!({ "chat_id": 7, "draft_id": 1, "text": "so f" }),
    )?;
    let chat = fake.remote().chat(7)?;
    assert_eq!(
        (chat.action.as_deref(), chat.drafts.as_slice()),
        (Some("typing"), &["so f".to_owned()][..])
    );
    done(
        &fake,
        "sendMessage",
        &json!({ "chat_id": 7, "text": "so far" }),
    )?;
    let chat = fake.remote().chat(7)?;
    assert_eq!((chat.action, chat.drafts), (None, Vec::new()));
    let wrong = json!({ "chat_id": 7, "action": "thinking" });
    let why = "Bad Request: wrong parameter action in request";
    refused(&fake, "sendChatAction", &wrong, 400, why)
}

#[test]
fn haste_is_counted_and_refused_only_when_it_is_strict() -> Outcome {
    let clock = Arc::new(ManualClock::new(0));
    let fake = FakeTelegram::start_with(Setup::default(), Arc::clone(&clock) as Arc<dyn Clock>)?;
    fake.remote().say(Say::private(7, "hello"))?;
    let send = json!({ "chat_id": 7, "text": "x" });
    for _ in 0..6 {
        done(&fake, "sendMessage", &send)?;
    }
    let hurried = |remote: &Remote| -> io::Result<usize> {
        Ok(remote.ledger()?.iter().filter(|call| call.hurried).count())
    };
    assert_eq!(hurried(fake.remote())?, 1);
    fake.remote().strict_pace(true)?;
    let answer = call(&fake, "sendMessage", &send)?;
    assert_eq!(answer["error_code"], 429);
    assert_eq!(answer["description"], "Too Many Requests: retry after 5");
    assert_eq!(answer["parameters"]["retry_after"], 5);
    clock.advance(4_000);
    call(&fake, "sendMessage", &send)?;
    assert_eq!(
        fake.remote().violations()?,
        ["1000 ms before `retry_after` was over"]
    );
    clock.advance(10_000);
    done(&fake, "sendMessage", &send)?;
    Ok(())
}

#[test]
fn commands_are_registered_if_they_are_good() -> Outcome {
    let fake = FakeTelegram::start()?;
    let commands = json!([{ "command": "stop", "description": "Stop" }]);
    done(&fake, "setMyCommands", &json!({ "commands": commands }))?;
    assert_eq!(done(&fake, "getMyCommands", &json!({}))?, commands);
    assert_eq!(json!(fake.remote().commands()?), commands);
    let wrong = json!({ "commands": [{ "command": "Stop!", "description": "Stop" }] });
    refused(
        &fake,
        "setMyCommands",
        &wrong,
        400,
        "Bad Request: BOT_COMMAND_INVALID",
    )
}
