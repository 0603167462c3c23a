//! Which models can look at pictures, as far as their names tell.
//! Invariant: one table, and a model that it does not know cannot; whoever knows better says so in the config.
//! It must not know how a picture is sent.

use crate::config::Images;

/// What names begin with whose models can look, without the vendor before the slash.
const FAMILIES: &[&str] = &[
    "chatgpt-4o",
    "claude-",
    "gemini-",
    "gemma-3",
    "gemma3",
    "gpt-4-turbo",
    "gpt-4.1",
    "gpt-4.5",
    "gpt-4o",
    "gpt-5",
    "grok-4",
    "llama-4",
    "llama4",
    "mistral-medium",
    "mistral-small",
    "o1",
    "o3",
    "o4",
];

/// Words in names that say it themselves.
const WORDS: &[&str] = &[
    "-vl",
    "llava",
    "minicpm-v",
    "moondream",
    "pixtral",
    "qwen2.5vl",
    "qwen3vl",
    "vision",
];

/// The blind ones of these families.
const BLIND: &[&str] = &[
    "audio",
    "o1-mini",
    "o1-preview",
    "o3-mini",
    "gemma3:1b",
    "gemma-3-1b",
];

/// A router that sends pictures to models that can look.
const ROUTER: &str = "openrouter/auto";

/// Whether pictures are sent to `model`, which is named as its provider calls it.
pub(crate) fn sees(images: Images, model: &str) -> bool {
    match images {
        Images::Always => true,
        Images::Never => false,
        Images::Auto => looks(&model.to_ascii_lowercase()),
    }
}

fn looks(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let says = |words: &[&str]| words.iter().any(|word| name.contains(word));
    let known = FAMILIES.iter().any(|family| name.starts_with(family));
    model == ROUTER || (known || says(WORDS)) && !says(BLIND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_who_can_look() {
        let check = |model: &str, expect: bool| {
            assert_eq!(sees(Images::Auto, model), expect, "{model}");
        };
        for model in [
            "gpt-5-mini",
            "openai/GPT-4o",
            "openrouter/auto",
            "anthropic/claude-sonnet-4.5",
            "google/gemini-2.5-flash",
            "meta-llama/llama-3.2-11b-vision-instruct",
            "Qwen/Qwen2.5-VL-72B-Instruct",
            "gemma3:12b",
            "llava:13b",
            "o3",
        ] {
            check(model, true);
        }
        for model in [
            "openai/gpt-oss-120b",
            "gpt-3.5-turbo",
            "gpt-4o-audio-preview",
            "o3-mini",
            "deepseek/deepseek-chat",
            "qwen3",
            "gemma3:1b",
            "auto",
            "",
        ] {
            check(model, false);
        }
    }

    #[test]
    fn who_knows_better_is_believed() {
        assert!(sees(Images::Always, "deepseek-chat"));
        assert!(!sees(Images::Never, "gpt-5"));
    }
}
