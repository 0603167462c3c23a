//! Questions and their answers between processes: `run`, and `agent approvals` beside it.

use std::io;

use corvid_testkit::model_server::{Reply, Script, When};
use serde_json::json;

use crate::asking::{DONE, beside, id, left, marking, open_questions, reply, waiting, wanting};
use crate::stage::{scene, shown};

#[test]
fn another_process_approves_and_the_call_runs_once() -> io::Result<()> {
    let scene = marking()?;
    let (run, question) = waiting(&scene)?;
    assert_eq!(left(&scene), "", "nothing ran before the answer");

    let listed = scene.agent(["approvals", "list"])?.stdout;
    assert!(
        listed.starts_with(&question) && listed.contains("writes outside"),
        "{listed}"
    );
    let card = scene.agent(["approvals", "show", &question])?;
    assert!(card.stdout.contains("echo once >> "), "{}", card.all());
    assert!(card.stdout.contains("to leave a mark"), "{}", card.all());

    let approved = scene.agent(["approvals", "approve", &question[..6]])?;
    assert_eq!(
        approved.stdout,
        format!("{question}: allowed once\n"),
        "{}",
        approved.all()
    );
    assert_eq!((approved.code, approved.stderr.as_str()), (Some(0), ""));
    let said = run.wait()?;
    assert_eq!(reply(&said.stdout)?["text"], "it ran", "{}", said.all());
    assert_eq!(said.code, Some(0));

    let again = scene.agent(["approvals", "deny", &question, "too late"])?;
    assert_eq!(again.code, Some(1), "{}", again.all());
    assert!(
        again.stderr.contains("was answered already"),
        "{}",
        again.stderr
    );
    assert!(
        again.stderr.contains("allowed once, by "),
        "{}",
        again.stderr
    );
    assert_eq!(left(&scene), DONE);
    assert_eq!(
        scene.agent(["approvals", "list"])?.stdout,
        "no question is open\n"
    );
    Ok(())
}

#[test]
fn two_answers_at_once_act_once() -> io::Result<()> {
    let scene = marking()?;
    let (run, question) = waiting(&scene)?;
    let ends = (0..4)
        .map(|_| {
            let mut command = scene.command();
            command.args(["approvals", "approve", &question]);
            corvid_testkit::Process::start(command, b"")
        })
        .collect::<io::Result<Vec<_>>>()?
        .into_iter()
        .map(|process| Ok(process.wait()?.code))
        .collect::<io::Result<Vec<_>>>()?;
    assert_eq!(
        ends.iter().filter(|code| **code == Some(0)).count(),
        1,
        "{ends:?}"
    );
    assert_eq!(
        ends.iter().filter(|code| **code == Some(1)).count(),
        3,
        "{ends:?}"
    );
    run.wait()?;
    assert_eq!(left(&scene), DONE);
    Ok(())
}

#[test]
fn a_denial_tells_the_model_why() -> io::Result<()> {
    let scene = marking()?;
    let (run, question) = waiting(&scene)?;
    let denied = scene.agent(["approvals", "deny", &question, "use the vendored copy"])?;
    assert_eq!(
        denied.stdout,
        format!("{question}: denied: use the vendored copy\n")
    );
    let said = run.wait()?;
    assert_eq!(
        reply(&said.stdout)?["text"],
        "it did not run",
        "{}",
        said.all()
    );
    assert_eq!(left(&scene), "");
    let model = scene.model().ok_or(io::ErrorKind::NotFound)?;
    let last = model.ledger().pop().map(|entry| entry.body.to_string());
    assert!(last.is_some_and(|body| body.contains("use the vendored copy")));
    let recorded = scene.agent(["sessions", "show", "x"])?.stdout;
    assert!(recorded.contains("? asked: "), "{recorded}");
    assert!(recorded.contains("use the vendored copy"), "{recorded}");
    Ok(())
}

#[test]
fn an_answer_that_does_not_fit_is_refused_with_the_one_that_does() -> io::Result<()> {
    let scene = marking()?;
    let (run, question) = waiting(&scene)?;
    let check = |arguments: &[&str], expect: &str| -> io::Result<()> {
        let refused = scene.agent([&["approvals"], arguments].concat())?;
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""));
        assert!(refused.stderr.contains(expect), "{}", refused.stderr);
        Ok(())
    };
    check(
        &["approve", "q-nobody"],
        "no question `q-nobody`; `agent approvals list`",
    )?;
    check(&["approve", ""], "no question ``")?;
    check(&["answer", &question, "yes"], "asks for an approval")?;
    // What redirects is no plain command.
    check(
        &["approve", "--session", &question],
        "cannot be allowed for the session",
    )?;
    // So little of an id may be a slip.
    check(&["approve", "q"], &question)?;
    check(&["approve", "--session", &question[..5]], &question)?;
    check(&["deny", "q-"], &question)?;
    check(&["answer", "q", "yes"], &question)?;
    assert_eq!(open_questions(&scene)?.len(), 1, "it still waits");
    scene.agent(["approvals", "deny", &question])?;
    assert_eq!(run.wait()?.code, Some(0));
    Ok(())
}

#[test]
fn what_the_agent_wants_to_know_is_answered_from_elsewhere() -> io::Result<()> {
    let ask = json!({ "question": "Which colour?", "choices": ["red", "blue"] });
    let script = Script::new()
        .on(When::any().results(0), Reply::call("ask_user", &ask))
        .on(When::any().result("blue"), Reply::text("blue it is"));
    let scene = scene()?.with_model(script)?;
    let (run, question) = waiting(&scene)?;
    let card = scene.agent(["approvals", "show", &question])?.stdout;
    assert!(
        card.contains("Which colour?") && card.contains("blue"),
        "{card}"
    );
    let refused = scene.agent(["approvals", "approve", &question])?;
    assert!(
        refused.stderr.contains("asks for words"),
        "{}",
        refused.all()
    );
    let answered = scene.agent(["approvals", "answer", &question, "2"])?;
    assert_eq!(
        answered.stdout,
        format!("{question}: answered: blue\n"),
        "{}",
        answered.all()
    );
    let said = run.wait()?;
    assert_eq!(reply(&said.stdout)?["text"], "blue it is", "{}", said.all());
    Ok(())
}

#[test]
fn a_question_outlives_the_process_that_asked_it() -> io::Result<()> {
    let scene = marking()?;
    let (run, question) = waiting(&scene)?;
    assert!(run.kill()?.was_killed());
    assert_eq!(
        open_questions(&scene)?.iter().map(id).collect::<Vec<_>>(),
        [question.as_str()]
    );
    let approved = scene.agent(["approvals", "approve", &question])?;
    assert_eq!(
        approved.stdout,
        format!("{question}: allowed once\n"),
        "{}",
        approved.all()
    );
    assert!(
        approved.stderr.contains("`agent run -s x -e …` goes on"),
        "{}",
        approved.stderr
    );
    assert_eq!(left(&scene), "", "an answer runs nothing by itself");
    let next = scene.run(["-s", "x", "-e", "well?"])?;
    assert_eq!(next.code, Some(0), "{}", next.all());
    assert_eq!(left(&scene), DONE, "{}", next.all());
    Ok(())
}

#[test]
fn a_message_denies_what_is_asked_with_its_text_as_the_reason() -> io::Result<()> {
    let scene = marking()?;
    let (run, _) = waiting(&scene)?;
    let second = scene.start_run(["-s", "x", "-e", "no, leave that folder alone"])?;
    let said = run.wait()?;
    assert_eq!(
        reply(&said.stdout)?["text"],
        "it did not run",
        "{}",
        said.all()
    );
    let second = second.wait()?;
    assert_eq!(second.code, Some(0), "{}", second.all());
    assert!(
        second
            .stderr
            .contains("note: this message denies what session `x` asks"),
        "{}",
        second.stderr
    );
    assert_eq!(left(&scene), "");
    let model = scene.model().ok_or(io::ErrorKind::NotFound)?;
    let told = model.ledger().iter().any(|entry| {
        let messages = entry.body["messages"].as_array().cloned();
        let mut messages = messages.unwrap_or_default().into_iter();
        messages.any(|message| {
            message["role"] == "tool" && message.to_string().contains("leave that folder alone")
        })
    });
    assert!(told, "the model is told the reason");
    Ok(())
}

#[test]
fn with_nobody_to_ask_it_is_denied_and_says_what_would_allow_it() -> io::Result<()> {
    let scene = marking()?;
    let said = scene.run(["-s", "x", "-e", "go"])?;
    assert_eq!(said.code, Some(6), "{}", said.all());
    assert_eq!(said.stdout, "it did not run\n");
    assert_eq!(left(&scene), "");
    insta::assert_snapshot!(shown(&scene, &said));
    let allowed = scene.run(["-s", "y", "--yes", "-e", "go"])?;
    assert_eq!(
        (allowed.code, allowed.stdout.as_str()),
        (Some(0), "it ran\n"),
        "{}",
        allowed.all()
    );
    assert_eq!(left(&scene), DONE);
    Ok(())
}

#[test]
fn yes_answers_what_asks_and_never_what_is_denied() -> io::Result<()> {
    let scene = marking()?.with_config(
        "[[policy.rules]]\ntool = \"system.run\"\nresource = \"write:*\"\neffect = \"deny\"\nreason = \"never there\"\n",
    )?;
    let said = scene.run(["-s", "x", "--yes", "-e", "go"])?;
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (Some(0), "it did not run\n"),
        "{}",
        said.all()
    );
    assert_eq!(left(&scene), "");
    let recorded = scene.agent(["sessions", "show", "x"])?.stdout;
    assert!(recorded.contains("never there"), "{recorded}");
    Ok(())
}

#[test]
fn what_was_allowed_for_the_session_is_not_asked_again() -> io::Result<()> {
    let scene = wanting("touch BESIDE/ran")?;
    let (run, question) = waiting(&scene)?;
    let approved = scene.agent(["approvals", "approve", "--session", &question])?;
    assert_eq!(
        approved.stdout,
        format!("{question}: allowed for this session\n"),
        "{}",
        approved.all()
    );
    assert_eq!(run.wait()?.code, Some(0));
    let ran = beside(&scene).join("ran");
    std::fs::remove_file(&ran)?;
    let again = scene.run(["-s", "x", "-e", "go"])?;
    assert_eq!(again.code, Some(0), "{}", again.all());
    assert!(ran.exists(), "the same runs unasked in this session");
    std::fs::remove_file(&ran)?;
    let other = scene.run(["-s", "other", "-e", "go"])?;
    assert_eq!(other.code, Some(6), "{}", other.all());
    assert!(!ran.exists(), "another session asks anew");
    Ok(())
}

#[test]
fn help_shows_every_word() -> io::Result<()> {
    let scene = scene()?;
    for command in ["approvals", "jobs", "undo", "policy"] {
        let help = scene.agent([command, "--help"])?;
        insta::assert_snapshot!(format!("help_{command}"), help.stdout);
    }
    Ok(())
}

/// A question's time is up by the clock that the processes go by.
#[cfg(feature = "faults")]
#[test]
fn a_question_that_nobody_answers_in_time_is_denied() -> io::Result<()> {
    use corvid_testkit::ClockServer;

    const START: i64 = 1_800_000_000_000;
    let clock = ClockServer::start(START)?;
    let scene = marking()?
        .with_variable("CORVID_CLOCK", clock.address().to_string())
        .with_variable("CORVID__APPROVALS__TIMEOUT_SECS", "60");
    let (run, question) = waiting(&scene)?;
    clock.clock().set(START + 60_000);
    let said = run.wait()?;
    assert_eq!(
        reply(&said.stdout)?["text"],
        "it did not run",
        "{}",
        said.all()
    );
    assert_eq!(said.code, Some(6), "{}", said.all());
    let late = scene.agent(["approvals", "approve", &question])?;
    assert_eq!(late.code, Some(1), "{}", late.all());
    assert_eq!(left(&scene), "");
    Ok(())
}
