//! The crash suite over the terminal path: the built binary is killed at every named point, and every seeded
//! defect is caught for its own reason.
//! Invariant: what is judged, and how, lives in `corvid_testkit::crash`; here it is only called.
//! It must not know the points.

use std::collections::BTreeSet;
use std::io::{self, Write as _, stderr};
use std::path::Path;

use corvid_core::faults::DEFECTS;
use corvid_testkit::crash::{self, EXPECTED, TRIALS};

fn agent() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_agent"))
}

fn check_defect(name: &str) -> io::Result<()> {
    let expect = EXPECTED.iter().find(|(defect, _)| *defect == name);
    let expect = expect.map(|(_, breach)| breach.clone());
    assert_eq!(
        crash::catch(agent(), name, false)?,
        BTreeSet::new(),
        "the scenario passes without the defect"
    );
    let found = crash::catch(agent(), name, true)?;
    writeln!(stderr(), "{name}: {found:?}")?;
    assert!(
        expect.is_some_and(|expect| found.contains(&expect)),
        "`{name}` is not caught: {found:?}"
    );
    Ok(())
}

fn check_suite(report: crash::Report) -> io::Result<()> {
    writeln!(stderr(), "{report}")?;
    assert!(
        report.failures.is_empty(),
        "{} failures",
        report.failures.len()
    );
    for point in report.points {
        assert_eq!(point.reached, TRIALS, "{}", point.point);
    }
    Ok(())
}

#[test]
fn nothing_is_lost_or_repeated_at_any_crash_point() -> io::Result<()> {
    check_suite(crash::suite(agent())?)
}

#[test]
fn nothing_is_lost_or_repeated_between_a_messenger_and_its_people() -> io::Result<()> {
    check_suite(crash::messenger(agent())?)
}

#[test]
fn an_answer_that_counts_twice_is_caught() -> io::Result<()> {
    check_defect("answer-twice")
}

#[test]
fn a_run_of_something_else_than_was_shown_is_caught() -> io::Result<()> {
    check_defect("skip-binding-check")
}

#[test]
fn a_job_that_is_told_twice_is_caught() -> io::Result<()> {
    check_defect("admit-job-twice")
}

#[test]
fn every_defect_has_a_scenario() {
    let known: BTreeSet<_> = EXPECTED.iter().map(|(defect, _)| *defect).collect();
    assert_eq!(known, DEFECTS.iter().copied().collect());
}

#[test]
fn an_early_acknowledgement_is_caught() -> io::Result<()> {
    check_defect("acknowledge-before-commit")
}

#[test]
fn a_lane_that_skips_the_epoch_check_is_caught() -> io::Result<()> {
    check_defect("skip-epoch-check")
}

#[test]
fn a_delivery_without_its_swap_is_caught() -> io::Result<()> {
    check_defect("drop-delivery-swap")
}

#[test]
fn an_unsafe_call_that_is_run_again_is_caught() -> io::Result<()> {
    check_defect("rerun-unsafe-call")
}

#[test]
fn an_append_without_the_expected_head_is_caught() -> io::Result<()> {
    check_defect("append-without-head")
}

#[test]
fn a_confirmation_before_the_admission_is_caught() -> io::Result<()> {
    check_defect("confirm-before-commit")
}

#[test]
fn a_post_whose_id_is_not_kept_is_caught() -> io::Result<()> {
    check_defect("post-without-mark")
}

#[test]
fn a_message_that_is_not_known_again_is_caught() -> io::Result<()> {
    check_defect("drop-update-key")
}
