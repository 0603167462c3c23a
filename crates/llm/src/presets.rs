//! The providers that are known by name, as one table.
//! Invariant: how providers differ is data in this table, never a branch on a provider's name.
//! It must not know keys or what the person configured.

/// The providers that are known by name, in the order in which they are offered.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "openai",
        base_url: Some("https://api.openai.com/v1"),
        base_url_variable: "OPENAI_BASE_URL",
        key_variable: "OPENAI_API_KEY",
        key: KeyRule::Required,
        default_model: Some("gpt-5-mini"),
        context_tokens: 128_000,
        quirks: Quirks::STRICT,
    },
    Preset {
        name: "openrouter",
        base_url: Some("https://openrouter.ai/api/v1"),
        base_url_variable: "OPENROUTER_BASE_URL",
        key_variable: "OPENROUTER_API_KEY",
        key: KeyRule::Required,
        default_model: Some("openrouter/auto"),
        context_tokens: 128_000,
        quirks: Quirks::STRICT,
    },
    Preset {
        name: "together",
        base_url: Some("https://api.together.xyz/v1"),
        base_url_variable: "TOGETHER_BASE_URL",
        key_variable: "TOGETHER_API_KEY",
        key: KeyRule::Required,
        default_model: Some("openai/gpt-oss-120b"),
        context_tokens: 128_000,
        quirks: Quirks::STRICT,
    },
    Preset {
        name: "ollama",
        base_url: Some("http://127.0.0.1:11434/v1"),
        base_url_variable: "OLLAMA_BASE_URL",
        key_variable: "OLLAMA_API_KEY",
        key: KeyRule::Optional,
        default_model: None,
        context_tokens: 8_192,
        quirks: Quirks::STRICT,
    },
    Preset {
        name: "custom",
        base_url: None,
        base_url_variable: "CUSTOM_BASE_URL",
        key_variable: "CUSTOM_API_KEY",
        key: KeyRule::Optional,
        default_model: None,
        context_tokens: 128_000,
        quirks: Quirks::LENIENT,
    },
];

/// What is known of a provider before anybody configures it.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// The name before the slash in `provider/model`.
    pub name: &'static str,
    /// The API's address; `None` where only the person can know it.
    pub base_url: Option<&'static str>,
    /// The environment variable that replaces the address.
    pub base_url_variable: &'static str,
    /// The environment variable that holds the key.
    pub key_variable: &'static str,
    /// Whether it answers without a key.
    pub key: KeyRule,
    /// The model to use where the person named none; `None` where only the person can know it.
    pub default_model: Option<&'static str>,
    /// Tokens of request, unless configured.
    pub context_tokens: u64,
    /// Where its API differs from the others'.
    pub quirks: Quirks,
}

/// Whether a provider wants a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRule {
    /// Without a key it is not asked at all.
    Required,
    /// A key is sent if there is one.
    Optional,
}

/// Where OpenAI-compatible providers differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirks {
    /// How answers are asked for.
    pub streaming: Streaming,
    /// What shows that an answer is whole.
    pub end: EndMark,
}

impl Quirks {
    /// As OpenAI documents it.
    pub(crate) const STRICT: Self = Self {
        streaming: Streaming::WithUsage,
        end: EndMark::Done,
    };
    /// For servers of which nothing is known.
    pub(crate) const LENIENT: Self = Self {
        streaming: Streaming::WithUsage,
        end: EndMark::FinishReason,
    };
}

/// How an answer is asked for. A server that refuses one way is asked the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Streaming {
    /// As a stream that ends with the token counts (`stream_options.include_usage`).
    WithUsage,
    /// As a stream, without asking for counts.
    Plain,
    /// Whole.
    Off,
}

/// What shows that a stream came to its end. A finish reason is required in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndMark {
    /// The `[DONE]` line, which also guards the usage that comes after the finish reason.
    Done,
    /// The finish reason alone, for servers that send no `[DONE]`.
    FinishReason,
}

/// The preset of that name; any other name is a server of which nothing is known, like `custom`.
pub(crate) fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_variables_are_told_apart() {
        for (index, one) in PRESETS.iter().enumerate() {
            for other in &PRESETS[index + 1..] {
                assert_ne!(one.name, other.name);
                assert_ne!(one.key_variable, other.key_variable);
                assert_ne!(one.base_url_variable, other.base_url_variable);
            }
        }
    }

    #[test]
    fn a_key_never_travels_in_the_clear_unless_configured_so() {
        for preset in PRESETS.iter().filter(|p| p.key == KeyRule::Required) {
            let url = preset.base_url.unwrap_or_default();
            assert!(url.starts_with("https://"), "{}", preset.name);
        }
    }
}
