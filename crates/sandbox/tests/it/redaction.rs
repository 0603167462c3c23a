//! Secrets in what a command prints.
//! Invariant: no file and no line of progress ever holds one, however it is printed.
//! It must not know how a secret is found.

use std::sync::Arc;

use corvid_core::redact::{MARK, Redactor};
use corvid_core::{Sandbox as _, Secret};
use tokio_util::sync::CancellationToken;

use crate::scene::{EVERY_ISOLATION, EVERYWHERE, Scene, Shown, read};

const SECRET: &str = "sk-live-0123456789abcdef";

#[tokio::test]
async fn no_output_holds_a_secret() {
    let base64 = "$(printf %s \"$S\" | base64)";
    let halves =
        "printf %s \"${S%??????????}\"; sleep 0.05; printf '%s\\n' \"${S#??????????????}\"";
    let command = format!(
        "S=sk-live-; S=${{S}}0123456789abcdef; echo \"plain $S\"; {halves}; echo \"as {base64}\"; echo end"
    );
    for isolation in EVERYWHERE {
        let scene = Scene::with(|config| {
            config.isolation = isolation;
            let secret = ("MODEL_KEY".to_owned(), Secret::new(SECRET));
            config.redactor = Arc::new(Redactor::new([secret]));
        });
        assert!(!format!("{:?}", scene.sandbox).contains(SECRET));
        let spec = scene.spec("call", &command);
        let shown = Arc::new(Shown::default());
        let progress = Arc::clone(&shown);
        let cancel = CancellationToken::new();
        let end = scene.sandbox.run(&spec, &cancel, progress).await.unwrap();
        let output = read(&spec.output);
        let mark = format!("{MARK}:MODEL_KEY]");
        let expected = format!("plain {mark}\n{mark}\nas {mark}\nend\n");
        assert_eq!(output, expected, "{isolation:?}");
        assert_eq!(
            (end.kept_bytes, end.total_bytes),
            (expected.len() as u64, expected.len() as u64)
        );
        let shown = shown.0.lock().unwrap().join("\n");
        assert!(!shown.contains("0123456789"), "{shown}");
        for entry in std::fs::read_dir(&spec.record_dir).unwrap() {
            assert!(
                !read(&entry.unwrap().path()).contains(SECRET),
                "{isolation:?}"
            );
        }
    }
}

/// The supervisor alone knows them, and a command can look into neither it nor its stage.
#[tokio::test]
async fn a_command_finds_no_secret_in_the_processes_around_it() {
    let look = "for p in /proc/[0-9]* /proc/$PPID; do cat $p/cmdline $p/environ $p/mem; done 2>/dev/null \
                | grep -ac s[k]-live-0123456789abcdef";
    for isolation in EVERY_ISOLATION {
        let scene = Scene::with(|config| {
            config.isolation = isolation;
            let secret = ("MODEL_KEY".to_owned(), Secret::new(SECRET));
            config.redactor = Arc::new(Redactor::new([secret]));
        });
        let ran = scene.run(look).await;
        assert_eq!(ran.output, "0\n", "{isolation:?}");
    }
}
