-- People, their conversations, and what Corvid says beside replies. Unlike the journal's tables, those of this
-- step that have no session of their own follow from no event. Addresses are channel, account, conversation.

-- The outbox again, now for notices too. The words are in the reply's event or in `notice`; here is where they go
-- and how far they got.
CREATE TABLE outbox (
    number       INTEGER PRIMARY KEY, -- in the order in which they came
    id           TEXT    NOT NULL UNIQUE,
    channel      TEXT    NOT NULL,
    account      TEXT    NOT NULL,
    conversation TEXT    NOT NULL, -- as it was then; see `moved`
    at           INTEGER NOT NULL, -- when it was composed or posted
    session      TEXT,             -- whose reply it is; none for a notice
    seq          INTEGER,          -- of the reply; none for a notice
    state        TEXT    NOT NULL CHECK (state IN ('prepared', 'sending', 'sent', 'failed')),
    owner        TEXT,             -- while it is open: the process that asked, then the one that sends
    external_id  TEXT,             -- the channel's id of what was sent
    reason       TEXT,             -- why it failed for good
    CHECK ((session IS NULL) = (seq IS NULL))
) STRICT;

INSERT INTO outbox (id, channel, account, conversation, at, session, seq, state, owner, external_id, reason)
SELECT d.id, t.value ->> '$.to.channel', t.value ->> '$.to.account', t.value ->> '$.to.conversation', e.at,
       d.session, d.seq, d.state, d.owner, d.external_id, d.reason
FROM delivery AS d
JOIN event AS e ON e.session = d.session AND e.seq = d.seq
JOIN json_each(e.payload, '$.deliveries') AS t ON t.value ->> 'delivery' = d.id
ORDER BY e.at, d.session, d.seq;

DROP TABLE delivery;
ALTER TABLE outbox RENAME TO delivery;

CREATE INDEX delivery_of_session ON delivery (session, seq) WHERE session IS NOT NULL;
CREATE INDEX delivery_open ON delivery (session, seq) WHERE state IN ('prepared', 'sending');
CREATE INDEX delivery_waiting ON delivery (channel, account) WHERE state IN ('prepared', 'sending');
CREATE INDEX notice_ended ON delivery (at) WHERE session IS NULL AND state IN ('sent', 'failed');

-- What a notice says, until it has ended: it may be a pairing code. Its key goes a month later.
CREATE TABLE notice (
    id   TEXT NOT NULL PRIMARY KEY, -- as in `delivery`
    key  TEXT NOT NULL UNIQUE,      -- the same key is the same notice
    text TEXT NOT NULL,
    path TEXT,                      -- of a file that goes with it, absolute
    name TEXT                       -- that the person sees of the file
) STRICT, WITHOUT ROWID;

CREATE TRIGGER notice_said AFTER UPDATE OF state ON delivery
WHEN new.session IS NULL AND new.state IN ('sent', 'failed')
BEGIN
    UPDATE notice SET text = '' WHERE id = new.id;
END;

-- The channels' ids of what was posted, so that it is edited and not posted again.
CREATE TABLE mark (
    post        TEXT    NOT NULL,
    part        INTEGER NOT NULL,
    external_id TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (post, part)
) STRICT, WITHOUT ROWID;

CREATE INDEX mark_age ON mark (at);

CREATE INDEX input_waiting ON input (channel, account, at) WHERE answered_by IS NULL;

-- Who said something in a session, and where; jobs say nothing. Follows from `input.admitted`.
CREATE TABLE speaker (
    channel      TEXT NOT NULL,
    person       TEXT NOT NULL,
    session      TEXT NOT NULL,
    account      TEXT NOT NULL,
    conversation TEXT NOT NULL, -- as it was then; see `moved`
    PRIMARY KEY (channel, person, session, account, conversation)
) STRICT, WITHOUT ROWID;

INSERT INTO speaker (channel, person, session, account, conversation)
SELECT DISTINCT i.channel, e.payload ->> '$.requester.id', i.session, i.account, e.payload ->> '$.origin.conversation'
FROM input AS i
JOIN event AS e ON e.session = i.session AND e.seq = i.seq
WHERE i.job IS NULL;

-- The session in which a conversation goes on.
CREATE TABLE binding (
    channel      TEXT    NOT NULL,
    account      TEXT    NOT NULL,
    conversation TEXT    NOT NULL,
    session      TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    PRIMARY KEY (channel, account, conversation)
) STRICT, WITHOUT ROWID;

CREATE INDEX binding_of_session ON binding (session);

-- Conversations that the messenger has moved. No target has a row of its own, so that one look is enough.
CREATE TABLE moved (
    channel      TEXT NOT NULL,
    account      TEXT NOT NULL,
    conversation TEXT NOT NULL,
    target       TEXT NOT NULL,
    PRIMARY KEY (channel, account, conversation)
) STRICT, WITHOUT ROWID;

-- Conversations that nothing reaches.
CREATE TABLE dead (
    channel      TEXT    NOT NULL,
    account      TEXT    NOT NULL,
    conversation TEXT    NOT NULL,
    reason       TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    PRIMARY KEY (channel, account, conversation)
) STRICT, WITHOUT ROWID;

-- What a session's people chose for its next turns.
CREATE TABLE chosen (
    session     TEXT NOT NULL PRIMARY KEY,
    model       TEXT,
    working_dir TEXT
) STRICT, WITHOUT ROWID;

-- Who was let in.
CREATE TABLE person (
    channel TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    role    TEXT    NOT NULL CHECK (role IN ('owner', 'member')),
    name    TEXT    NOT NULL, -- as they called themselves then; untrusted, and never compared
    since   INTEGER NOT NULL,
    PRIMARY KEY (channel, id)
) STRICT, WITHOUT ROWID;

-- Time zones, also of people whom the config lets in.
CREATE TABLE zone (
    channel TEXT NOT NULL,
    id      TEXT NOT NULL,
    zone    TEXT NOT NULL,
    PRIMARY KEY (channel, id)
) STRICT, WITHOUT ROWID;

-- Who asked to be let in. A row stays until its time is up, so that a person is told of one code an hour.
CREATE TABLE pairing (
    channel      TEXT    NOT NULL,
    person       TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    account      TEXT    NOT NULL,
    conversation TEXT    NOT NULL,
    code         TEXT UNIQUE,      -- SHA-256, hex; none once it is void
    tries        INTEGER NOT NULL, -- wrong codes since it was offered
    offered_at   INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    PRIMARY KEY (channel, person)
) STRICT, WITHOUT ROWID;

-- Commands that were begun, so that each acts at most once. A row goes after a month.
CREATE TABLE command (
    channel     TEXT    NOT NULL,
    account     TEXT    NOT NULL,
    external_id TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    done        INTEGER NOT NULL, -- 0 or 1
    PRIMARY KEY (channel, account, external_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX command_age ON command (at);
