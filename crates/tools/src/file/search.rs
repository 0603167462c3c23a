//! `file.search`: lines that match a regular expression.
//! Invariant: bounded in results, time and memory, however large or strange the files are.
//! It must not know how paths are confined or which files are left out.

use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use corvid_core::wire::Effect;
use corvid_core::{Checked, Invocation, Tool, ToolError, ToolOutput, ToolSpec};
use corvid_sandbox::paths::Roots;
use globset::{GlobBuilder, GlobMatcher};
use grep_matcher::Matcher as _;
use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkMatch};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::walk::{Next, walk};
use super::{checked, named, roots};
use crate::arguments;
use crate::blocking::{self, Leash};
use crate::config::Config;
use crate::display::clean_line;

/// The most matching lines that are shown.
const MATCHES: usize = 200;

/// The longest part of a line that is shown, in characters.
const LINE_CHARS: usize = 200;

/// Bytes of a line shown before a match that lies far in it.
const LEAD: usize = 60;

/// The memory that one line may take, in bytes; a file with a longer one is searched up to it.
const LINE_BYTES: usize = 1024 * 1024;

/// The memory that a compiled expression may take, in bytes.
const EXPRESSION_BYTES: usize = 8 * 1024 * 1024;

/// Searches files.
pub(crate) struct Search {
    spec: ToolSpec,
    config: Arc<Config>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Rust regular expression, for one line.
    pattern: String,
    /// Folder or file; default `.`.
    path: Option<String>,
    /// Only files like `*.rs` or `src/**`.
    glob: Option<String>,
}

/// What is searched for, compiled.
struct Query {
    expression: RegexMatcher,
    path: String,
    glob: Option<GlobMatcher>,
}

impl Search {
    pub(crate) fn new(config: Arc<Config>) -> Self {
        Self {
            spec: ToolSpec {
                name: "file.search".to_owned(),
                description:
                    "Find lines in text files below a folder; leaves out what .gitignore names."
                        .to_owned(),
                parameters: arguments::schema::<Arguments>(),
            },
            config,
        }
    }

    fn query(&self, given: &Value) -> Result<Query, String> {
        let asked: Arguments = arguments::read(&self.spec.parameters, given)?;
        let path = asked.path.unwrap_or_else(|| ".".to_owned());
        named(&path)?;
        let expression = RegexMatcherBuilder::new()
            .line_terminator(Some(b'\n'))
            .size_limit(EXPRESSION_BYTES)
            .dfa_size_limit(EXPRESSION_BYTES)
            .build(&asked.pattern)
            .map_err(|error| format!("argument `pattern` is no regular expression: {error}"))?;
        let glob = asked.glob.as_deref().map(compile).transpose()?;
        Ok(Query {
            expression,
            path,
            glob,
        })
    }
}

#[async_trait]
impl Tool for Search {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn check(&self, given: &Value, working_dir: &Path) -> Result<Checked, String> {
        let query = self.query(given)?;
        Ok(checked(&self.config, Effect::Pure, query.path, working_dir))
    }

    async fn run(&self, call: &Invocation) -> Result<ToolOutput, ToolError> {
        let query = self.query(&call.arguments).map_err(ToolError::Tell)?;
        let (config, working_dir) = (Arc::clone(&self.config), call.working_dir.clone());
        let text = blocking::looking(call, move |leash| {
            search(
                &roots(&config, &working_dir)?,
                &query,
                config.output_chars,
                leash,
            )
        })
        .await?;
        Ok(ToolOutput::text(text))
    }
}

/// A glob over paths: `*` stays within a name, and a pattern without a slash is about names alone.
fn compile(glob: &str) -> Result<GlobMatcher, String> {
    let anywhere = format!(
        "**/{}",
        glob.trim_start_matches("./").trim_start_matches('/')
    );
    GlobBuilder::new(&anywhere)
        .literal_separator(true)
        .build()
        .map(|glob| glob.compile_matcher())
        .map_err(|error| format!("argument `glob` is no glob: {}", error.kind()))
}

fn search(roots: &Roots, query: &Query, limit: usize, leash: &Leash) -> Result<String, ToolError> {
    let mut searcher = SearcherBuilder::new()
        .line_number(true)
        .binary_detection(BinaryDetection::quit(0))
        .heap_limit(Some(LINE_BYTES))
        .build();
    let mut found = Found::new(limit);
    let mut files = 0_u64;
    walk(roots, Path::new(&query.path), leash, |path| {
        let shown = roots.shown(path);
        if query
            .glob
            .as_ref()
            .is_some_and(|glob| !glob.is_match(shown))
        {
            return Ok(Next::Continue);
        }
        let Ok(opened) = roots.open_read(path) else {
            found.unread += 1;
            return Ok(Next::Continue);
        };
        files += 1;
        let mut lines = MatchingLines {
            expression: &query.expression,
            path: shown.to_owned(),
            found: &mut found,
        };
        let reader = Leashed {
            inner: opened.file,
            leash,
        };
        // What cannot be read on (an endless line, a failing disk) keeps the matches up to there.
        if let Err(error) = searcher.search_reader(&query.expression, reader, &mut lines) {
            tracing::debug!(path = %path.display(), %error, "searched in part");
            found.unread += 1;
        }
        leash.check()?;
        Ok(if found.full {
            Next::Enough
        } else {
            Next::Continue
        })
    })?;
    Ok(found.text(files))
}

/// The matching lines so far, bounded.
#[derive(Default)]
struct Found {
    text: String,
    lines: usize,
    chars: usize,
    limit: usize,
    full: bool,
    /// Files that could not be read, or not to their end.
    unread: u64,
}

impl Found {
    fn new(limit: usize) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    fn add(&mut self, line: &str) {
        let length = line.chars().count() + 1;
        if self.lines == MATCHES || self.chars + length > self.limit {
            self.full = true;
            return;
        }
        self.text += line;
        self.text.push('\n');
        self.lines += 1;
        self.chars += length;
    }

    fn text(self, files: u64) -> String {
        let lines = match (self.lines, self.full) {
            (0, false) => format!("no match in {files} files\n"),
            (_, false) => self.text,
            (lines, true) => format!(
                "{}[… more than {lines} lines match; narrow `pattern`, `path` or `glob` …]\n",
                self.text
            ),
        };
        if self.unread == 0 {
            return lines;
        }
        format!(
            "{lines}[… {} files could not be read to their end …]\n",
            self.unread
        )
    }
}

/// Takes the matching lines of one file.
struct MatchingLines<'a> {
    expression: &'a RegexMatcher,
    path: PathBuf,
    found: &'a mut Found,
}

impl Sink for MatchingLines<'_> {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, matched: &SinkMatch<'_>) -> Result<bool, io::Error> {
        let line = matched.bytes();
        let place = self.expression.find(line).ok().flatten();
        // A match far in a long line is shown with a little of what is before it.
        let start = match place.map(|place| place.start()) {
            Some(start) if start > LINE_CHARS => start - LEAD,
            _ => 0,
        };
        let text = String::from_utf8_lossy(&line[start..]);
        let shown = clean_line(text.trim_end(), LINE_CHARS);
        let before = if start > 0 { "…" } else { "" };
        let after = if text.trim_end().chars().nth(LINE_CHARS).is_some() {
            "…"
        } else {
            ""
        };
        let path = clean_line(&self.path.to_string_lossy(), 4_096);
        let number = matched.line_number().unwrap_or(0);
        self.found
            .add(&format!("{path}:{number}: {before}{shown}{after}"));
        Ok(!self.found.full)
    }
}

/// A reader that ends with its call.
struct Leashed<'a, R> {
    inner: R,
    leash: &'a Leash,
}

impl<R: Read> Read for Leashed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.leash.check().is_err() {
            return Err(io::Error::other("the call was ended"));
        }
        self.inner.read(buffer)
    }
}
