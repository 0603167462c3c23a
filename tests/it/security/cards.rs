//! A card is shown whole or not at all: nothing hides in its length or behind what a terminal obeys.

use std::io;

use corvid_testkit::Scene;
use serde_json::Value;

use super::told;
use crate::asking::{beside, left, waiting, wanting};

/// A command line of about 50 KB whose end is what matters; each word stands in it once.
fn long(border: &str) -> String {
    let words: Vec<_> = (0..5_600).map(|number| format!(": x{number:05}")).collect();
    format!("{}{border}echo once >> BESIDE/ran", words.join(border))
}

/// The command as a person can read it off a card: `│` begins a line, `┊` goes on with it; at an end
/// `␠` is a space and `⏎` the end of a line.
fn read_off(card: &str) -> String {
    let mut command = String::new();
    for line in card.lines().map(str::trim_start) {
        if let Some(rest) = line.strip_prefix('│') {
            command.push('\n');
            command.push_str(rest.strip_prefix(' ').unwrap_or(rest));
        } else if let Some(rest) = line.strip_prefix("┊ ") {
            command.push_str(rest);
        }
        match command.pop() {
            Some('␠') => command.push(' '),
            Some('⏎') | None => {}
            Some(letter) => command.push(letter),
        }
    }
    command.split_off(command.len().min(1))
}

/// Compares two long texts and shows where they part.
fn assert_same(found: &str, expected: &str) {
    let part = found
        .char_indices()
        .zip(expected.chars())
        .find(|((_, one), other)| one != other);
    let at = part.map_or(found.len().min(expected.len()), |((at, _), _)| at);
    let around = |text: &str| {
        text.chars()
            .skip(at.saturating_sub(20))
            .take(60)
            .collect::<String>()
    };
    assert!(
        found == expected,
        "at {at}: {:?} is not {:?}",
        around(found),
        around(expected)
    );
}

/// The command of the question as it is kept, and its card as it is shown.
fn shown(scene: &Scene, question: &str) -> io::Result<(String, String)> {
    let kept = scene.agent(["approvals", "show", question, "--json"])?;
    let kept: Value = serde_json::from_str(&kept.stdout)?;
    let body = kept["question"]["subject"]["card"]["body"].as_str();
    let card = scene.agent(["approvals", "show", question])?;
    Ok((body.unwrap_or_default().to_owned(), card.stdout))
}

#[test]
fn fifty_kilobytes_are_shown_to_the_last_byte() -> io::Result<()> {
    for border in ["; ", "\n"] {
        let scene = wanting(&long(border))?;
        let (run, question) = waiting(&scene)?;
        let folder = beside(&scene).display().to_string();
        let command = long(border).replace("BESIDE", &folder);
        assert!(command.len() > 50_000, "{}", command.len());
        let (kept, card) = shown(&scene, &question)?;
        assert_same(&kept, &command);
        assert_same(&read_off(&card), &command);
        scene.agent(["approvals", "deny", &question])?;
        assert_eq!(run.wait()?.code, Some(0));
    }
    Ok(())
}

/// The same on a terminal, where it does not fit the screen.
#[cfg(feature = "faults")]
#[test]
fn fifty_kilobytes_go_by_on_a_terminal() -> io::Result<()> {
    let scene = wanting(&long("; "))?;
    let folder = beside(&scene).display().to_string();
    let (scene, mut seat) = crate::seat::Seat::take(scene, &["run", "-s", "x", "-e", "go"])?;
    seat.sees("y/n/e?");
    seat.decides(b'n')?;
    seat.sees("why not");
    seat.decides(b'\r')?;
    let (code, screen) = seat.ends()?;
    assert_eq!(code, Some(0), "{screen}");
    assert_same(&read_off(&screen), &long("; ").replace("BESIDE", &folder));
    assert_eq!(left(&scene), "");
    Ok(())
}

#[test]
fn what_is_too_long_to_be_read_is_not_asked_about() -> io::Result<()> {
    let scene = wanting(&format!(
        "{}; echo once >> BESIDE/ran",
        ": x; ".repeat(60_000)
    ))?;
    let said = scene.run(["--wait", "-s", "x", "-e", "go"])?;
    assert_eq!(said.stdout, "it did not run\n", "{}", said.all());
    assert!(told(&scene, "x", "question.asked")?.is_empty());
    assert_eq!(left(&scene), "");
    Ok(())
}

/// What would make a terminal hide, move or turn round a part of the command.
#[test]
fn nothing_hides_behind_control_characters() -> io::Result<()> {
    let hostile = [
        "true\r; echo once >> BESIDE/ran",
        "true \u{8}\u{8}\u{8}; echo once >> BESIDE/ran",
        "true \u{1b}[2K\u{1b}[1A; echo once >> BESIDE/ran",
        "true \u{1b}]8;;x\u{1b}\\; echo once >> BESIDE/ran",
        "true \u{202e}; echo once >> BESIDE/ran",
        "true \u{200b}\u{2066}; echo once >> BESIDE/ran",
        "true \u{9b}2J; echo once >> BESIDE/ran",
    ];
    for command in hostile {
        let scene = wanting(command)?;
        let (run, question) = waiting(&scene)?;
        let (kept, card) = shown(&scene, &question)?;
        let begin = command.split_once("BESIDE").map_or("", |(begin, _)| begin);
        assert!(kept.starts_with(begin), "{command:?}");
        let acting = card
            .chars()
            .find(|letter| (letter.is_control() && *letter != '\n') || is_turning(*letter));
        assert_eq!(acting, None, "{command:?}: {card:?}");
        assert!(card.contains("; echo once >> "), "{command:?}: {card}");
        scene.agent(["approvals", "deny", &question])?;
        assert_eq!(run.wait()?.code, Some(0));
    }
    Ok(())
}

fn is_turning(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}
