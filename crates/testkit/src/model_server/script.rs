//! When a scripted model says what: rules that match a request, and who may ask at all.
//! Invariant: plain data, the same in code and in a JSON file; which rule answers depends on the request
//! and on how often each rule has answered, never on time.
//! It must not know HTTP, nor what a reply is made of.

use serde::{Deserialize, Serialize};

use super::reply::Reply;

/// A script: the first rule that matches and is not used up answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Script {
    /// Who may ask.
    pub access: Access,
    /// The models that exist; empty means that every name is known. Listed by `GET /v1/models`.
    pub models: Vec<String>,
    /// The rules, in order.
    pub rules: Vec<Rule>,
    /// The answer where no rule matches; without one such a request is a violation.
    pub otherwise: Option<Reply>,
}

/// Who may ask.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Whoever sends a bearer token, whichever it is.
    #[default]
    AnyKey,
    /// Whoever sends this bearer token; anybody else gets a 401.
    Key(String),
    /// Everybody; a token is a violation, since it was not meant for this server.
    Open,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The requests that it answers.
    #[serde(default)]
    pub when: When,
    /// The answer.
    pub reply: Reply,
    /// How often it answers; without it, always.
    #[serde(default)]
    pub times: Option<u32>,
}

/// A condition; whatever is left out matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// The last user message holds this text.
    pub user: Option<String>,
    /// So many tool results follow the last user message.
    pub results: Option<usize>,
    /// The last tool result holds this text.
    pub result: Option<String>,
    /// The system prompt holds this text.
    pub system: Option<String>,
    /// The model asked for.
    pub model: Option<String>,
    /// So many pictures are in the transcript.
    pub pictures: Option<usize>,
}

impl Script {
    /// A script without rules: every request is a violation until some are added.
    pub fn new() -> Self {
        Self::default()
    }

    /// A model that repeats the last user message as `you said: …`, and ends a tool turn with
    /// `done: …`.
    pub fn echo() -> Self {
        Self::new()
            .on(When::any().results(0), Reply::text("you said: {{user}}"))
            .otherwise(Reply::text("done: {{user}}"))
    }

    /// Answers the requests in the order in which they come; one more than there are replies is a violation.
    pub fn in_order(replies: impl IntoIterator<Item = Reply>) -> Self {
        replies
            .into_iter()
            .fold(Self::new(), |script, reply| script.once(When::any(), reply))
    }

    /// Adds a rule that answers whenever it matches.
    #[must_use]
    pub fn on(mut self, when: When, reply: Reply) -> Self {
        self.rules.push(Rule {
            when,
            reply,
            times: None,
        });
        self
    }

    /// Adds a rule that answers once.
    #[must_use]
    pub fn once(self, when: When, reply: Reply) -> Self {
        self.times(1, when, reply)
    }

    /// Adds a rule that answers so many times.
    #[must_use]
    pub fn times(mut self, times: u32, when: When, reply: Reply) -> Self {
        self.rules.push(Rule {
            when,
            reply,
            times: Some(times),
        });
        self
    }

    /// Answers where no rule matches.
    #[must_use]
    pub fn otherwise(mut self, reply: Reply) -> Self {
        self.otherwise = Some(reply);
        self
    }

    /// Lets in only who sends this key.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.access = Access::Key(key.into());
        self
    }

    /// Lets in everybody, as a local server does.
    #[must_use]
    pub fn open(mut self) -> Self {
        self.access = Access::Open;
        self
    }

    /// Knows these models alone.
    #[must_use]
    pub fn models(mut self, models: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.models = models.into_iter().map(Into::into).collect();
        self
    }
}

impl When {
    /// Matches every request.
    pub fn any() -> Self {
        Self::default()
    }

    /// Matches where the last user message holds `text`.
    pub fn user(text: impl Into<String>) -> Self {
        Self {
            user: Some(text.into()),
            ..Self::default()
        }
    }

    /// And so many tool results follow it.
    #[must_use]
    pub fn results(mut self, count: usize) -> Self {
        self.results = Some(count);
        self
    }

    /// And the last tool result holds `text`.
    #[must_use]
    pub fn result(mut self, text: impl Into<String>) -> Self {
        self.result = Some(text.into());
        self
    }

    /// And the system prompt holds `text`.
    #[must_use]
    pub fn system(mut self, text: impl Into<String>) -> Self {
        self.system = Some(text.into());
        self
    }

    /// And so many pictures are in the transcript.
    #[must_use]
    pub fn pictures(mut self, count: usize) -> Self {
        self.pictures = Some(count);
        self
    }

    /// And this model is asked for.
    #[must_use]
    pub fn model(mut self, name: impl Into<String>) -> Self {
        self.model = Some(name.into());
        self
    }
}
