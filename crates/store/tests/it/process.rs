//! Real processes on one file. Each is this test binary again, told by its environment what to do.
//! Invariant: a child speaks through its output and the store alone, and is killed with SIGKILL.
//! It must not know what the parent expects.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use corvid_core::wire::{EventBody, OwnerId, SessionId};
use corvid_core::{ClaimSeen, Journal as _, Mark, Marks as _, Tasks};
use corvid_store::{CommandState, Config, Store};

use crate::people::post;
use crate::scene::{Lane, Scene, admission, open, open_session, take};

const ROLE: &str = "CORVID_STORE_TEST_ROLE";
const FILE: &str = "CORVID_STORE_TEST_FILE";

/// Starts this binary again in the child's test.
fn start(role: &str, path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "process::child", "--nocapture"])
        .env(ROLE, role)
        .env(FILE, path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The rest of a line that the child prints after this word.
fn hear(child: &mut BufReader<&mut std::process::ChildStdout>, word: &str) -> String {
    let mut line = String::new();
    while child.read_line(&mut line).unwrap() > 0 {
        if let Some((_, rest)) = line.split_once(word) {
            return rest.trim().to_owned();
        }
        line.clear();
    }
    panic!("the child ended without saying `{word}`");
}

#[expect(
    clippy::disallowed_methods,
    reason = "a child is told through its environment what it is"
)]
fn told(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn say(text: &str) {
    let mut out = std::io::stdout();
    assert!(writeln!(out, "{text}").is_ok() && out.flush().is_ok());
}

/// What a child does; nothing where nobody started it as one.
#[tokio::test]
async fn child() {
    let (Some(role), Some(file)) = (told(ROLE), told(FILE)) else {
        return;
    };
    let config = Config {
        path: PathBuf::from(&file),
    };
    if role == "first" {
        // All of them wait for the word, so that they open at once.
        say("ready:");
        let mut go = [0];
        assert!(std::io::stdin().read_exact(&mut go).is_ok());
    }
    let store = Store::open(&config, &Tasks::default()).await.unwrap();
    let session = SessionId::new(format!("s-{}", std::process::id()));
    match role.as_str() {
        "first" => {
            open_session(&store, &session).await.unwrap();
        }
        "holder" => {
            let lane = Lane::begin(&store, "held").await;
            say(&format!("holds: {}", lane.store.owner()));
            let mut end = Vec::new();
            assert!(std::io::stdin().read_to_end(&mut end).is_ok());
        }
        "talker" => talk_without_end(&store).await,
        _ => write_without_end(&store, &session).await,
    }
}

/// Begins and answers commands, and says the number of each once it is told that its answer is kept.
async fn talk_without_end(store: &Store) {
    for number in 0.. {
        let (id, me) = (number.to_string(), std::process::id());
        let key = format!("{me}:{id}");
        let begun = store.begin_command("telegram", "777", &key, 1).await;
        assert_eq!(begun, Ok(CommandState::Fresh));
        let answer = post(&key, "1", &id);
        let ended = store.end_command("telegram", "777", &key, Some(&answer));
        ended.await.unwrap();
        let mark = Mark {
            part: 0,
            external_id: id,
        };
        store.mark(&key, &mark).await.unwrap();
        say(&format!("kept: {number}"));
    }
}

/// Appends until it is killed, and says each position once it is told that it is kept.
async fn write_without_end(store: &Store, session: &SessionId) {
    open_session(store, session).await.unwrap();
    say(&format!("session: {session}"));
    for number in 0.. {
        let key = format!("{session}-{number}");
        let input = EventBody::InputAdmitted(admission(&key, &"text ".repeat(number % 2000)));
        let appended = store.append(open(session, vec![input])).await.unwrap();
        say(&format!("kept: {}", appended.head));
    }
}

#[tokio::test]
async fn eight_processes_open_a_fresh_store_at_once() {
    let scene = Scene::new();
    let mut children: Vec<Child> = (0..8).map(|_| start("first", &scene.path())).collect();
    for child in &mut children {
        hear(
            &mut BufReader::new(child.stdout.as_mut().unwrap()),
            "ready:",
        );
    }
    for child in &mut children {
        child.stdin.as_mut().unwrap().write_all(b"!").unwrap();
    }
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let store = scene.open().await;
    assert_eq!(store.sessions(100).await.unwrap().len(), 8);
    assert_eq!(store.check().await.unwrap().problems, Vec::<String>::new());
}

#[tokio::test]
async fn a_killed_process_loses_its_claim_at_once_and_a_living_one_never() {
    let scene = Scene::new();
    let store = scene.open().await;
    let mut child = start("holder", &scene.path());
    let owner = hear(
        &mut BufReader::new(child.stdout.as_mut().unwrap()),
        "holds:",
    );
    let owner = OwnerId::new(owner);
    let seen = Some(ClaimSeen {
        owner: owner.clone(),
        epoch: 1,
    });
    let attempt = take(&store, &SessionId::new("held"), seen, 2);
    assert!(store.is_alive(&owner));
    assert!(store.append(attempt.clone()).await.is_err());

    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!store.is_alive(&owner));
    let taken = store.append(attempt).await;
    assert_eq!(taken.map(|taken| taken.head).ok(), Some(3));
    let left = scene.path().with_file_name(format!("owners/{owner}.lock"));
    assert!(left.exists());
    Lane::begin(&scene.open().await, "next").await;
    assert!(!left.exists(), "who comes next clears the dead away");
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let scene = Scene::new();
    let mut heads = Vec::new();
    for round in 0..6 {
        let mut children = [(); 2].map(|()| start("writer", &scene.path()));
        for child in &mut children {
            let out = &mut BufReader::new(child.stdout.as_mut().unwrap());
            let session = SessionId::new(hear(out, "session:"));
            let mut kept = 0;
            for _ in 0..5 + 7 * round {
                kept = hear(out, "kept:").parse::<u64>().unwrap();
            }
            heads.push((session, kept));
        }
        for child in &mut children {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
    let store = scene.open().await;
    assert_eq!(store.check().await.unwrap().problems, Vec::<String>::new());
    for (session, kept) in heads {
        let events = store.read(&session, 0, u32::MAX).await.unwrap();
        let seqs: Vec<u64> = events.iter().map(|event| event.seq).collect();
        assert!(seqs.len() as u64 >= kept, "{session} lost what it had kept");
        assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
        let row = store.session(&session).await.unwrap().unwrap();
        assert_eq!(row.head, seqs.len() as u64);
        assert_eq!(row.open_inputs, row.head - 1);
    }
}

#[tokio::test]
async fn a_killed_process_leaves_no_command_done_without_its_answer() {
    let scene = Scene::new();
    let mut last = Vec::new();
    for round in 0..6 {
        let mut child = start("talker", &scene.path());
        let out = &mut BufReader::new(child.stdout.as_mut().unwrap());
        let mut kept = 0;
        for _ in 0..3 + 7 * round {
            kept = hear(out, "kept:").parse::<u64>().unwrap();
        }
        let id = child.id();
        child.kill().unwrap();
        child.wait().unwrap();
        last.push((id, kept));
    }
    let store = scene.open().await;
    let open = store.open_outbox("telegram", "777").await.unwrap();
    let answered: Vec<_> = open.into_iter().map(|row| row.delivery.text).collect();
    let mut expect = Vec::new();
    for (id, kept) in last {
        for number in 0.. {
            let key = format!("{id}:{number}");
            let state = store.begin_command("telegram", "777", &key, 1).await;
            let marks = store.marks(&key).await.unwrap().len();
            if number <= kept {
                assert_eq!((state.clone(), marks), (Ok(CommandState::Done), 1));
            }
            match state.unwrap() {
                CommandState::Done => expect.push(number.to_string()),
                CommandState::Begun | CommandState::Fresh => break,
            }
        }
    }
    assert_eq!(answered, expect);
}
