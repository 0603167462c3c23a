//! Private chats, groups, topics: who may write where, and what becomes of them.
//! Invariant: a refusal is compared word by word, its hint included.
//! It must not know how a world is kept.

use super::*;

const GROUP: i64 = -100;
const UPGRADED: i64 = -1_000_000_000_200;

fn write_to(chat: i64) -> Value {
    json!({ "chat_id": chat, "text": "x" })
}

/// The newest update of a kind.
fn newest(fake: &FakeTelegram, kind: &str) -> Result<Value, Box<dyn Error>> {
    let told = done(fake, "getUpdates", &json!({}))?;
    let updates = told.as_array().ok_or("no updates")?;
    let newest = updates.iter().rev().find_map(|update| update.get(kind));
    newest
        .cloned()
        .ok_or_else(|| format!("no {kind} in {told}").into())
}

#[test]
fn a_person_must_write_first_and_may_block() -> Outcome {
    let fake = FakeTelegram::start()?;
    refused(
        &fake,
        "sendMessage",
        &write_to(7),
        400,
        "Bad Request: chat not found",
    )?;
    refused(
        &fake,
        "sendMessage",
        &json!({ "text": "x" }),
        400,
        "Bad Request: chat_id is empty",
    )?;
    fake.remote().say(Say::private(7, "hello"))?;
    done(&fake, "sendMessage", &write_to(7))?;
    fake.remote().block(7)?;
    let change = newest(&fake, "my_chat_member")?;
    assert_eq!(change["new_chat_member"]["status"], "kicked");
    let blocked = "Forbidden: bot was blocked by the user";
    refused(&fake, "sendMessage", &write_to(7), 403, blocked)?;
    let edit = json!({ "chat_id": 7, "message_id": 2, "text": "y" });
    refused(&fake, "editMessageText", &edit, 403, blocked)?;
    fake.remote().say(Say::private(7, "again"))?;
    done(&fake, "sendMessage", &write_to(7))?;
    fake.remote().deactivate(7)?;
    refused(
        &fake,
        "sendMessage",
        &write_to(7),
        403,
        "Forbidden: user is deactivated",
    )
}

#[test]
fn a_group_is_upgraded_and_says_where_it_went() -> Outcome {
    let fake = FakeTelegram::start()?;
    fake.remote().group(Group::basic(GROUP, "Birds", [7, 8]))?;
    done(&fake, "sendMessage", &write_to(GROUP))?;
    fake.remote().migrate(GROUP, UPGRADED)?;
    let answer = call(&fake, "sendMessage", &write_to(GROUP))?;
    assert_eq!(
        answer,
        json!({
            "ok": false,
            "error_code": 400,
            "description": "Bad Request: group chat was upgraded to a supergroup chat",
            "parameters": { "migrate_to_chat_id": UPGRADED },
        })
    );
    let told = done(&fake, "getUpdates", &json!({}))?;
    assert_eq!(told[0]["message"]["migrate_to_chat_id"], UPGRADED);
    assert_eq!(told[0]["message"]["chat"]["id"], GROUP);
    assert_eq!(told[1]["message"]["migrate_from_chat_id"], GROUP);
    let sent = done(&fake, "sendMessage", &write_to(UPGRADED))?;
    assert_eq!(sent["chat"]["type"], "supergroup");
    fake.remote().block(UPGRADED)?;
    let kicked = "Forbidden: bot was kicked from the supergroup chat";
    refused(&fake, "sendMessage", &write_to(UPGRADED), 403, kicked)
}

#[test]
fn topics_are_threads_that_must_exist() -> Outcome {
    let fake = FakeTelegram::start()?;
    fake.remote()
        .group(Group::forum(GROUP, "Birds", [7], [4]))?;
    fake.remote().say(Say::to(GROUP, 7, "hello").thread(4))?;
    let message = newest(&fake, "message")?;
    assert_eq!(message["message_thread_id"], 4);
    assert_eq!(message["is_topic_message"], true);
    assert_eq!(message["chat"]["is_forum"], true);
    let to = |thread: i32| json!({ "chat_id": GROUP, "text": "x", "message_thread_id": thread });
    let sent = done(&fake, "sendMessage", &to(4))?;
    assert_eq!(sent["message_thread_id"], 4);
    let missing = "Bad Request: message thread not found";
    refused(&fake, "sendMessage", &to(5), 400, missing)?;
    refused(&fake, "sendMessage", &to(1), 400, missing)
}

#[test]
fn a_thread_of_replies_is_no_topic() -> Outcome {
    let fake = FakeTelegram::start()?;
    fake.remote()
        .group(Group::supergroup(GROUP, "Birds", [7, 8]))?;
    let first = fake.remote().say(Say::to(GROUP, 7, "first"))?;
    fake.remote()
        .say(Say::to(GROUP, 8, "second").reply_to(first))?;
    let message = newest(&fake, "message")?;
    assert_eq!(message["message_thread_id"], first);
    assert_eq!(message["reply_to_message"]["text"], "first");
    assert!(message.get("is_topic_message").is_none());
    Ok(())
}

#[test]
fn with_privacy_a_bot_reads_only_what_concerns_it() -> Outcome {
    let setup = Setup {
        reads_all: false,
        ..Setup::default()
    };
    let fake = FakeTelegram::start_with(setup, Arc::new(SystemClock))?;
    fake.remote()
        .group(Group::supergroup(GROUP, "Birds", [7]))?;
    let sent = done(&fake, "sendMessage", &write_to(GROUP))?;
    let by_bot = i32::try_from(sent["message_id"].as_i64().ok_or("no id")?)?;
    for said in [
        Say::to(GROUP, 7, "just talk"),
        Say::to(GROUP, 7, "@corvid_bot look"),
        Say::to(GROUP, 7, "/stop"),
        Say::to(GROUP, 7, "yes").reply_to(by_bot),
    ] {
        fake.remote().say(said)?;
    }
    let told = done(&fake, "getUpdates", &json!({}))?;
    let texts: Vec<_> = told
        .as_array()
        .into_iter()
        .flatten()
        .map(|update| update["message"]["text"].as_str().unwrap_or_default())
        .collect();
    assert_eq!(texts, ["@corvid_bot look", "/stop", "yes"]);
    Ok(())
}

#[test]
fn what_an_app_would_not_do_is_an_error() -> Outcome {
    let fake = FakeTelegram::start()?;
    let remote = fake.remote();
    let check = |outcome: io::Result<i32>, reason: &str| {
        let error = outcome.err().map(|error| error.to_string());
        assert_eq!(error.as_deref(), Some(reason));
    };
    check(
        remote.say(Say::to(-5, 7, "x")),
        "there is no chat -5; make the group first",
    );
    check(
        remote.say(Say::private(7, "x").reply_to(9)),
        "chat 7 has no message 9",
    );
    check(
        remote.say(Say::private(7, "x".repeat(4_097))),
        "an app cuts a text at 4096 units; say it in pieces",
    );
    Ok(())
}
