//! A card is shown whole or not at all: nothing hides in its length or behind what a terminal obeys.

use std::io;

use corvid_testkit::Scene;
use serde_json::{Value, json};

use super::{calling, scene_with, told};
use crate::asking::{waiting, wanting};

/// A command line of about 50 KB whose end is what matters; each word stands in it once.
fn long(border: &str) -> String {
    let words: Vec<_> = (0..5_600).map(|number| format!(": x{number:05}")).collect();
    format!("{}{border}echo once >> BESIDE/ran", words.join(border))
}

/// A text without what a card is laid out with.
fn bare(text: &str) -> String {
    text.chars()
        .filter(|letter| !letter.is_whitespace() && *letter != '│')
        .collect()
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
    for border in ["; ", "\n", " && "] {
        let scene = wanting(&long(border))?;
        let (run, question) = waiting(&scene)?;
        let beside = crate::asking::beside(&scene).display().to_string();
        let command = long(border).replace("BESIDE", &beside);
        assert!(command.len() > 50_000, "{}", command.len());
        let (kept, card) = shown(&scene, &question)?;
        assert_eq!(kept, command);
        assert!(bare(&card).contains(&bare(&command)), "{border:?}");
        scene.agent(["approvals", "deny", &question])?;
        assert_eq!(run.wait()?.code, Some(0));
    }
    Ok(())
}

#[test]
fn what_is_too_long_to_be_read_is_not_asked_about() -> io::Result<()> {
    let scene = wanting(&format!("{}; echo once >> BESIDE/ran", ": x; ".repeat(60_000)))?;
    let said = scene.run(["--wait", "-s", "x", "-e", "go"])?;
    assert_eq!(said.stdout, "it did not run\n", "{}", said.all());
    assert_eq!(told(&scene, "x", "question.asked")?, [json!({}); 0]);
    assert_eq!(crate::asking::left(&scene), "");
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
        assert!(bare(&card).contains(";echoonce>>"), "{command:?}: {card}");
        scene.agent(["approvals", "deny", &question])?;
        assert_eq!(run.wait()?.code, Some(0));
    }
    Ok(())
}

fn is_turning(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}
