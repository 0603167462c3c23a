//! `policy.rules`: the person's own rules, as tables in the file or as one line of TOML in a variable.
//! Invariant: a rule that stands here has every field that it needs, and each holds something that it may hold.
//! It must not know what a rule does to a call.

use std::ops::Range;

use corvid_core::PolicyEffect;
use corvid_tools::policy::RuleConfig as Rule;
use toml_edit::{Array, Document, InlineTable, Item, Key, Table, TableLike, Value as Toml};

/// One thing that is wrong with some rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// Where it stands in the text that was read, if that is known.
    pub(crate) span: Option<Range<usize>>,
    /// Which rule, what was found, and what is allowed.
    pub(crate) text: String,
}

/// What is allowed, to stand after "it must be".
pub(super) const ALLOWED: &str = "a list of rules, each with `tool`, `resource` and `effect` (and `reason`, `session`, `person`)";

/// Rules that can be typed, to show how.
pub(super) const EXAMPLE: &str =
    r#"[{ tool = "system.run", resource = "git push*", effect = "ask" }]"#;

/// A field that a rule may have.
struct Field {
    name: &'static str,
    is_needed: bool,
    allowed: &'static str,
    /// Whether a text may stand in it.
    takes: fn(&str) -> bool,
}

const FIELDS: &[Field] = &[
    Field {
        name: "tool",
        is_needed: true,
        allowed: "a tool's name, in which `*` stands for anything",
        takes: is_pattern,
    },
    Field {
        name: "resource",
        is_needed: true,
        allowed: "a command, a path, `host:NAME` (no `https://`, no path), `write:PATH` (`*` stands for anything) or \
                  `unconfined`",
        takes: is_resource,
    },
    Field {
        name: "effect",
        is_needed: true,
        allowed: "\"allow\", \"ask\" or \"deny\"",
        takes: |text| effect(text).is_some(),
    },
    Field {
        name: "reason",
        is_needed: false,
        allowed: "a sentence",
        takes: is_pattern,
    },
    Field {
        name: "session",
        is_needed: false,
        allowed: "a session's name, in which `*` stands for anything",
        takes: is_pattern,
    },
    Field {
        name: "person",
        is_needed: false,
        allowed: "a channel and a person's number in it, e.g. \"terminal:1000\", in which `*` stands for anything",
        takes: |text| is_pattern(text) && text.contains(':'),
    },
];

/// Reads rules from TOML: `[[policy.rules]]` or a list of inline tables.
///
/// # Errors
/// With everything that is wrong; nothing, if it is no list of tables at all.
pub(super) fn from_toml(item: &Item) -> Result<Vec<Rule>, Vec<Flaw>> {
    let tables = tables(item).ok_or_else(Vec::new)?;
    let mut rules = Vec::new();
    let mut flaws = Vec::new();
    for (index, (span, table)) in tables.into_iter().enumerate() {
        match read(table) {
            Ok(rule) => rules.push(rule),
            Err(wrong) => flaws.extend(wrong.into_iter().map(|flaw| Flaw {
                span: flaw.span.or_else(|| span.clone()),
                text: format!("rule {} {}", index + 1, flaw.text),
            })),
        }
    }
    if flaws.is_empty() {
        Ok(rules)
    } else {
        Err(flaws)
    }
}

/// Reads rules from one line of TOML, as [`EXAMPLE`]; no text is no rules.
///
/// # Errors
/// As [`from_toml`].
pub(super) fn from_text(text: &str) -> Result<Vec<Rule>, Vec<Flaw>> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let document = format!("rules = {text}");
    let flaw = |text: String| vec![Flaw { span: None, text }];
    let document = Document::parse(document.as_str()).map_err(|error| {
        let words = error.message().trim().replace('\n', ", ");
        flaw(format!("it is not TOML: {words}"))
    })?;
    let rules = document.get("rules").ok_or_else(Vec::new)?;
    if document.len() > 1 {
        return Err(flaw("something else follows the list".to_owned()));
    }
    // Its places are those in a text that the person has not seen.
    from_toml(rules).map_err(|flaws| {
        let placeless = |flaw: Flaw| Flaw { span: None, ..flaw };
        flaws.into_iter().map(placeless).collect()
    })
}

/// The rules as a TOML value, a rule a line.
pub(super) fn to_toml(rules: &[Rule]) -> Toml {
    let mut list = Array::new();
    for rule in rules {
        let mut table = InlineTable::new();
        table.insert("tool", rule.tool.as_str().into());
        table.insert("resource", rule.resource.as_str().into());
        table.insert("effect", effect_word(rule.effect).into());
        for (name, text) in [
            ("reason", &rule.reason),
            ("session", &rule.session),
            ("person", &rule.person),
        ] {
            if let Some(text) = text {
                table.insert(name, text.as_str().into());
            }
        }
        let mut value = Toml::InlineTable(table);
        value.decor_mut().set_prefix("\n  ");
        list.push_formatted(value);
    }
    if !rules.is_empty() {
        list.set_trailing("\n");
        list.set_trailing_comma(true);
    }
    Toml::Array(list)
}

/// How an effect is written.
pub(crate) fn effect_word(effect: PolicyEffect) -> &'static str {
    match effect {
        PolicyEffect::Allow => "allow",
        PolicyEffect::Ask => "ask",
        PolicyEffect::Deny => "deny",
    }
}

fn effect(text: &str) -> Option<PolicyEffect> {
    [PolicyEffect::Allow, PolicyEffect::Ask, PolicyEffect::Deny]
        .into_iter()
        .find(|effect| effect_word(*effect) == text)
}

/// A table and where it stands in the text, if that is known.
type Placed<'a> = (Option<Range<usize>>, &'a dyn TableLike);

/// The tables of a list; none if it holds anything else.
fn tables(item: &Item) -> Option<Vec<Placed<'_>>> {
    if let Some(tables) = item.as_array_of_tables() {
        let spanned = tables.iter().map(spanned);
        return Some(spanned.collect());
    }
    let list = item.as_array()?;
    list.iter()
        .map(|entry| {
            let table = entry.as_inline_table()?;
            Some((table.span(), table as &dyn TableLike))
        })
        .collect()
}

fn spanned(table: &Table) -> Placed<'_> {
    (table.span(), table)
}

fn read(table: &dyn TableLike) -> Result<Rule, Vec<Flaw>> {
    let mut flaws = Vec::new();
    for (name, _) in table.iter() {
        if !FIELDS.iter().any(|field| field.name == name) {
            let key = table.get_key_value(name).map(|(key, _)| key);
            flaws.push(unknown(name, key));
        }
    }
    let mut texts = FIELDS.iter().map(|field| {
        text(field, table).unwrap_or_else(|flaw| {
            flaws.push(flaw);
            None
        })
    });
    let mut next = || texts.next().flatten();
    let (tool, resource, word) = (next(), next(), next());
    let (reason, session, person) = (next(), next(), next());
    drop(texts);
    match (tool, resource, word.as_deref().and_then(effect)) {
        (Some(tool), Some(resource), Some(effect)) if flaws.is_empty() => Ok(Rule {
            tool,
            resource,
            effect,
            reason,
            session,
            person,
        }),
        _ => Err(flaws),
    }
}

fn text(field: &Field, table: &dyn TableLike) -> Result<Option<String>, Flaw> {
    let Field { name, allowed, .. } = field;
    let Some((key, item)) = table.get_key_value(name) else {
        let lacks = Flaw {
            span: None,
            text: format!("lacks `{name}`; it must be {allowed}"),
        };
        return if field.is_needed {
            Err(lacks)
        } else {
            Ok(None)
        };
    };
    match item.as_str().filter(|text| (field.takes)(text)) {
        Some(text) => Ok(Some(text.to_owned())),
        None => Err(Flaw {
            span: key.span().or_else(|| item.span()),
            text: format!(
                "has the `{name}` {}; it must be {allowed}",
                super::file::shown(item)
            ),
        }),
    }
}

fn unknown(name: &str, key: Option<&Key>) -> Flaw {
    let alike = FIELDS
        .iter()
        .map(|field| (strsim::jaro_winkler(name, field.name), field.name));
    let nearest = alike
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|one, other| one.0.total_cmp(&other.0));
    let guess = match nearest {
        Some((_, near)) => format!("did you mean `{near}`?"),
        None => {
            "a rule has `tool`, `resource`, `effect`, `reason`, `session` and `person`".to_owned()
        }
    };
    Flaw {
        span: key.and_then(Key::span),
        text: format!(
            "has the unknown key `{}`; {guess}",
            corvid_channels::inert_line(name)
        ),
    }
}

fn is_pattern(text: &str) -> bool {
    !text.trim().is_empty() && !text.chars().any(|c| c == '\0')
}

/// A host in another form would match none, and a denying rule would deny nothing.
fn is_resource(text: &str) -> bool {
    let is_host = |host: &str| {
        let is_odd = |c: char| c == '/' || c.is_whitespace();
        !host.is_empty() && !host.contains(is_odd) && !host.ends_with('.')
    };
    is_pattern(text) && text.strip_prefix("host:").is_none_or(is_host)
}
