//! What a text may be: a word, a model, an address, a path, the name of a variable.
//! Invariant: pure; nothing here looks at the machine.
//! It must not know any key.

use corvid_llm::PRESETS;

pub(super) fn is_word(text: &str) -> bool {
    !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

pub(super) fn is_model(text: &str) -> bool {
    let provider = text.split('/').next().unwrap_or("");
    let known = PRESETS.iter().any(|preset| preset.name == provider);
    is_word(text) && !text.ends_with('/') && (known || text == "manual")
}

pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

pub(super) fn is_key_variable(name: &str) -> bool {
    PRESETS.iter().any(|preset| preset.key_variable == name)
}

pub(super) fn is_url(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split('/').next()).unwrap_or("");
    !host.is_empty() && !text.contains(['@', '?', '#']) && is_word(text)
}

pub(super) fn is_path(text: &str) -> bool {
    (text.starts_with('/') || text.starts_with("~/")) && !text.contains('\0')
}

/// The number of the bot, a colon, and what proves that one may speak for it.
pub(super) fn is_bot_token(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    text.split_once(':').is_some_and(|(number, secret)| {
        !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && secret.len() >= 20
            && secret.bytes().all(is_letter)
    })
}

pub(super) fn is_zone(text: &str) -> bool {
    jiff::tz::TimeZone::get(text).is_ok()
}
