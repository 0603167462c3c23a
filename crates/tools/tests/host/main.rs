//! The tools in the real host sandbox, from the arguments to what the model reads.
//! Invariant: the sandbox re-executes this very program, so its `main` begins as the binary's does.
//! It must not know how the sandbox confines.

#![expect(
    clippy::expect_used,
    reason = "a scene that cannot be set up fails its test"
)]

mod approvals;
mod commands;
mod jobs;
mod scene;
#[path = "../it/jobs.rs"]
mod taken;
mod undoing;

use std::future::Future;
use std::io::Write as _;
use std::pin::Pin;
use std::process::ExitCode;

use corvid_core::Sandbox as _;
use scene::Scene;

/// A test: it is handed a fresh scene.
type Test = fn(Scene) -> Pin<Box<dyn Future<Output = ()>>>;

/// Names a test after its function.
macro_rules! tests {
    ($($module:ident::$name:ident),* $(,)?) => {
        &[$((
            concat!(stringify!($module), "::", stringify!($name)),
            |scene| Box::pin($module::$name(scene)),
        )),*]
    };
}

const TESTS: &[(&str, Test)] = tests![
    commands::ends_are_told,
    commands::what_came_before_time_was_up_is_told,
    commands::output_is_kept,
    commands::what_ended_is_known_afterwards,
    commands::a_host_that_was_not_granted_is_told,
    commands::a_place_is_written_once_it_is_granted,
    jobs::a_background_command_ends_and_reports,
    jobs::a_moved_command_goes_on_as_it_was,
    jobs::a_cancelled_job_ends,
    jobs::the_end_of_a_job_whose_process_died_is_known,
    jobs::many_jobs_end_one_by_one,
    approvals::a_long_command_is_shown_whole_or_refused,
    approvals::the_same_call_has_the_same_binding,
    approvals::whatever_makes_it_another_run_changes_the_binding,
    approvals::private_and_system_places_are_not_even_asked_for,
    undoing::a_command_is_taken_back,
    undoing::what_goes_on_beside_the_turn_is_said_not_to_be,
    undoing::a_command_that_was_cut_off_is_taken_back,
];

/// Speaks the test runner's protocol: the sandbox needs a `main` of its own, before any thread.
fn main() -> ExitCode {
    if let Some(code) = corvid_sandbox::enter() {
        return code;
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| arguments.iter().any(|argument| argument == flag);
    if has("--list") {
        let listed = TESTS.iter().map(|(name, _)| format!("{name}: test\n"));
        let listed = if has("--ignored") {
            String::new()
        } else {
            listed.collect()
        };
        return match std::io::stdout().write_all(listed.as_bytes()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    let filters: Vec<_> = arguments
        .iter()
        .filter(|word| !word.starts_with('-'))
        .collect();
    let asked = |name: &str| {
        let fits = |filter: &&String| {
            if has("--exact") {
                filter.as_str() == name
            } else {
                name.contains(filter.as_str())
            }
        };
        filters.is_empty() || filters.iter().any(fits)
    };
    for (_, test) in TESTS.iter().filter(|(name, _)| asked(name)) {
        let scene = Scene::new();
        if !scene.sandbox.report().enforced {
            // The promise of a system that cannot confine: every command asks.
            scene.every_command_asks();
            continue;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.expect("a runtime").block_on(test(scene));
    }
    ExitCode::SUCCESS
}
