//! The tables that follow from events, each with the statement that takes its rows.
//! Invariant: rows are written in an order in which none misses what another has to write first.
//! It must not know which event leads to a row.

/// What follows from events, one name for each statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Table {
    Session,
    Claim,
    Input,
    Speaker,
    Answer,
    Delivery,
    Rest,
    Failure,
    Question,
    QuestionEnd,
    Granted,
    Job,
    JobEnd,
}

/// The tables that follow from events: for each the statement that takes its rows as one JSON array. In this
/// order they never miss what another has to write first.
pub(super) const STATEMENTS: [(Table, &str); 13] = [
    (
        Table::Session,
        "INSERT INTO session (id, working_dir, opened_at, last_at, head, turns, transcript_bytes, title) \
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6 \
         FROM json_each(?) WHERE true ON CONFLICT (id) DO UPDATE SET \
         last_at = max(last_at, excluded.last_at), head = excluded.head, turns = excluded.turns, \
         transcript_bytes = excluded.transcript_bytes, title = coalesce(title, excluded.title)",
    ),
    (
        Table::Claim,
        "INSERT INTO claim (resource, owner, epoch) \
         SELECT 'session/' || (value ->> 0), value ->> 1, value ->> 2 \
         FROM json_each(?) WHERE true ON CONFLICT (resource) DO UPDATE SET \
         owner = excluded.owner, epoch = excluded.epoch",
    ),
    (
        Table::Input,
        "INSERT INTO input (id, session, seq, at, channel, account, external_id, body_hash, owner, job) \
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7, value ->> 8, value ->> 9 \
         FROM json_each(?)",
    ),
    (
        Table::Speaker,
        "INSERT INTO speaker (channel, person, session, account, conversation) \
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 \
         FROM json_each(?) WHERE true ON CONFLICT DO NOTHING",
    ),
    (
        Table::Answer,
        "UPDATE input SET answered_by = k.value ->> 1 FROM json_each(?) AS k WHERE input.id = k.value ->> 0",
    ),
    (
        Table::Delivery,
        "INSERT INTO delivery (id, session, seq, state, owner, channel, account, conversation, at) \
         SELECT value ->> 0, value ->> 1, value ->> 2, 'prepared', (SELECT owner FROM input WHERE input.id = value ->> 3), \
         value ->> 4, value ->> 5, value ->> 6, value ->> 7 FROM json_each(?)",
    ),
    (
        Table::Rest,
        "INSERT INTO rest (session, transcript_bytes, seq, turn) \
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?)",
    ),
    (
        Table::Failure,
        "UPDATE delivery SET state = 'failed', owner = NULL, reason = k.value ->> 1 \
         FROM json_each(?) AS k WHERE delivery.id = k.value ->> 0",
    ),
    (
        Table::Question,
        "INSERT INTO question (id, session, seq) SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)",
    ),
    (
        Table::QuestionEnd,
        "UPDATE question SET ended_by = k.value ->> 1 FROM json_each(?) AS k WHERE question.id = k.value ->> 0",
    ),
    (
        Table::Granted,
        "INSERT INTO granted (session, binding, seq) SELECT value ->> 0, value ->> 1, value ->> 2 \
         FROM json_each(?) WHERE true ON CONFLICT DO NOTHING",
    ),
    (
        Table::Job,
        "INSERT INTO job (id, session, seq, owner) SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 \
         FROM json_each(?)",
    ),
    (
        Table::JobEnd,
        "UPDATE job SET ended_by = k.value ->> 1 FROM json_each(?) AS k WHERE job.id = k.value ->> 0",
    ),
];
