//! Drawing ids from the operating system's generator, and deriving call keys.
//! Invariant: a drawn id is never drawn again; a call's key is the same in every process and attempt.
//! It must not know where an id is used.

use sha2::{Digest, Sha256};

use crate::wire::{CallId, CallKey, DeliveryId, InputId, JobId, OwnerId, QuestionId, SessionId};

/// Letters and digits that are not mistaken for each other when read aloud or typed.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A new session's id: `s-` and 10 characters (50 random bits), short enough to type.
pub fn session_id() -> SessionId {
    SessionId::new(format!("s-{}", characters(10)))
}

/// A new input's id: `i-` and 20 characters (100 random bits).
pub fn input_id() -> InputId {
    InputId::new(format!("i-{}", characters(20)))
}

/// A new delivery's id: `d-` and 20 characters (100 random bits).
pub fn delivery_id() -> DeliveryId {
    DeliveryId::new(format!("d-{}", characters(20)))
}

/// A new notice's id: `n-` and 20 characters (100 random bits).
pub fn notice_id() -> DeliveryId {
    DeliveryId::new(format!("n-{}", characters(20)))
}

/// A new pairing code: 8 characters (40 random bits) as a person reads them, e.g. `K7M2-9Q4X`.
pub fn pairing_code() -> String {
    let mut code = characters(8).to_ascii_uppercase();
    code.insert(4, '-');
    code
}

/// A new question's id: `q-` and 10 characters (50 random bits), short enough to type.
pub fn question_id() -> QuestionId {
    QuestionId::new(format!("q-{}", characters(10)))
}

/// The id of the job that a call becomes: `j-` and the first 12 digits of its key.
pub fn job_id(key: &CallKey) -> JobId {
    let short: String = key.as_str().chars().take(12).collect();
    JobId::new(format!("j-{short}"))
}

/// A new owner's id: `o-` and 20 characters (100 random bits).
pub fn owner_id() -> OwnerId {
    OwnerId::new(format!("o-{}", characters(20)))
}

/// Random text for an external id that nobody else gave: 20 characters (100 random bits).
pub fn external_id() -> String {
    characters(20)
}

/// The key of a call's effect: the first 32 hex digits of SHA-256 over session and call.
pub fn call_key(session: &SessionId, call: CallId) -> CallKey {
    let mut hash = Sha256::new();
    hash.update(session.as_str().as_bytes());
    hash.update([0]);
    hash.update(call.to_string().as_bytes());
    CallKey::new(hex(&hash.finalize()[..16]))
}

/// SHA-256 of some bytes as 64 hex digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        for digit in [byte >> 4, byte & 0xf] {
            text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
        text
    })
}

fn characters(count: usize) -> String {
    let mut bytes = vec![0_u8; count];
    #[expect(
        clippy::expect_used,
        reason = "without the system's generator no id is safe, so nothing may go on"
    )]
    getrandom::fill(&mut bytes).expect("the operating system's random generator answers");
    bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_depends_on_session_and_call_alone() {
        let call = CallId {
            turn: 1,
            step: 2,
            index: 0,
        };
        let key = call_key(&SessionId::new("a"), call);
        assert_eq!(key, call_key(&SessionId::new("a"), call));
        assert_ne!(key, call_key(&SessionId::new("b"), call));
        assert_eq!(key.as_str().len(), 32);
    }

    #[test]
    fn hex_is_lower_case_and_padded() {
        assert_eq!(hex(&[0x0f, 0xa0]), "0fa0");
    }
}
