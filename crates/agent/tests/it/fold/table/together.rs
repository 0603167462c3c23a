//! Inputs that belong to each other: albums and long pastes, corrections, what a stop takes with it.
//! Invariant: what belongs together is taken up together, and every input is answered by one turn.
//! It must not know a messenger.

use corvid_agent::fold::{State, Turn, due};
use corvid_core::wire::{Admission, EventBody, InputId, Mode, Part};
use corvid_core::{Image, Message};

use super::{asking, check, fold, promote};
use crate::script::{
    AMPLE, admission, admitted, claimed, journal, limits, opened, person, started, steered, stopped,
};

fn part(input: &str, album: &str) -> EventBody {
    EventBody::InputAdmitted(Admission {
        together: Some(album.to_owned()),
        ..admission(input, Mode::Steer)
    })
}

fn correction(input: &str, of: &str) -> EventBody {
    EventBody::InputAdmitted(Admission {
        replaces: Some(InputId::new(of)),
        ..admission(input, Mode::Steer)
    })
}

fn idle<const N: usize>(said: [EventBody; N]) -> Vec<EventBody> {
    [opened()].into_iter().chain(said).collect()
}

/// What the model would be told of a turn that has taken these up.
fn told(beginning: Vec<EventBody>, taken: &[&str]) -> Vec<String> {
    let start = started(1, taken[0], limits());
    let start = match start {
        EventBody::TurnStarted(mut start) => {
            start.inputs = taken.iter().copied().map(InputId::new).collect();
            EventBody::TurnStarted(start)
        }
        other => other,
    };
    let state = State::replay(AMPLE, &journal(beginning.into_iter().chain([start])));
    texts(&state)
}

fn texts(state: &State) -> Vec<String> {
    let messages = state.turn.iter().flat_map(|turn| &turn.messages);
    let text = |message: &Message| match message {
        Message::User { text, .. } => text.clone(),
        other => format!("{other:?}"),
    };
    messages.map(|message| text(message)).collect()
}

#[test]
fn an_album_is_taken_up_at_once() {
    let said = || {
        idle([
            part("i1", "a"),
            admitted("i2"),
            part("i3", "a"),
            part("i4", "b"),
        ])
    };
    check(said(), [claimed(1)], &[promote(&["i1", "i3"])]);
    // Of several people each has their own.
    let stranger = EventBody::InputAdmitted(Admission {
        requester: person("1001"),
        together: Some("a".to_owned()),
        ..admission("i2", Mode::Steer)
    });
    check(idle([part("i1", "a"), stranger]), [], &[promote(&["i1"])]);
}

#[test]
fn a_correction_of_what_waits_is_said_in_its_stead() {
    let said = || {
        idle([
            admitted("i1"),
            correction("i2", "i1"),
            correction("i3", "i2"),
        ])
    };
    check(said(), [], &[promote(&["i1", "i2", "i3"])]);
    assert_eq!(told(said(), &["i1", "i2", "i3"]), ["text of i3"]);
}

#[test]
fn a_correction_of_what_was_said_is_told_as_one() {
    let state = fold(asking(), [correction("i2", "i1"), steered(&["i2"])]);
    let expect = [
        "text of i1",
        "[This corrects an earlier message:]\n\ntext of i2",
    ];
    assert_eq!(texts(&state), expect);
}

#[test]
fn of_several_corrections_the_last_is_said() {
    let said = || {
        idle([
            admitted("i1"),
            correction("i2", "i1"),
            correction("i3", "i1"),
        ])
    };
    check(said(), [], &[promote(&["i1", "i2", "i3"])]);
    assert_eq!(told(said(), &["i1", "i2", "i3"]), ["text of i3"]);
    // So it is where the original was said before.
    let both = ["i2", "i3"];
    let [second, third] = both.map(|input| correction(input, "i1"));
    let state = fold(asking(), [second, third, steered(&both)]);
    let expect = [
        "text of i1",
        "[This corrects an earlier message:]\n\ntext of i3",
    ];
    assert_eq!(texts(&state), expect);
}

#[test]
fn a_correction_of_what_is_queued_waits_with_it() {
    let begun = started(1, "i1", limits());
    let queued = EventBody::InputAdmitted(admission("i2", Mode::Queue));
    let steers = correction("i4", "i1");
    check(
        idle([admitted("i1"), claimed(1), begun]),
        [queued, correction("i3", "i2"), steers],
        &[promote(&["i4"])],
    );
}

#[test]
fn a_stop_takes_with_it_what_the_same_person_still_waits_for() {
    let elsewhere = EventBody::InputAdmitted(Admission {
        requester: person("1001"),
        ..admission("i3", Mode::Queue)
    });
    let state = fold(asking(), [admitted("i2"), elsewhere, stopped()]);
    let answered = state.turn.as_ref().map(Turn::input_ids);
    let expect = ["i1", "i2"].map(InputId::new).to_vec();
    assert_eq!(answered, Some(expect));
    assert_eq!(due(&state), [super::COMPOSE]);
    let waiting: Vec<_> = state.waiting.iter().map(|input| &input.input).collect();
    assert_eq!(waiting, [&InputId::new("i3")]);
}

#[test]
fn a_picture_goes_with_the_words_that_came_with_it() {
    let file = |path: &str, image| Part::File {
        path: path.to_owned(),
        media_type: "image/png".to_owned(),
        bytes: 7,
        image,
    };
    let shown = EventBody::InputAdmitted(Admission {
        parts: vec![
            Part::text("look"),
            file("inbox/a.png", true),
            file("inbox/b.svg", false),
        ],
        working_dir: "/work".to_owned(),
        ..admission("i1", Mode::Steer)
    });
    let start = started(1, "i1", limits());
    let state = fold(idle([shown]), [claimed(1), start]);
    let messages = state.turn.map(|turn| turn.messages).unwrap_or_default();
    let expect = Message::User {
        text: "look\n\n[A file was sent along: `inbox/a.png` (image/png, 7 bytes)]\n\n\
               [A file was sent along: `inbox/b.svg` (image/png, 7 bytes)]"
            .to_owned(),
        images: vec![Image {
            folder: "/work".to_owned(),
            path: "inbox/a.png".to_owned(),
            media_type: "image/png".to_owned(),
        }],
    };
    assert_eq!(
        messages.iter().map(AsRef::as_ref).collect::<Vec<_>>(),
        [&expect]
    );
}
