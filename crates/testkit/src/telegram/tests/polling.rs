//! `getUpdates`: redelivery, waiting, several pollers, webhooks, tokens.
//! Invariant: what is told is compared whole; nobody sleeps until something has happened.
//! It must not know how updates are kept.

use super::*;

fn texts(told: &Value) -> Vec<&str> {
    let updates = told.as_array().into_iter().flatten();
    updates
        .filter_map(|update| update["message"]["text"].as_str())
        .collect()
}

#[test]
fn an_update_comes_again_until_it_is_confirmed() -> Outcome {
    let fake = FakeTelegram::start()?;
    for text in ["a", "b", "c"] {
        fake.remote().say(Say::private(7, text))?;
    }
    let first = done(&fake, "getUpdates", &json!({ "limit": 2 }))?;
    assert_eq!(texts(&first), ["a", "b"]);
    assert_eq!(done(&fake, "getUpdates", &json!({ "limit": 2 }))?, first);
    let next = first[1]["update_id"].as_i64().ok_or("no id")? + 1;
    let rest = done(&fake, "getUpdates", &json!({ "offset": next }))?;
    assert_eq!(texts(&rest), ["c"]);
    assert_eq!(fake.remote().pending()?, 1);
    Ok(())
}

#[test]
fn a_poll_waits_for_what_comes() -> Outcome {
    let fake = FakeTelegram::start()?;
    let poll = begin(&fake, "getUpdates", &json!({ "timeout": 30 }))?;
    let called = |remote: &Remote| Ok(!remote.ledger()?.is_empty());
    assert!(fake.remote().wait_for(LIMIT, called)?);
    fake.remote().say(Say::private(7, "hello"))?;
    assert_eq!(texts(&finish(poll)?["result"]), ["hello"]);
    Ok(())
}

#[test]
fn a_second_poller_ends_the_first() -> Outcome {
    let fake = FakeTelegram::start()?;
    let wait = json!({ "timeout": 30 });
    let first = begin(&fake, "getUpdates", &wait)?;
    let entered = |remote: &Remote| Ok(remote.ledger()?.len() == 1);
    assert!(fake.remote().wait_for(LIMIT, entered)?);
    let second = begin(&fake, "getUpdates", &wait)?;
    let ended = finish(first)?;
    assert_eq!(ended["error_code"], 409);
    assert_eq!(
        ended["description"],
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is \
         running"
    );
    fake.remote().say(Say::private(7, "hello"))?;
    assert_eq!(texts(&finish(second)?["result"]), ["hello"]);
    Ok(())
}

#[test]
fn a_poller_that_was_killed_is_seen_to_leave() -> Outcome {
    let fake = FakeTelegram::start()?;
    drop(begin(&fake, "getUpdates", &json!({ "timeout": 30 }))?);
    let left = |remote: &Remote| {
        let calls = remote.ledger()?;
        Ok(calls
            .first()
            .is_some_and(|call| call.end == CallEnd::ClientLeft))
    };
    assert!(fake.remote().wait_for(LIMIT, left)?);
    fake.remote().say(Say::private(7, "hello"))?;
    let told = done(&fake, "getUpdates", &json!({}))?;
    assert_eq!(texts(&told), ["hello"]);
    Ok(())
}

#[test]
fn a_webhook_forbids_polling() -> Outcome {
    let fake = FakeTelegram::start()?;
    fake.remote().set_webhook()?;
    refused(
        &fake,
        "getUpdates",
        &json!({}),
        409,
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete \
         the webhook first",
    )?;
    assert_eq!(done(&fake, "deleteWebhook", &json!({}))?, true);
    assert_eq!(done(&fake, "getUpdates", &json!({}))?, json!([]));
    Ok(())
}

#[test]
fn a_revoked_token_opens_nothing_and_ends_a_waiting_poll() -> Outcome {
    let fake = FakeTelegram::start()?;
    let poll = begin(&fake, "getUpdates", &json!({ "timeout": 30 }))?;
    let entered = |remote: &Remote| Ok(remote.ledger()?.len() == 1);
    assert!(fake.remote().wait_for(LIMIT, entered)?);
    fake.remote().revoke_token()?;
    assert_eq!(finish(poll)?["description"], "Unauthorized");
    refused(&fake, "getMe", &json!({}), 401, "Unauthorized")
}

#[test]
fn a_token_that_is_none_is_not_found() -> Outcome {
    let nonsense = Setup {
        token: "nonsense".to_owned(),
        ..Setup::default()
    };
    let fake = FakeTelegram::start_with(nonsense, Arc::new(SystemClock))?;
    refused(&fake, "getMe", &json!({}), 404, "Not Found")
}

#[test]
fn methods_and_parameters_that_do_not_exist_are_noticed() -> Outcome {
    let fake = FakeTelegram::start()?;
    refused(
        &fake,
        "sendMassage",
        &json!({}),
        404,
        "Not Found: method not found",
    )?;
    done(&fake, "getMe", &json!({ "who": 1 }))?;
    assert_eq!(
        fake.remote().violations()?,
        [
            "there is no method `sendMassage`",
            "getMe takes no parameter `who`"
        ]
    );
    Ok(())
}

#[test]
fn twice_shuffled_and_held_updates_lose_nothing() -> Outcome {
    let fake = FakeTelegram::start()?;
    let mode = Mode {
        twice: true,
        shuffle: Some(11),
        held: true,
    };
    fake.remote().updates(mode)?;
    for number in 0..20 {
        fake.remote().say(Say::private(7, number.to_string()))?;
    }
    assert_eq!(done(&fake, "getUpdates", &json!({}))?, json!([]));
    fake.remote().updates(Mode {
        held: false,
        ..mode
    })?;
    let told = done(&fake, "getUpdates", &json!({}))?;
    let mut numbers: Vec<usize> = texts(&told)
        .into_iter()
        .map(str::parse)
        .collect::<Result<_, _>>()?;
    assert!(!numbers.is_sorted());
    numbers.sort_unstable();
    let expect: Vec<usize> = (0..20).flat_map(|number| [number, number]).collect();
    assert_eq!(numbers, expect);
    Ok(())
}

#[test]
fn ten_thousand_updates_twice_and_shuffled_are_each_told_twice() -> Outcome {
    let fake = FakeTelegram::start()?;
    let mode = Mode {
        twice: true,
        shuffle: Some(3),
        held: false,
    };
    fake.remote().updates(mode)?;
    let said = (0..10_000).map(|number| Say::private(number % 50 + 1, number.to_string()));
    fake.remote().say_all(said)?;
    let (mut offset, mut told) = (0, vec![0_u8; 10_000]);
    while fake.remote().pending()? > 0 {
        let batch = done(&fake, "getUpdates", &json!({ "offset": offset }))?;
        for text in texts(&batch) {
            told[text.parse::<usize>()?] += 1;
        }
        let last = batch.as_array().and_then(|batch| batch.last());
        offset = last
            .and_then(|update| update["update_id"].as_i64())
            .unwrap_or(offset)
            + 1;
    }
    assert!(told.iter().all(|times| *times == 2));
    Ok(())
}
