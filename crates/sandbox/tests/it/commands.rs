//! What a command finds, and what is told of its end.
//! Invariant: every claim holds with and without namespaces.
//! It must not know how a command is confined.

use corvid_core::CommandEnding;
use corvid_sandbox::Isolation;

use crate::scene::{EVERY_LINUX, Scene};

#[tokio::test]
async fn exit_codes_and_signals_are_exact() {
    const EXITED: fn(i32) -> CommandEnding = |code| CommandEnding::Exited { code };
    const SIGNALED: fn(i32) -> CommandEnding = |signal| CommandEnding::Signaled { signal };
    for isolation in EVERY_LINUX {
        let scene = Scene::new(isolation);
        let check = async |command: &str, ending: CommandEnding, output: &str| {
            let ran = scene.run(command).await;
            assert_eq!(
                (ran.end.ending, ran.output.as_str()),
                (ending, output),
                "{isolation:?}: {command}"
            );
        };
        check("echo out; echo err >&2", EXITED(0), "out\nerr\n").await;
        check("exit 3", EXITED(3), "").await;
        check("exit 255", EXITED(255), "").await;
        check("kill -KILL 0", SIGNALED(9), "").await;
        check("kill -TERM 0", SIGNALED(15), "").await;
        check("cat; echo closed", EXITED(0), "closed\n").await;
        check("no-such-program 2>/dev/null", EXITED(127), "").await;
        if isolation != Isolation::WithoutScopes {
            check("kill -SEGV $$", SIGNALED(11), "").await;
            check("sleep 60 & kill $!; wait $!", EXITED(143), "").await;
        }
    }
}
