//! People and places that nobody has allowed.
//! Invariant: verdicts come from the outbox and the store.
//! It must not know how a code is kept.

use corvid_core::wire::Requester;

use super::*;
use crate::LetIn;

/// Hands a message to the gate as the daemon does: whoever it does not know is a stranger.
async fn arrives(process: &Process, said: &Said) -> Option<Requester> {
    let known = process.gateway.known(&said.origin, &said.person).await;
    let known = known.expect("the store answers");
    if known.is_none() {
        let met = process.gateway.meet(said).await;
        met.expect("the store writes");
    }
    known
}

fn code_in(line: &str) -> &str {
    line.split('`').nth(1).expect("a code in the line")
}

#[tokio::test]
async fn a_stranger_hears_one_line_in_private_and_nothing_in_a_group() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = private(STRANGER);
    let first = Process::said(STRANGER, &at, "hello");
    assert_eq!(arrives(&process, &first).await, None);
    // The same message again, and another one.
    arrives(&process, &first).await;
    arrives(&process, &Process::said(STRANGER, &at, "/status")).await;
    let lines = process.posted(&at).await;
    let [line] = lines.as_slice() else {
        panic!("not one line: {lines:?}");
    };
    let pairing = code_in(line);
    assert!(pairing.len() >= 8, "{line}");
    assert_eq!(
        *line,
        format!(
            "Hello! I only talk to people I was told about. If that should be you, give this code to whoever runs me: \
             `{pairing}`. They enter `agent pair approve {pairing}` within an hour."
        )
    );
    arrives(&process, &Process::said("8", &group(), "hello")).await;
    assert_eq!(process.posted(&group()).await, [""; 0]);
    let waiting = process.store.pairings(SystemClock.now()).await;
    assert_eq!(waiting.expect("the store reads").len(), 1);
}

#[tokio::test]
async fn a_name_like_an_owners_gives_no_access() {
    let scene = Scene::new();
    let process = scene.process().await;
    let at = private(STRANGER);
    for name in ["person 1", OWNER, "owner"] {
        let mut said = Process::said(STRANGER, &at, "/pair X owner");
        said.name = name.to_owned();
        assert_eq!(arrives(&process, &said).await, None, "{name}");
    }
    let people = process.store.people().await;
    assert_eq!(people.expect("the store reads"), []);
}

#[tokio::test]
async fn an_owner_lets_somebody_in_by_code_and_they_are_greeted() {
    let scene = Scene::new();
    let process = scene.process().await;
    let (owner, at) = (private(OWNER), private(STRANGER));
    let none = process.answer(OWNER, &owner, "/pair ABCD-2345").await;
    assert_eq!(none, "Nobody waits to be let in.");
    let mut said = Process::said(STRANGER, &at, "hello");
    said.name = "ada` **[x](http://y)**\n@all".to_owned();
    arrives(&process, &said).await;
    let line = process.posted(&at).await.remove(0);
    let listed = process.answer(OWNER, &owner, "/pair").await;
    let inert = "`ada' **[x](http://y)** @all`";
    assert!(
        listed.starts_with(&format!("- {inert} (`9`, telegram), ")),
        "{listed}"
    );
    let wrong = process.answer(OWNER, &owner, "/pair ABCD-2345").await;
    assert_eq!(wrong, "That is nobody's code; 4 more tries are left.");
    let odd = process.answer(OWNER, &owner, "/pair ABCD-2345 king").await;
    assert_eq!(odd, "There is no role `king`; it is `owner` or `member`.");
    let code = code_in(&line).to_lowercase();
    let member = process
        .answer(MEMBER, &private(MEMBER), &format!("/pair {code}"))
        .await;
    assert_eq!(member, "Only an owner may use /pair.");
    let let_in = process
        .answer(OWNER, &owner, &format!("/pair {code}"))
        .await;
    assert_eq!(
        let_in,
        format!("{inert} (`9`) is let in as a member, and greeted.")
    );
    let greeting = process.posted(&at).await.pop().expect("a greeting");
    assert!(
        greeting.starts_with("Hello! Write what you want done"),
        "{greeting}"
    );
    let known = arrives(&process, &Process::said(STRANGER, &at, "thanks")).await;
    assert_eq!(known.map(|known| known.role), Some(Role::Member));
    let person = Speaker::of(&said, known_member()).person();
    process
        .store
        .revoke(&person)
        .await
        .expect("the store writes");
    assert_eq!(
        arrives(&process, &Process::said(STRANGER, &at, "and now?")).await,
        None
    );
}

fn known_member() -> Requester {
    Requester {
        id: STRANGER.to_owned(),
        role: Role::Member,
    }
}

#[tokio::test]
async fn the_first_owner_comes_from_the_terminal_and_no_second_by_default() {
    let scene = Scene::new();
    let process = scene.process().await;
    for (person, configured, expect) in [
        ("7", vec![allowed()], Role::Member),
        ("8", Vec::new(), Role::Owner),
        ("9", Vec::new(), Role::Member),
    ] {
        let at = private(person);
        arrives(&process, &Process::said(person, &at, "hello")).await;
        let line = process.posted(&at).await.remove(0);
        process.access.set_allowed(configured);
        let came = process.gateway.let_in_by_code(code_in(&line), None).await;
        let LetIn::In(row) = came.expect("the store writes") else {
            panic!("{person} is not let in");
        };
        assert_eq!((row.person.id.as_str(), row.role), (person, expect));
        let again = process.gateway.let_in_by_code(code_in(&line), None).await;
        assert_eq!(again.expect("the store writes"), LetIn::NonePending);
    }
}

#[tokio::test]
async fn a_group_that_is_not_listed_is_explained_to_an_owner_alone() {
    let scene = Scene::new();
    let process = scene.process().await;
    let elsewhere = private("-200/7");
    for (person, role, lines) in [(MEMBER, Role::Member, 0), (OWNER, Role::Owner, 1)] {
        let said = Process::said(person, &elsewhere, "hello");
        let usable = process.gateway.may_be_used_in(&said.origin, said.place);
        assert!(!usable.await.expect("the store reads"));
        let requester = Requester {
            id: person.to_owned(),
            role,
        };
        let declined = process.gateway.decline_group(&said, &requester).await;
        declined.expect("the store writes");
        assert_eq!(process.posted(&elsewhere).await.len(), lines, "{person}");
    }
    assert!(process.posted(&elsewhere).await[0].contains("add `-200` to `groups`"));
    let topic = private("-100/7");
    let said = Process::said(MEMBER, &topic, "hello");
    let usable = process.gateway.may_be_used_in(&said.origin, said.place);
    assert!(usable.await.expect("the store reads"));
}
