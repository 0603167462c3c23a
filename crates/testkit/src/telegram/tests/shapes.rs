//! The shapes of answers and updates, read by the types that bots in Rust use.
//! Invariant: whatever the fake answers is deserialised; what these types cannot read would look like a broken server.
//! It must not know how the fake builds a shape.

use teloxide_core::RequestError;
use teloxide_core::prelude::*;
use teloxide_core::types::{
    AllowedUpdate, BotCommand, CallbackQueryId, ChatAction, ChatId, InlineKeyboardButton,
    InlineKeyboardMarkup, InputFile, MessageEntity, MessageId, ParseMode, ReactionType,
    ReplyParameters, Seconds, ThreadId, UpdateKind,
};

use super::*;

fn bot(fake: &FakeTelegram) -> Result<Bot, Box<dyn Error>> {
    Ok(Bot::new(fake.token()).set_api_url(fake.url().parse()?))
}

fn keyboard() -> InlineKeyboardMarkup {
    InlineKeyboardMarkup::new([[InlineKeyboardButton::callback("Go", "go")]])
}

#[tokio::test]
async fn every_answer_is_read() -> Outcome {
    let fake = FakeTelegram::start()?;
    let bot = bot(&fake)?;
    fake.remote().say(Say::private(7, "hello"))?;
    let chat = ChatId(7);
    assert_eq!(bot.get_me().await?.username(), "corvid_bot");
    bot.delete_webhook().await?;
    assert!(bot.get_webhook_info().await?.url.is_none());
    bot.set_my_commands([BotCommand::new("stop", "Stop")])
        .await?;
    assert_eq!(bot.get_my_commands().await?.len(), 1);
    bot.send_chat_action(chat, ChatAction::Typing).await?;
    let sent = bot
        .send_message(chat, "so *bold*")
        .entities([MessageEntity::bold(3, 6)])
        .reply_parameters(ReplyParameters::new(MessageId(1)))
        .reply_markup(keyboard())
        .disable_notification(true)
        .await?;
    assert_eq!(
        sent.reply_to_message().and_then(|message| message.text()),
        Some("hello")
    );
    assert!(sent.reply_markup().is_some());
    let edited = bot.edit_message_text(chat, sent.id, "other").await?;
    assert!(edited.edit_date().is_some());
    bot.edit_message_reply_markup(chat, sent.id)
        .reply_markup(keyboard())
        .await?;
    let reaction = ReactionType::Emoji {
        emoji: "👀".to_owned(),
    };
    bot.set_message_reaction(chat, MessageId(1))
        .reaction([reaction])
        .await?;
    let file = InputFile::memory("text").file_name("a.txt");
    let document = bot.send_document(chat, file).caption("it").await?;
    let id = document.document().map(|document| document.file.id.clone());
    let file = bot.get_file(id.ok_or("no document")?).await?;
    assert_eq!(file.size, 4);
    let photo = bot.send_photo(chat, InputFile::memory("jpeg")).await?;
    assert_eq!(photo.photo().map(<[_]>::len), Some(2));
    let press = fake.remote().press(7, 7, sent.id.0, "Go")?;
    bot.answer_callback_query(CallbackQueryId(press))
        .text("went")
        .await?;
    assert!(bot.get_chat(chat).await?.is_private());
    bot.delete_message(chat, sent.id).await?;
    assert_eq!(fake.remote().violations()?, [] as [String; 0]);
    Ok(())
}

#[tokio::test]
async fn every_update_is_read() -> Outcome {
    let fake = FakeTelegram::start()?;
    let (bot, people) = (bot(&fake)?, fake.remote());
    people.group(Group::forum(-5, "Birds", [7], [4]))?;
    people.group(Group::basic(-6, "Crows", [7]))?;
    let first = people.say(Say::private(7, "/start @corvid_bot"))?;
    people.say(Say::private(7, "yes").reply_to(first).quote("start"))?;
    people.say(Say::private(7, "news").forwarded("Somebody"))?;
    people.say(Say::private(7, "one").photo(*b"jpeg").album("a1"))?;
    people.say(Say::private(7, "").document("a.txt", "text/plain", *b"x"))?;
    people.say(Say::private(7, "").voice(*b"ogg"))?;
    let place = json!({ "location": { "latitude": 48.1, "longitude": 11.5 } });
    people.say(Say::private(7, "").fields(place))?;
    people.say(Say::to(-5, 7, "topic").thread(4))?;
    people.edit(7, first, "/start again")?;
    bot.send_message(ChatId(-5), "?")
        .message_thread_id(ThreadId(MessageId(4)))
        .reply_markup(keyboard())
        .await?;
    people.press(-5, 7, 2, "Go")?;
    people.migrate(-6, -66)?;
    people.block(7)?;
    let updates = bot
        .get_updates()
        .allowed_updates([AllowedUpdate::Message, AllowedUpdate::CallbackQuery])
        .await?;
    for update in &updates {
        assert!(!matches!(update.kind, UpdateKind::Error(_)), "{update:?}");
    }
    assert_eq!(updates.len(), 13);
    let located = updates.iter().any(|update| {
        matches!(&update.kind, UpdateKind::Message(message) if message.location().is_some())
    });
    assert!(located);
    Ok(())
}

#[tokio::test]
async fn every_refusal_is_told_apart() -> Outcome {
    use teloxide_core::ApiError::{
        BotBlocked, CantParseEntities, ChatNotFound, InvalidToken, MessageIsTooLong,
        MessageNotModified, MessageToEditNotFound,
    };
    let fake = FakeTelegram::start()?;
    let (bot, people) = (bot(&fake)?, fake.remote());
    people.say(Say::private(7, "hello"))?;
    let chat = ChatId(7);
    let sent = bot.send_message(chat, "x").await?;
    let check = |error: Option<RequestError>, expect: RequestError| {
        assert_eq!(
            error.map(|error| format!("{error:?}")),
            Some(format!("{expect:?}"))
        );
    };
    let again = bot.edit_message_text(chat, sent.id, "x").await;
    check(again.err(), RequestError::Api(MessageNotModified));
    let missing = bot.edit_message_text(chat, MessageId(99), "x").await;
    check(missing.err(), RequestError::Api(MessageToEditNotFound));
    let long = bot.send_message(chat, "x".repeat(5_000)).await;
    check(long.err(), RequestError::Api(MessageIsTooLong));
    let unclosed = bot
        .send_message(chat, "<b>x")
        .parse_mode(ParseMode::Html)
        .await;
    let why = "Can't find end tag corresponding to start tag \"b\"";
    let unparsed = format!("Bad Request: can't parse entities: {why}");
    check(
        unclosed.err(),
        RequestError::Api(CantParseEntities(unparsed)),
    );
    let unknown = bot.send_message(ChatId(8), "x").await;
    check(unknown.err(), RequestError::Api(ChatNotFound));
    people.fault(Plan::once(Fault::Busy { retry_after: 4 }))?;
    let busy = bot.send_message(chat, "x").await;
    check(
        busy.err(),
        RequestError::RetryAfter(Seconds::from_seconds(4)),
    );
    people.block(7)?;
    let blocked = bot.send_message(chat, "x").await;
    check(blocked.err(), RequestError::Api(BotBlocked));
    people.revoke_token()?;
    check(bot.get_me().await.err(), RequestError::Api(InvalidToken));
    Ok(())
}
