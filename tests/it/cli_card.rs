//! A question on the screen of whoever sits there, from the card to the answer in the journal.

use std::io;

use crate::asking::{DONE, id, left, marking, open_questions};
use crate::seat::Seat;

/// What stands below a card once it is whole.
const KEYS: &str = "y/n/e?";

#[test]
fn the_person_reads_the_whole_command_and_allows_it() -> io::Result<()> {
    let (scene, mut seat) = Seat::take(marking()?, &["run", "-s", "x", "-e", "go"])?;
    seat.sees(KEYS);
    seat.sees("run a command that writes outside the working folder");
    seat.sees("│ echo once >> ");
    assert_eq!(left(&scene), "");
    seat.decides(b'y')?;
    seat.sees("it ran");
    let (code, shown) = seat.ends()?;
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("✓ allowed once"), "{shown}");
    assert_eq!(left(&scene), DONE);
    Ok(())
}

#[test]
fn a_dumb_terminal_is_asked_in_lines() -> io::Result<()> {
    let (scene, mut seat) = Seat::at("dumb", marking()?, &["run", "-s", "x", "-e", "go"])?;
    seat.sees(KEYS);
    seat.sees("│ echo once >> ");
    assert_eq!(left(&scene), "");
    seat.enters("y")?;
    seat.sees("it ran");
    let (code, shown) = seat.ends()?;
    assert_eq!(code, Some(0), "{shown}");
    assert!(!shown.contains('\u{1b}'), "{shown}");
    assert_eq!(left(&scene), DONE);
    Ok(())
}

#[test]
fn what_was_typed_before_the_card_answers_nothing() -> io::Result<()> {
    let (scene, mut seat) = Seat::take(marking()?, &["run", "-s", "x", "-e", "go"])?;
    seat.presses(b"yyyy\n")?;
    seat.sees(KEYS);
    assert_eq!(open_questions(&scene)?.len(), 1);
    seat.decides(b'n')?;
    seat.sees("why not");
    seat.presses(b"too early")?;
    seat.sees("too early");
    seat.decides(b'\r')?;
    seat.sees("it did not run");
    let (code, shown) = seat.ends()?;
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!(left(&scene), "");
    let recorded = scene.agent(["sessions", "show", "x"])?.stdout;
    assert!(recorded.contains("too early"), "{recorded}");
    Ok(())
}

#[test]
fn an_answer_from_elsewhere_closes_the_card() -> io::Result<()> {
    let (scene, mut seat) = Seat::take(marking()?, &["run", "-s", "x", "-e", "go"])?;
    seat.sees(KEYS);
    let question = open_questions(&scene)?.iter().map(id).collect::<String>();
    let approved = scene.agent(["approvals", "approve", &question])?;
    assert_eq!(approved.code, Some(0), "{}", approved.all());
    seat.sees("it ran");
    let (code, shown) = seat.ends()?;
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("allowed once"), "{shown}");
    assert_eq!(left(&scene), DONE);
    Ok(())
}

#[test]
fn ctrl_c_at_a_card_stops_the_turn() -> io::Result<()> {
    let (scene, mut seat) = Seat::take(marking()?, &["run", "-s", "x", "-e", "go"])?;
    seat.sees(KEYS);
    seat.presses(b"\x03")?;
    let (code, shown) = seat.ends()?;
    assert_eq!(code, Some(130), "{shown}");
    assert_eq!(left(&scene), "");
    assert!(open_questions(&scene)?.is_empty());
    Ok(())
}
