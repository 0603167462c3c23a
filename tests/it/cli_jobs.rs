//! Commands in the background: `run` waits for them, and `agent jobs` sees and ends them from elsewhere.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::process::Command;

use corvid_testkit::model_server::{Reply, Script, When};
use corvid_testkit::{Process, Scene};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::stage::scene;

/// A model that begins this command in the background and goes on; told of its end, it says so.
fn beginning(command: &str) -> io::Result<Scene> {
    let call = json!({ "command": command, "background": true });
    let script = Script::new()
        .on(
            When::user("begin").results(0),
            Reply::call("system.run", &call),
        )
        .on(When::user("begin").results(1), Reply::text("it is begun"))
        .otherwise(Reply::text("it has ended"));
    scene()?.with_model(script)
}

/// The jobs that `agent jobs list` tells.
fn jobs(scene: &Scene, all: bool) -> io::Result<Vec<Value>> {
    let mut arguments = vec!["jobs", "list", "--json"];
    arguments.extend(all.then_some("--all"));
    let listed = scene.agent(arguments)?;
    assert_eq!(listed.code, Some(0), "{}", listed.all());
    let lines = listed.stdout.lines();
    Ok(lines.map(serde_json::from_str).collect::<Result<_, _>>()?)
}

fn id(job: &Value) -> String {
    job["job"].as_str().unwrap_or_default().to_owned()
}

/// A `run` whose job waits until `go` is there, after its first reply.
fn waiting(scene: &Scene) -> io::Result<Process> {
    let run = scene.start_run(["--json", "-s", "x", "-e", "begin"])?;
    // The reply itself, so that what follows comes while the job is waited for.
    assert!(
        run.hear(|said| said.contains("\"frame\":\"reply\"")),
        "{}",
        run.stdout()
    );
    Ok(run)
}

/// Waits for a line that somebody writes into a pipe, and says once that it does; the words differ from those of
/// the command line.
const UNTIL_TOLD: &str = "mkfifo pipe; echo it rea''ds; read line < pipe; echo $line";

#[test]
fn run_waits_for_its_jobs_and_prints_each_reply_once() -> io::Result<()> {
    // It ends only once it is waited for: of a job that is over by then there is nothing to say.
    let scene = beginning("read line < pipe; echo from the $line")?;
    let pipe = scene.work().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status()?.success());
    let run = scene.start_run(["-s", "x", "-e", "begin"])?;
    let waits =
        "waiting for 1 background job: read line < pipe; echo from the $line; Ctrl-C ends it";
    let heard = run.hear_aside(|aside| aside.contains(waits).then_some(()));
    assert!(heard.is_some(), "{}", run.stdout());
    OpenOptions::new()
        .write(true)
        .open(&pipe)?
        .write_all(b"job\n")?;
    let said = run.wait()?;
    assert_eq!(said.code, Some(0), "{}", said.all());
    assert_eq!(said.stdout, "it is begun\nit has ended\n", "{}", said.all());
    assert_eq!(jobs(&scene, false)?, [] as [Value; 0]);
    let all = jobs(&scene, true)?;
    assert_eq!((all.len(), &all[0]["status"]), (1, &json!("ok")), "{all:?}");
    let output = scene.agent(["jobs", "output", &id(&all[0])])?;
    assert_eq!(output.stdout, "from the job\n", "{}", output.all());
    let recorded = scene.agent(["sessions", "show", "x"])?.stdout;
    for part in ["goes on in the background", "a job ended", "it has ended"] {
        assert!(recorded.contains(part), "`{part}` is not in\n{recorded}");
    }
    Ok(())
}

#[test]
fn a_job_is_seen_and_ended_from_elsewhere() -> io::Result<()> {
    let scene = beginning(UNTIL_TOLD)?;
    let run = waiting(&scene)?;
    let open = jobs(&scene, false)?;
    assert_eq!(open.len(), 1, "{open:?}");
    let job = id(&open[0]);
    let shown = scene.agent(["jobs", "show", &job[..5]])?;
    assert!(shown.stdout.contains("session x · open"), "{}", shown.all());
    let slip = scene.agent(["jobs", "cancel", &job[..5]])?;
    assert_eq!(slip.code, Some(1), "{}", slip.all());
    assert!(slip.stderr.contains(&job), "{}", slip.stderr);
    assert_eq!(jobs(&scene, false)?.len(), 1, "it still runs");
    let cancelled = scene.agent(["jobs", "cancel", &job[..6]])?;
    assert_eq!(cancelled.code, Some(0), "{}", cancelled.all());
    let said = run.wait()?;
    assert_eq!(said.code, Some(0), "{}", said.all());
    assert_eq!(jobs(&scene, true)?[0]["status"], "stopped");
    let wrong = scene.agent(["jobs", "cancel", "j-nothing"])?;
    assert!(
        wrong
            .stderr
            .contains("no job `j-nothing`; `agent jobs list --all`"),
        "{}",
        wrong.all()
    );
    Ok(())
}

#[test]
fn a_job_ends_with_its_process_and_is_told_of_once() -> io::Result<()> {
    let scene = beginning(UNTIL_TOLD)?;
    let run = waiting(&scene)?;
    assert!(run.kill()?.was_killed());
    let listed = scene.agent(["jobs", "list"])?.stdout;
    assert!(listed.contains("cut off"), "{listed}");
    for _ in 0..2 {
        let next = scene.run(["-s", "x", "-e", "what now?"])?;
        assert_eq!(next.code, Some(0), "{}", next.all());
    }
    let events = scene.agent(["sessions", "show", "x", "--json"])?.stdout;
    assert_eq!(
        events.matches("\"kind\":\"job.finished\"").count(),
        1,
        "{events}"
    );
    assert_eq!(
        events.matches("\"external_id\":\"job:").count(),
        1,
        "{events}"
    );
    assert_eq!(jobs(&scene, false)?, [] as [Value; 0]);
    Ok(())
}

#[test]
fn a_running_command_is_moved_to_the_background() -> io::Result<()> {
    let call = json!({ "command": UNTIL_TOLD });
    let script = Script::new()
        .on(
            When::user("go").results(0),
            Reply::call("system.run", &call),
        )
        .on(
            When::user("go").results(1),
            Reply::text("it goes on beside"),
        )
        .otherwise(Reply::text("it has ended"));
    let scene = scene()?.with_model(script)?;
    let run = scene.start_run(["--json", "-s", "x", "-e", "go"])?;
    assert!(
        run.hear(|said| said.contains("it reads")),
        "{}",
        run.stdout()
    );
    let moved = scene.agent(["jobs", "background", "x"])?;
    assert_eq!(moved.code, Some(0), "{}", moved.all());
    assert!(
        run.hear(|said| said.contains("it goes on beside")),
        "{}",
        run.stdout()
    );
    // Opening the pipe for writing waits until the command reads, and so shows that it still runs.
    let mut pipe = OpenOptions::new()
        .write(true)
        .open(scene.work().join("pipe"))?;
    pipe.write_all(b"the end\n")?;
    drop(pipe);
    let said = run.wait()?;
    assert_eq!(said.code, Some(0), "{}", said.all());
    let all = jobs(&scene, true)?;
    assert_eq!(all.len(), 1, "{all:?}");
    let output = scene.agent(["jobs", "output", &id(&all[0])])?;
    assert_eq!(output.stdout, "it reads\nthe end\n");
    let nothing = scene.agent(["jobs", "background", "x"])?;
    assert!(
        nothing.stderr.contains("nothing runs in the session `x`"),
        "{}",
        nothing.all()
    );
    Ok(())
}

#[test]
fn ctrl_c_ends_the_jobs_that_are_waited_for() -> io::Result<()> {
    let scene = beginning("sleep 1000")?;
    let run = waiting(&scene)?;
    run.signal(Signal::INT)?;
    let said = run.wait()?;
    assert_eq!(said.code, Some(130), "{}", said.all());
    assert_eq!(jobs(&scene, true)?[0]["status"], "stopped");
    Ok(())
}

#[test]
fn the_keys_of_jobs_are_no_ones_own() -> io::Result<()> {
    let said = scene()?.run(["--id", "job:j-1", "-e", "help"])?;
    assert_eq!(said.code, Some(2), "{}", said.all());
    assert!(
        said.stderr.contains("must not begin with `job:`"),
        "{}",
        said.stderr
    );
    Ok(())
}
