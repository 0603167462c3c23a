//! Which sessions a person sees and may go on with, where.
//! Invariant: verdicts come from bindings and from what was answered.
//! It must not know a session's contents.

use super::*;

async fn bound(process: &Process, at: &Address) -> Option<SessionId> {
    process.store.binding(at).await.expect("the store reads")
}

#[tokio::test]
async fn a_member_neither_sees_nor_resumes_what_others_said() {
    let scene = Scene::new();
    let process = scene.process().await;
    let (owner, member) = (private(OWNER), private(MEMBER));
    let secret = process.say(OWNER, &owner, "the secret").await.session;
    let own = process.say(MEMBER, &member, "my own").await.session;
    let listed = process.answer(MEMBER, &member, "/sessions").await;
    assert!(
        listed.contains("`my own`") && listed.contains("**here**"),
        "{listed}"
    );
    assert!(
        !listed.contains("secret") && !listed.contains(secret.as_str()),
        "{listed}"
    );
    for named in [secret.as_str(), &secret.as_str()[..5], "nothing", "../x"] {
        let answer = process
            .answer(MEMBER, &member, &format!("/resume {named}"))
            .await;
        let expect = format!("There is no session `{named}`; /sessions lists them.");
        assert_eq!(answer, expect);
        assert_eq!(bound(&process, &member).await, Some(own.clone()));
    }
    let listed = process.answer(OWNER, &owner, "/sessions").await;
    assert!(
        listed.contains("`my own`") && listed.contains("`the secret`"),
        "{listed}"
    );
    let named = format!("/resume {}", &own.as_str()[..6]);
    let answer = process.answer(OWNER, &owner, &named).await;
    assert!(
        answer.starts_with(&format!("This conversation goes on in session `{own}`")),
        "{answer}"
    );
    assert_eq!(bound(&process, &owner).await, Some(own));
}

#[tokio::test]
async fn a_group_gets_no_session_that_others_spoke_in_elsewhere() {
    let scene = Scene::new();
    let process = scene.process().await;
    let (owner, member, at) = (private(OWNER), private(MEMBER), group());
    let own = process.say(OWNER, &owner, "my own").await.session;
    let others = process.say(MEMBER, &member, "the secret").await.session;
    let here = process.say(MEMBER, &at, "hello all").await.session;
    let listed = process.answer(OWNER, &at, "/sessions").await;
    assert_eq!(
        listed,
        format!("Sessions are listed in a private chat alone. The one here: `{here}`.")
    );
    let refused = process
        .answer(OWNER, &at, &format!("/resume {others}"))
        .await;
    assert_eq!(
        refused,
        "Others have spoken in that session elsewhere, so it cannot go on in a group."
    );
    assert_eq!(bound(&process, &at).await, Some(here.clone()));
    process.answer(OWNER, &at, &format!("/resume {own}")).await;
    assert_eq!(bound(&process, &at).await, Some(own));
    // What others said in this very group is no secret here.
    process.answer(OWNER, &at, &format!("/resume {here}")).await;
    assert_eq!(bound(&process, &at).await, Some(here));
}

#[tokio::test]
async fn the_name_of_a_session_is_inert() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = private(MEMBER);
    let title = "[click](http://evil) `x` **b** @all /stop\u{202e}";
    process.say(MEMBER, &at, title).await;
    let listed = process.answer(MEMBER, &at, "/sessions").await;
    let line = listed.lines().next().expect("a line");
    let spans: Vec<&str> = line.split('`').collect();
    // The id and the title, each in marks of its own.
    assert_eq!(spans.len(), 5, "{line}");
    assert_eq!(
        spans[3],
        "[click](http://evil) 'x' **b** @all /stop\u{fffd}"
    );
}

#[tokio::test]
async fn a_new_session_leaves_the_old_one_to_be_resumed() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = private(MEMBER);
    let old = process.say(MEMBER, &at, "hello").await.session;
    let said = Process::said(MEMBER, &at, "/new");
    let (_, answer) = process.take(&said).await;
    assert_eq!(
        answer,
        format!("A new session. The last one is kept: /resume `{old}` goes back to it.")
    );
    let new = bound(&process, &at).await.expect("a session");
    assert_ne!(new, old);
    // The same message again begins no third one.
    assert_eq!(process.take(&said).await.0, Act::Done);
    assert_eq!(bound(&process, &at).await, Some(new));
    assert_eq!(process.posted(&at).await.len(), 1);
    process.answer(MEMBER, &at, &format!("/resume {old}")).await;
    assert_eq!(bound(&process, &at).await, Some(old));
}
