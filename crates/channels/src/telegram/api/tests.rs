//! Every call, as a strict server takes it.

use std::error::Error;

use corvid_core::Secret;
use corvid_testkit::FakeTelegram;
use corvid_testkit::telegram::{Fault as Planned, Group, Plan, Say};
use teloxide_core::types::{MessageEntity, MessageId};

use super::{Api, ApiConfig, Document, DownloadError, Fault, Key, Outgoing};

type Outcome = Result<(), Box<dyn Error>>;

fn begin() -> Result<(FakeTelegram, Api), Box<dyn Error>> {
    let fake = FakeTelegram::start()?;
    let api = Api::new(&ApiConfig {
        token: Secret::new(fake.token()),
        api_url: Some(format!("{}/", fake.url())),
    })?;
    Ok((fake, api))
}

fn text(chat: i64, text: &str) -> Outgoing {
    Outgoing {
        chat,
        text: text.to_owned(),
        silent: true,
        ..Outgoing::default()
    }
}

fn buttons() -> Vec<Vec<Key>> {
    let key = Key {
        text: "Deny".to_owned(),
        data: "a|q-1|d".to_owned(),
    };
    vec![Vec::new(), vec![key]]
}

#[tokio::test]
async fn a_message_has_all_that_it_was_given() -> Outcome {
    let (fake, api) = begin()?;
    let people = fake.remote();
    people.group(Group::forum(-1_001, "The engine", [7], [3]))?;
    let asked = people.say(Say::to(-1_001, 7, "hello").thread(3))?;
    let whole = Outgoing {
        thread: Some(3),
        entities: vec![MessageEntity::bold(0, 5)],
        buttons: buttons(),
        reply_to: Some(asked),
        ..text(-1_001, "hello there, https://example.org")
    };
    let sent = api.send(&whole).await?;
    let seen = people.chat(-1_001)?;
    let seen = seen.message(sent.0).ok_or("it is not there")?;
    assert_eq!(
        (seen.thread, seen.reply_to, seen.silent),
        (Some(3), Some(asked), true)
    );
    assert_eq!(
        (seen.entities.len(), seen.button("Deny")),
        (1, Some("a|q-1|d"))
    );
    // Nobody fetches an address before a person taps it.
    let call = &people.calls_of("sendMessage")?[0];
    assert_eq!(call.parameters["link_preview_options"]["is_disabled"], true);
    // A message that is gone is no reason not to answer.
    let gone = Outgoing {
        reply_to: Some(999),
        ..text(-1_001, "still")
    };
    api.send(&gone).await?;
    assert_eq!(people.violations()?, [] as [String; 0]);
    Ok(())
}

#[tokio::test]
async fn a_message_can_be_changed_and_deleted() -> Outcome {
    let (fake, api) = begin()?;
    let people = fake.remote();
    let asked = people.say(Say::private(7, "hello"))?;
    let sent = api.send(&text(7, "…")).await?;
    let whole = Outgoing {
        buttons: buttons(),
        ..text(7, "done")
    };
    api.edit(7, sent, &whole).await?;
    assert_eq!(api.edit(7, sent, &whole).await, Err(Fault::NotModified));
    api.edit_buttons(7, sent, &[]).await?;
    api.react(7, MessageId(asked), "👀").await?;
    api.typing(7, None).await?;
    api.draft(7, None, 5, "so far").await?;
    let seen = people.chat(7)?;
    let message = seen.message(sent.0).ok_or("it is not there")?;
    assert_eq!((message.text.as_str(), message.buttons.len()), ("done", 0));
    assert_eq!(
        seen.message(asked).map(|asked| asked.reactions.clone()),
        Some(vec!["👀".to_owned()])
    );
    assert_eq!(
        (seen.action.as_deref(), seen.drafts),
        (Some("typing"), vec!["so far".to_owned()])
    );
    api.delete(7, sent).await?;
    for gone in [
        api.edit(7, sent, &text(7, "more")).await,
        api.delete(7, sent).await,
    ] {
        assert!(matches!(gone, Err(Fault::MessageGone(_))), "{gone:?}");
    }
    assert_eq!(people.violations()?, [] as [String; 0]);
    Ok(())
}

#[tokio::test]
async fn a_file_arrives_whole_under_its_name() -> Outcome {
    let (fake, api) = begin()?;
    fake.remote().say(Say::private(7, "hello"))?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("d-1");
    let content: Vec<u8> = (0..200_000_u32).map(|byte| byte.to_le_bytes()[1]).collect();
    std::fs::write(&path, &content)?;
    let document = Document {
        chat: 7,
        thread: None,
        path: &path,
        name: "a \"b\" grüße\r\nx.txt",
        caption: "the notes",
        silent: true,
    };
    let sent = api.send_document(&document).await?;
    let chat = fake.remote().chat(7)?;
    let message = chat.message(sent.0).ok_or("it is not there")?;
    let file = message.file.as_ref().ok_or("there is no file")?;
    assert!(file.bytes == content);
    assert!(
        file.name.contains("grüße") && file.name.ends_with("x.txt"),
        "{}",
        file.name
    );
    assert_eq!((message.text.as_str(), message.silent), ("the notes", true));
    assert_eq!(fake.remote().violations()?, [] as [String; 0]);
    let missing = folder.path().join("missing");
    let nothing = Document {
        path: &missing,
        ..document
    };
    assert!(matches!(
        api.send_document(&nothing).await,
        Err(Fault::Refused(_))
    ));
    Ok(())
}

#[tokio::test]
async fn what_the_server_says_decides_what_comes_next() -> Outcome {
    let (fake, api) = begin()?;
    let people = fake.remote();
    people.say(Say::private(7, "hello"))?;
    let long = "x".repeat(4_097);
    assert!(matches!(
        api.send(&text(7, &long)).await,
        Err(Fault::TooLong(_))
    ));
    let wrong = Outgoing {
        entities: vec![MessageEntity::bold(9, 3)],
        ..text(7, "short")
    };
    assert!(matches!(api.send(&wrong).await, Err(Fault::Unparsed(_))));
    assert!(matches!(
        api.send(&text(8, "who?")).await,
        Err(Fault::Blocked(_))
    ));
    people.fault(Plan::once(Planned::Busy { retry_after: 3 }))?;
    assert_eq!(
        api.send(&text(7, "x")).await,
        Err(Fault::Wait { ms: 3_000 })
    );
    people.block(7)?;
    assert!(matches!(
        api.send(&text(7, "x")).await,
        Err(Fault::Blocked(_))
    ));
    people.group(Group::basic(-55, "The engine", [7]))?;
    people.migrate(-55, -1_001)?;
    assert_eq!(api.send(&text(-55, "x")).await, Err(Fault::Moved(-1_001)));
    people.revoke_token()?;
    assert_eq!(api.send(&text(7, "x")).await, Err(Fault::Unauthorized));
    Ok(())
}

#[tokio::test]
async fn no_more_is_written_than_was_allowed() -> Outcome {
    let (fake, api) = begin()?;
    let said = fake
        .remote()
        .say(Say::private(7, "see").photo(vec![7; 5_000]))?;
    let chat = fake.remote().chat(7)?;
    let file = chat.message(said).and_then(|message| message.file.as_ref());
    let path = api.file(&file.ok_or("there is no file")?.id).await?;
    let folder = tempfile::tempdir()?;
    let into = folder.path().join("photo.jpg");
    let refused = api.download(&path, &into, 4_999).await;
    assert!(matches!(refused, Err(DownloadError::TooLarge(4_999))));
    assert!(!into.exists());
    api.download(&path, &into, 5_000).await?;
    assert_eq!(std::fs::read(&into)?.len(), 5_000);
    // What Telegram says of a file's place leads nowhere else.
    let into = folder.path().join("me");
    let elsewhere = api.download("../../getMe", &into, 5_000).await;
    assert!(matches!(elsewhere, Err(DownloadError::Fault(_))));
    Ok(())
}
