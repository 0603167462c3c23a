//! What is chosen for sessions and people, and commands in general.
//! Invariant: verdicts come from the store.
//! It must not know who reads what was chosen.

use corvid_store::Choices;

use super::*;

async fn choices(process: &Process, at: &Address) -> Choices {
    let session = process.session(at).await;
    let chosen = process.store.choices(&session).await;
    chosen.expect("the store reads")
}

#[tokio::test]
async fn an_owner_chooses_the_folder_and_anybody_the_model() {
    let scene = Scene::new();
    let process = scene.process().await;
    let (owner, member) = (private(OWNER), private(MEMBER));
    for (person, at, text, expect) in [
        (MEMBER, &member, "/cd /srv", "Only an owner may use /cd."),
        (OWNER, &owner, "/cd /nowhere", "that is no folder"),
        (
            OWNER,
            &owner,
            "/cd /srv",
            "From the next message on I work in `/srv`.",
        ),
        (
            OWNER,
            &owner,
            "/cd",
            "I work in `/srv`. `/cd FOLDER` changes it.",
        ),
        (OWNER, &owner, "/model other", "there is no such model"),
        (
            OWNER,
            &owner,
            "/model test/script",
            "From the next turn on this session uses `test/script`.",
        ),
        (
            MEMBER,
            &member,
            "/model",
            "This session uses `test/script`. `/model NAME` changes it here.",
        ),
    ] {
        assert_eq!(process.answer(person, at, text).await, expect, "{text}");
    }
    let chosen = Choices {
        model: Some("test/script".to_owned()),
        working_dir: Some("/srv".to_owned()),
    };
    assert_eq!(choices(&process, &owner).await, chosen);
    assert_eq!(choices(&process, &member).await, Choices::default());
    process.answer(OWNER, &owner, "/model default").await;
    let usual = Choices {
        model: None,
        ..chosen
    };
    assert_eq!(choices(&process, &owner).await, usual);
}

#[tokio::test]
async fn a_time_zone_is_one_that_there_is() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = private(MEMBER);
    let zone = async || {
        process
            .gateway
            .zone(CHANNEL, MEMBER)
            .await
            .expect("the store reads")
    };
    let refused = process.answer(MEMBER, &at, "/timezone Middle/Earth").await;
    assert!(
        refused.starts_with("There is no time zone `Middle/Earth`"),
        "{refused}"
    );
    assert_eq!(zone().await, None);
    let set = process.answer(MEMBER, &at, "/timezone europe/berlin").await;
    assert!(
        set.starts_with("Your time zone is `Europe/Berlin`: it is "),
        "{set}"
    );
    assert_eq!(zone().await.as_deref(), Some("Europe/Berlin"));
    process.answer(MEMBER, &at, "/timezone default").await;
    assert_eq!(zone().await, None);
}

#[tokio::test]
async fn what_is_said_by_a_command_is_admitted_as_it_says() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = private(MEMBER);
    for (text, mode) in [("/queue go on", Mode::Queue), ("/steer go on", Mode::Steer)] {
        let admit = Act::Admit {
            text: "go on".to_owned(),
            mode,
        };
        assert_eq!(
            process.command(MEMBER, &at, text).await,
            (admit, String::new())
        );
    }
    let usage = process.answer(MEMBER, &at, "/queue").await;
    assert!(usage.starts_with("Use it as `/queue TEXT`"), "{usage}");
}

#[tokio::test]
async fn a_slip_is_answered_with_what_was_meant() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = private(MEMBER);
    let answer = process.answer(MEMBER, &at, "/stpo").await;
    assert_eq!(
        answer,
        "There is no command `/stpo`. Did you mean /stop? /help lists them all. If it was a message, put a word before \
         the slash."
    );
}

#[tokio::test]
async fn what_must_not_be_done_twice_is_not_done_after_a_crash() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = private(OWNER);
    process.say(OWNER, &at, "hello").await;
    let now = SystemClock.now();
    let undo = Process::said(OWNER, &at, "/undo");
    let begun = process
        .store
        .begin_command(CHANNEL, BOT, &undo.external_id, now);
    begun.await.expect("the store writes");
    let (_, answer) = process.take(&undo).await;
    assert!(
        answer.contains("not known whether it took effect"),
        "{answer}"
    );
    assert_eq!(process.machine.undone.load(Ordering::Relaxed), 0);
    // What does no harm is done again instead, and answered.
    let status = Process::said(OWNER, &at, "/status");
    let begun = process
        .store
        .begin_command(CHANNEL, BOT, &status.external_id, now);
    begun.await.expect("the store writes");
    let (_, answer) = process.take(&status).await;
    assert!(answer.starts_with("Nothing runs."), "{answer}");
    assert_eq!(process.answer(OWNER, &at, "/undo").await, "Undone.");
    assert_eq!(process.machine.undone.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_member_takes_back_nothing_of_others() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = private(MEMBER);
    let session = process.say(MEMBER, &at, "hello").await.session;
    assert_eq!(process.answer(MEMBER, &at, "/undo").await, "Undone.");
    let owner = private(OWNER);
    process
        .answer(OWNER, &owner, &format!("/resume {session}"))
        .await;
    process.say(OWNER, &owner, "me too").await;
    let refused = process.answer(MEMBER, &at, "/undo").await;
    assert_eq!(
        refused,
        "Others speak in this session too; only an owner may use /undo here."
    );
    assert_eq!(process.machine.undone.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn who_comes_first_is_told_what_to_do() {
    let scene = Scene::new();
    let process = scene.process().await;
    let greeted = process.answer(MEMBER, &private(MEMBER), "/start").await;
    assert!(!greeted.contains("/pair"), "{greeted}");
    let greeted = process.answer(OWNER, &private(OWNER), "/start").await;
    insta::assert_snapshot!(greeted);
    let help = process
        .answer(MEMBER, &private(MEMBER), "/help@corvid_bot")
        .await;
    assert!(help.contains("- /timezone `[ZONE | default]`: "), "{help}");
}
