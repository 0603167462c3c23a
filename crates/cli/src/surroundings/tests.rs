//! The machine as a gateway uses it, on real folders.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use corvid_tools::checkpoint::CheckpointConfig;
use tempfile::TempDir;

use super::*;

fn machine(folder: &TempDir) -> Machine {
    let state = folder.path().join("state");
    Machine {
        workspace: folder.path().join("home/corvid"),
        home: Home {
            config_file: folder.path().join("config.toml"),
            state: state.clone(),
            user: Some(folder.path().join("home")),
        },
        private: vec![state.clone()],
        outputs: Outputs::new(state.join("outputs")),
        checkpoints: Arc::new(Checkpoints::new(CheckpointConfig {
            root: state.join("checkpoints"),
            max_bytes: 1,
            keep: std::time::Duration::from_hours(1),
            private: Vec::new(),
        })),
        keep_days: 7,
        ear: None,
    }
}

#[tokio::test]
async fn a_session_gets_a_folder_that_nobody_else_reads() {
    let folder = tempfile::tempdir().expect("a folder");
    let machine = machine(&folder);
    let made = machine.session_folder(&SessionId::new("s-1")).await;
    let made = made.expect("a folder");
    assert!(made.ends_with("home/corvid/s-1"), "{made:?}");
    let about = made.metadata().expect("it is there");
    assert_eq!(about.permissions().mode() & 0o777, 0o700);
    for name in ["../state", "a/b", "..", ""] {
        let refused = machine.session_folder(&SessionId::new(name)).await;
        assert!(refused.is_err(), "{name}");
    }
}

#[tokio::test]
async fn private_folders_are_refused_by_every_way_to_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let machine = machine(&folder);
    let state = folder.path().join("state");
    std::fs::create_dir_all(state.join("deep")).expect("a folder");
    std::fs::create_dir_all(folder.path().join("home/corvid")).expect("a folder");
    let link = folder.path().join("home/corvid/s-9");
    symlink(&state, &link).expect("a link");
    for named in ["state", "state/deep", "home/corvid/s-9", "home/../state"] {
        let named = folder.path().join(named).display().to_string();
        let refused = machine.check_folder(&named).await;
        assert!(refused.is_err_and(|why| why.contains("private")), "{named}");
    }
    let refused = machine.session_folder(&SessionId::new("s-9")).await;
    assert!(refused.is_err_and(|why| why.contains("private")));
    assert_eq!(
        machine.check_folder("~").await,
        Ok(folder
            .path()
            .join("home")
            .canonicalize()
            .expect("it is there"))
    );
    assert!(machine.check_folder("relative").await.is_err());
    assert!(machine.check_folder("~/nowhere").await.is_err());
}

#[tokio::test]
async fn a_sent_file_stays_beneath_its_folder_whatever_is_planted() {
    let folder = tempfile::tempdir().expect("a folder");
    let machine = machine(&folder);
    let (work, outside) = (folder.path().join("work"), folder.path().join("outside"));
    for made in [&work, &outside] {
        std::fs::create_dir_all(made).expect("a folder");
    }
    let fetched = folder.path().join("fetched");
    let keep = async |key: &str| {
        std::fs::write(&fetched, "sent").expect("it is written");
        machine.keep_file(&work, key, "../a.txt", &fetched).await
    };
    let kept = keep("1").await.expect("it is kept");
    assert!(kept.starts_with("inbox/a-"), "{kept}");
    assert_eq!(keep("1").await.as_ref(), Ok(&kept), "the same again");
    assert_ne!(
        keep("2").await.as_ref(),
        Ok(&kept),
        "another file of that name"
    );
    let text = std::fs::read_to_string(work.join(&kept)).expect("it is there");
    assert_eq!(text, "sent");

    std::fs::remove_dir_all(work.join("inbox")).expect("it goes");
    symlink(&outside, work.join("inbox")).expect("a link");
    assert!(keep("1").await.is_err());
    std::fs::remove_file(work.join("inbox")).expect("it goes");
    std::fs::create_dir(work.join("inbox")).expect("a folder");
    symlink(outside.join("bait"), work.join(&kept)).expect("a link");
    assert!(keep("1").await.is_err());
    assert_eq!(std::fs::read_dir(&outside).expect("a folder").count(), 0);
}

#[tokio::test]
async fn without_an_ear_a_voice_message_is_answered_with_how_to_set_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let heard = machine(&folder)
        .transcribe(Path::new("/x"), "audio/ogg")
        .await;
    assert!(matches!(heard, Err(Unheard::NotSetUp(why)) if why.contains("transcription.url")));
}
