-- The journal and what is derived from it. `event` is the truth; every other table is written in the
-- transaction of the events it follows from. Times are milliseconds since the Unix epoch, UTC.

CREATE TABLE event (
    session TEXT    NOT NULL,
    seq     INTEGER NOT NULL, -- gapless from 1 within the session
    at      INTEGER NOT NULL,
    kind    TEXT    NOT NULL,
    version INTEGER NOT NULL, -- of the payload's shape
    payload TEXT    NOT NULL, -- JSON
    UNIQUE (session, seq)
) STRICT;

CREATE TABLE session (
    id               TEXT    NOT NULL PRIMARY KEY,
    working_dir      TEXT    NOT NULL,
    opened_at        INTEGER NOT NULL,
    last_at          INTEGER NOT NULL,
    head             INTEGER NOT NULL, -- the newest event's seq
    turns            INTEGER NOT NULL,
    transcript_bytes INTEGER NOT NULL, -- of text that the model would be shown, since the first event
    title            TEXT              -- the first input's text, clipped
) STRICT, WITHOUT ROWID;

-- Places of rest: right after such an event no input of the session was open. A lane begins to read at one.
CREATE TABLE rest (
    session          TEXT    NOT NULL,
    transcript_bytes INTEGER NOT NULL, -- up to and with the event
    seq              INTEGER NOT NULL,
    turn             INTEGER NOT NULL, -- the turn that ended there
    PRIMARY KEY (session, transcript_bytes, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE input (
    id          TEXT    NOT NULL PRIMARY KEY,
    session     TEXT    NOT NULL,
    seq         INTEGER NOT NULL, -- of its admission
    at          INTEGER NOT NULL,
    channel     TEXT    NOT NULL,
    account     TEXT    NOT NULL,
    external_id TEXT    NOT NULL,
    body_hash   TEXT    NOT NULL, -- SHA-256, hex, of what the person said
    owner       TEXT    NOT NULL, -- the process that admitted it
    job         TEXT,             -- the job whose end it tells; none for what a person said
    answered_by INTEGER,          -- the seq of the reply; none while the input is open
    UNIQUE (channel, account, external_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX input_open ON input (session) WHERE answered_by IS NULL;
CREATE INDEX input_latest ON input (channel, account, at) WHERE job IS NULL;

-- The outbox. What is to be sent is in the reply's event; here is only how far it got.
CREATE TABLE delivery (
    id          TEXT    NOT NULL PRIMARY KEY,
    session     TEXT    NOT NULL,
    seq         INTEGER NOT NULL, -- of the reply
    state       TEXT    NOT NULL CHECK (state IN ('prepared', 'sending', 'sent', 'failed')),
    owner       TEXT,             -- while it is open: the process that asked, then the one that sends
    external_id TEXT,             -- the channel's id of what was sent
    reason      TEXT              -- why it failed for good
) STRICT, WITHOUT ROWID;

CREATE INDEX delivery_of_session ON delivery (session, seq);
CREATE INDEX delivery_open ON delivery (session, seq) WHERE state IN ('prepared', 'sending');

-- What is asked, and with what a question ended, is in the events; here is which of them are open.
CREATE TABLE question (
    id       TEXT    NOT NULL PRIMARY KEY,
    session  TEXT    NOT NULL,
    seq      INTEGER NOT NULL, -- of `question.asked`
    ended_by INTEGER           -- the seq of what answered it or made it void; none while it is open
) STRICT, WITHOUT ROWID;

CREATE INDEX question_open ON question (session) WHERE ended_by IS NULL;

-- What was allowed for the rest of a session.
CREATE TABLE granted (
    session TEXT    NOT NULL,
    binding TEXT    NOT NULL, -- of the approval: SHA-256, hex
    seq     INTEGER NOT NULL, -- of the first answer that allowed it
    PRIMARY KEY (session, binding)
) STRICT, WITHOUT ROWID;

-- What a job does, and how it ended, is in the events.
CREATE TABLE job (
    id       TEXT    NOT NULL PRIMARY KEY,
    session  TEXT    NOT NULL,
    seq      INTEGER NOT NULL, -- of `job.started`
    owner    TEXT    NOT NULL, -- the process that began it
    ended_by INTEGER           -- the seq of `job.finished`; none while it is open
) STRICT, WITHOUT ROWID;

CREATE INDEX job_of_session ON job (session, seq);
CREATE INDEX job_open ON job (session, seq) WHERE ended_by IS NULL;

CREATE TABLE claim (
    resource TEXT    NOT NULL PRIMARY KEY, -- `session/<id>`
    owner    TEXT    NOT NULL,
    epoch    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
