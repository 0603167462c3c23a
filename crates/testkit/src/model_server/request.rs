//! A request as the script sees it: who said what last, what is offered, how the answer is wanted.
//! Invariant: reads any JSON without failing; whether the request is valid is not decided here.
//! It must not know the rules.

use serde_json::Value;

use super::script::When;

/// What rules and replies need of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    /// The model asked for.
    pub(super) model: String,
    /// The system prompt.
    pub(super) system: String,
    /// The last user message.
    pub(super) user: String,
    /// The tool results after the last user message, in order.
    pub(super) results: Vec<String>,
    /// The pictures in the transcript.
    pub(super) pictures: usize,
    /// The names of the tools on offer.
    pub(super) offered: Vec<String>,
    /// Whether the answer is streamed.
    pub(super) stream: bool,
    /// Whether the stream tells the usage.
    pub(super) include_usage: bool,
}

impl Request {
    /// Reads a request's body.
    pub(super) fn read(body: &Value) -> Self {
        let mut request = Self {
            model: text_of(&body["model"]),
            offered: list(&body["tools"])
                .map(|tool| text_of(&tool["function"]["name"]))
                .collect(),
            stream: body["stream"] == true,
            include_usage: body["stream_options"]["include_usage"] == true,
            ..Self::default()
        };
        for message in list(&body["messages"]) {
            let text = text_of(&message["content"]);
            let parts = list(&message["content"]);
            request.pictures += parts.filter(|part| part["type"] == "image_url").count();
            match message["role"].as_str() {
                Some("system" | "developer") => request.system = text,
                Some("user") => {
                    request.user = text;
                    request.results.clear();
                }
                Some("tool") => request.results.push(text),
                _ => {}
            }
        }
        request
    }

    /// Whether a condition holds.
    pub(super) fn meets(&self, when: &When) -> bool {
        let holds = |asked: &Option<String>, text: &str| {
            asked.as_ref().is_none_or(|asked| text.contains(asked))
        };
        let last_result = self.results.last().map_or("", String::as_str);
        holds(&when.user, &self.user)
            && holds(&when.result, last_result)
            && holds(&when.system, &self.system)
            && when.results.is_none_or(|count| count == self.results.len())
            && when.pictures.is_none_or(|count| count == self.pictures)
            && when.model.as_ref().is_none_or(|model| *model == self.model)
    }

    /// Fills in `{{user}}` and `{{result}}`.
    pub(super) fn fill(&self, text: &str) -> String {
        let last_result = self.results.last().map_or("", String::as_str);
        text.replace("{{user}}", &self.user)
            .replace("{{result}}", last_result)
    }

    /// Fills them in within JSON text, whose strings they stand in.
    pub(super) fn fill_json(&self, text: &str) -> String {
        let last_result = self.results.last().map_or("", String::as_str);
        text.replace("{{user}}", &inside_json(&self.user))
            .replace("{{result}}", &inside_json(last_result))
    }

    /// The name under which a tool is offered: names may spell the dot as they like. One that is not
    /// offered keeps its name, its dots as underscores.
    pub(super) fn offered_name(&self, name: &str) -> String {
        let letters = |name: &str| name.replace(['.', '_', '-'], "");
        let found = self
            .offered
            .iter()
            .find(|offered| *offered == name)
            .or_else(|| {
                let plain = letters(name);
                self.offered
                    .iter()
                    .find(|offered| letters(offered) == plain)
            });
        found.map_or_else(|| name.replace('.', "_"), Clone::clone)
    }
}

/// The elements of an array; none for anything else.
pub(super) fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// A text, or the texts of a list of text parts.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(|part| text_of(&part["text"])).collect(),
        _ => String::new(),
    }
}

/// Text as it stands between the quotation marks of a JSON string.
fn inside_json(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request() -> Request {
        Request::read(&json!({
            "model": "m",
            "stream": true,
            "messages": [
                { "role": "system", "content": "be brief" },
                { "role": "user", "content": "old" },
                { "role": "user", "content": [{ "type": "text", "text": "say \"hi\"" }] },
                { "role": "assistant", "content": null },
                { "role": "tool", "content": "one" },
                { "role": "tool", "content": "two" },
            ],
            "tools": [{ "function": { "name": "file_read" } }],
        }))
    }

    #[test]
    fn conditions_look_at_the_end_of_the_transcript() {
        let check =
            |when: When, expect: bool| assert_eq!(request().meets(&when), expect, "{when:?}");
        check(When::any(), true);
        check(When::user("hi").results(2).result("two"), true);
        check(When::user("old"), false);
        check(When::any().results(0), false);
        check(When::any().system("brief").model("m"), true);
        check(When::any().model("n"), false);
    }

    #[test]
    fn templates_stay_valid_in_json() {
        assert_eq!(request().fill("<{{user}}>"), "<say \"hi\">");
        assert_eq!(
            request().fill_json(r#"{"note":"{{user}}"}"#),
            r#"{"note":"say \"hi\""}"#
        );
    }

    #[test]
    fn a_call_goes_out_under_the_offered_name() {
        assert_eq!(request().offered_name("file.read"), "file_read");
        assert_eq!(request().offered_name("moon.land"), "moon_land");
    }
}
