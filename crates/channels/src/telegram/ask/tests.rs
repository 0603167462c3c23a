//! Questions as people see them, and what becomes of them.

use corvid_core::wire::{
    Approval, CallId, Card, CardForm, Inquiry, OutcomeAnswer, Person, Question, QuestionId,
    SessionId, Subject,
};
use corvid_core::{
    Channel as _, Clock as _, Heard, HeardOutcome, Messenger as _, Note, OutcomeQuestion,
    Questions as _,
};
use corvid_testkit::telegram::{Fault as Trouble, Plan, Say};

use crate::telegram::scene::{FORUM, Outcome, PERSON, START, Scene, TOPIC, at};

fn approval(body: &str) -> Question {
    Question {
        question: QuestionId::new("q-1"),
        call: CallId {
            turn: 1,
            step: 1,
            index: 0,
        },
        subject: Subject::Approval(Approval {
            tool: "system.run".to_owned(),
            rule: "default".to_owned(),
            reason: String::new(),
            card: Card {
                title: "run a command".to_owned(),
                facts: Vec::new(),
                body: body.to_owned(),
                form: CardForm::Command,
            },
            binding: "b".to_owned(),
            repeatable: false,
        }),
        shown_in: vec![at(&PERSON.to_string())],
        to: vec![Person {
            channel: "telegram".to_owned(),
            id: PERSON.to_string(),
        }],
        expires_at: START + 600_000,
    }
}

fn settled(question: &Question) -> Note {
    Note::Settled {
        question: Box::new(question.clone()),
        how: "allowed once by 4711".to_owned(),
    }
}

fn buttons(scene: &Scene) -> Result<usize, Box<dyn std::error::Error>> {
    let chat = scene.chat()?;
    let rows = chat.by_bot().flat_map(|message| &message.buttons);
    Ok(rows.flatten().count())
}

#[tokio::test]
async fn a_question_is_one_message_with_a_sound_and_settled_over_a_restart() -> Outcome {
    let scene = Scene::begin()?;
    let asked = approval("cargo publish");
    for _ in 0..2 {
        let heard = scene.hurried(scene.bot()?.ask(&asked)).await;
        assert_eq!(heard, Heard::Shown);
        let chat = scene.chat()?;
        assert_eq!(chat.by_bot().count(), 1);
        assert_eq!(chat.sounds(), 1);
        assert_eq!(buttons(&scene)?, 2);
    }
    for _ in 0..2 {
        scene.hurried(scene.bot()?.note(&settled(&asked))).await;
        assert_eq!(buttons(&scene)?, 0);
        let texts = scene.texts()?;
        assert!(texts[0].contains("cargo publish"), "{texts:?}");
        assert!(texts[0].ends_with("→ allowed once by 4711"), "{texts:?}");
    }
    scene.well_behaved()
}

#[tokio::test]
async fn a_question_of_several_messages_has_its_buttons_on_the_last() -> Outcome {
    let scene = Scene::begin()?;
    let asked = approval(&"echo something long\n".repeat(500));
    let heard = scene.hurried(scene.bot()?.ask(&asked)).await;
    assert_eq!(heard, Heard::Shown);
    let chat = scene.chat()?;
    let keys: Vec<bool> = chat.by_bot().map(|m| !m.buttons.is_empty()).collect();
    let (last, rest) = keys.split_last().ok_or("messages")?;
    assert!(*last && !rest.is_empty() && rest.iter().all(|has| !has));
    assert_eq!(chat.sounds(), 1);
    scene.hurried(scene.bot()?.note(&settled(&asked))).await;
    assert_eq!(buttons(&scene)?, 0);
    scene.well_behaved()
}

#[tokio::test]
async fn what_is_too_long_is_not_shown_at_all() -> Outcome {
    let scene = Scene::begin()?;
    let asked = approval(&"echo something long\n".repeat(2_000));
    let heard = scene.hurried(scene.bot()?.ask(&asked)).await;
    assert!(matches!(heard, Heard::TooLong(_)), "{heard:?}");
    assert!(scene.texts()?.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_question_is_shown_in_every_conversation_of_its_bot() -> Outcome {
    let scene = Scene::begin()?;
    let mut asked = approval("ls");
    asked.shown_in.push(at(&format!("{FORUM}/{TOPIC}")));
    let mut foreign = at(&PERSON.to_string());
    foreign.account = "1".to_owned();
    asked.shown_in.push(foreign);
    let heard = scene.hurried(scene.bot()?.ask(&asked)).await;
    assert_eq!(heard, Heard::Shown);
    let both = || -> Result<[usize; 2], Box<dyn std::error::Error>> {
        let group = scene.server().chat(FORUM)?;
        let rows = group.by_bot().flat_map(|message| &message.buttons);
        Ok([buttons(&scene)?, rows.flatten().count()])
    };
    assert_eq!(both()?, [2, 2]);
    assert_eq!(scene.texts()?.len(), 1);
    scene.hurried(scene.bot()?.note(&settled(&asked))).await;
    assert_eq!(both()?, [0, 0]);
    scene.well_behaved()
}

#[tokio::test]
async fn a_question_waits_out_an_outage_and_skips_who_blocked_the_bot() -> Outcome {
    let scene = Scene::begin()?;
    let until = START + 60_000;
    scene.server().fault(Plan::outage_until(until))?;
    let heard = scene.hurried(scene.bot()?.ask(&approval("ls"))).await;
    assert_eq!(heard, Heard::Shown);
    assert_eq!(scene.texts()?.len(), 1);

    scene.server().block(PERSON)?;
    let mut other = approval("ls");
    other.question = QuestionId::new("q-2");
    let heard = scene.hurried(scene.bot()?.ask(&other)).await;
    assert_eq!(heard, Heard::Nobody);
    Ok(())
}

#[tokio::test]
async fn a_question_that_is_settled_in_an_outage_loses_its_buttons_after_it() -> Outcome {
    let scene = Scene::begin()?;
    let bot = scene.bot()?;
    let asked = approval("ls");
    scene.hurried(bot.ask(&asked)).await;
    let until = scene.clock.now() + 600_000;
    scene.server().fault(Plan::outage_until(until))?;
    scene.hurried(bot.note(&settled(&asked))).await;
    assert_eq!(buttons(&scene)?, 2);
    let is_settled = scene
        .server()
        .until(|server| Ok(server.chat(PERSON)?.by_bot().all(|m| m.buttons.is_empty())));
    scene.hurried(is_settled).await?;
    assert!(scene.clock.now() >= until);
    scene.well_behaved()
}

#[tokio::test]
async fn a_question_whose_asker_goes_away_while_it_is_shown_is_taken_back_all_the_same() -> Outcome
{
    let scene = Scene::begin()?;
    let bot = scene.bot()?;
    let asked = approval("ls");
    scene
        .server()
        .fault(Plan::once(Trouble::Delay { ms: 50 }).on("sendMessage"))?;
    let is_asked = scene
        .server()
        .until(|server| Ok(!server.calls_of("sendMessage")?.is_empty()));
    tokio::select! {
        heard = scene.hurried(bot.ask(&asked)) => panic!("{heard:?}"),
        reached = is_asked => reached?,
    }
    scene.hurried(bot.note(&settled(&asked))).await;
    assert_eq!(buttons(&scene)?, 0);
    let texts = scene.texts()?;
    assert_eq!(texts.len(), 1);
    assert!(texts[0].ends_with("→ allowed once by 4711"), "{texts:?}");
    scene.well_behaved()
}

#[tokio::test]
async fn a_models_question_offers_what_may_be_chosen() -> Outcome {
    let scene = Scene::begin()?;
    let asked = Question {
        subject: Subject::Inquiry(Inquiry {
            text: "Which *one*?".to_owned(),
            choices: vec!["left".to_owned(), "right".to_owned()],
        }),
        ..approval("")
    };
    scene.hurried(scene.bot()?.ask(&asked)).await;
    let chat = scene.chat()?;
    let message = chat.by_bot().next().ok_or("a message")?;
    let keys: Vec<&str> = message
        .buttons
        .iter()
        .flatten()
        .map(|key| key.text.as_str())
        .collect();
    assert_eq!(keys, ["left", "right"]);
    scene.well_behaved()
}

#[tokio::test]
async fn an_unknown_outcome_is_asked_about_and_settled() -> Outcome {
    let scene = Scene::begin()?;
    let asked = OutcomeQuestion {
        session: SessionId::new("s-1"),
        shown_in: vec![at(&PERSON.to_string())],
        call: CallId {
            turn: 2,
            step: 1,
            index: 0,
        },
        tool: "system.run".to_owned(),
        arguments: "{\"command\":\"make deploy\"}".to_owned(),
        reason: "the machine went down".to_owned(),
    };
    let note = Note::OutcomeSettled {
        key: asked.key(),
        answer: OutcomeAnswer::Worked,
    };
    let bot = scene.bot()?;
    let heard = scene.hurried(bot.ask_outcome(&asked)).await;
    assert_eq!(heard, HeardOutcome::Shown);
    assert_eq!(buttons(&scene)?, 3);
    // A bot that was started since knows the message, though not what it says.
    scene.hurried(scene.bot()?.note(&note)).await;
    assert_eq!(buttons(&scene)?, 0);
    scene.hurried(bot.note(&note)).await;
    let texts = scene.texts()?;
    assert!(texts[0].ends_with("→ it counts as done"), "{texts:?}");
    assert_eq!(scene.chat()?.sounds(), 1);
    scene.well_behaved()
}

#[tokio::test]
async fn a_message_that_joined_the_turn_is_marked() -> Outcome {
    let scene = Scene::begin()?;
    let message = scene.server().say(Say::private(PERSON, "and this"))?;
    let bot = scene.bot()?;
    let note = Note::TakenUp {
        to: at(&PERSON.to_string()),
        external_id: format!("{PERSON}:{message}:1700000000"),
    };
    bot.note(&note).await;
    let chat = scene.chat()?;
    let marked = chat.messages.iter().find(|seen| seen.id == message);
    assert_eq!(marked.ok_or("the message")?.reactions, ["👀"]);
    let foreign = Note::TakenUp {
        to: corvid_core::wire::Address {
            account: "1".to_owned(),
            ..at(&PERSON.to_string())
        },
        external_id: format!("{PERSON}:{message}"),
    };
    let calls = scene.server().ledger()?.len();
    bot.note(&foreign).await;
    assert_eq!(scene.server().ledger()?.len(), calls);
    assert!(bot.hosts(&at("1")));
    scene.well_behaved()
}
