//! What a run did on its way to its own answer: it answered messages whose processes had died.
//! Invariant: a message is told of exactly if its reply reached nobody; the journal says which did.
//! It must not know how a turn runs.

use corvid_channels::inert_line;
use corvid_core::Journal as _;
use corvid_core::wire::{Admission, DeliveryId, EventBody, Part, ReplyComposed, SessionId};
use corvid_store::Store;

/// Events read at once.
const PAGE: u32 = 500;

/// How much of a message is shown, in characters.
const SHOWN: usize = 40;

/// One line for each message that these replies answer, unless somebody was there to read it. Reads the whole
/// session, if there is any such reply.
///
/// # Errors
/// If the journal cannot be read.
pub(super) async fn lines(
    store: &Store,
    session: &SessionId,
    replies: &[ReplyComposed],
) -> anyhow::Result<Vec<String>> {
    if replies.is_empty() {
        return Ok(Vec::new());
    }
    let mut admitted: Vec<Admission> = Vec::new();
    let mut unread: Vec<DeliveryId> = Vec::new();
    let mut after = 0;
    loop {
        let events = store.read(session, after, PAGE).await?;
        let Some(last) = events.last() else { break };
        after = last.seq;
        for event in events {
            match event.body {
                EventBody::InputAdmitted(admission) if answers(replies, &admission) => {
                    admitted.push(admission);
                }
                EventBody::DeliveryFailed { delivery, .. } => unread.push(delivery),
                _ => {}
            }
        }
    }
    let drafts = replies.iter().flat_map(|reply| &reply.deliveries);
    let lost = drafts.filter(|draft| unread.contains(&draft.delivery));
    let inputs: Vec<_> = lost.flat_map(|draft| &draft.inputs).collect();
    let told = admitted
        .iter()
        .filter(|admission| inputs.contains(&&admission.input));
    Ok(told.map(|admission| line(session, admission)).collect())
}

fn answers(replies: &[ReplyComposed], admission: &Admission) -> bool {
    replies
        .iter()
        .any(|reply| reply.inputs.contains(&admission.input))
}

fn line(session: &SessionId, admission: &Admission) -> String {
    let said: Vec<_> = admission.parts.iter().map(Part::said).collect();
    let said = inert_line(&said.join(" "));
    let mut shown: String = said.chars().take(SHOWN).collect();
    if shown.len() < said.len() {
        shown.push('…');
    }
    format!(
        "note: an earlier message of this session was answered meanwhile (\"{shown}\"): `agent sessions show {session}`"
    )
}
