//! `send_file`: a file for the person, beside the reply.
//! Invariant: what `file.read` may not touch is not sent; a card shows which bytes would be, and an answer is bound to
//! them.
//! It must not know how a file is sent, nor whether it arrived.

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use corvid_core::draw::sha256_hex;
use corvid_core::redact::{MARK, is_marked};
use corvid_core::wire::{Card, CardForm, Effect};
use corvid_core::{
    Checked, FileToSend, Invocation, Preview, Sent, Tool, ToolError, ToolOutput, ToolSpec,
};
use corvid_sandbox::paths::{Opened, Roots};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::Config;
use crate::file::{checked, named, roots, told};
use crate::{arguments, blocking};

/// The longest caption, in characters; a longer one would be a message of its own.
const CAPTION_CHARS: usize = 1_000;

/// Sends a file.
pub(crate) struct SendFile {
    spec: ToolSpec,
    config: Arc<Config>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Arguments {
    path: String,
    caption: Option<String>,
}

impl SendFile {
    pub(crate) fn new(config: Arc<Config>) -> Self {
        Self {
            spec: ToolSpec {
                name: "send_file".to_owned(),
                description: "Send the person a file, up to 50 MB.".to_owned(),
                parameters: arguments::schema::<Arguments>(),
            },
            config,
        }
    }

    fn asked(&self, given: &Value) -> Result<Arguments, String> {
        let asked: Arguments = arguments::read(&self.spec.parameters, given)?;
        named(&asked.path)?;
        let length = asked.caption.as_deref().unwrap_or("").chars().count();
        if length > CAPTION_CHARS {
            return Err(format!(
                "argument `caption` has {length} characters; it may have {CAPTION_CHARS}, so say the rest in your answer"
            ));
        }
        if is_marked(&given.to_string()) {
            return Err(format!(
                "the arguments hold the mark `{MARK}`, which stands for a secret that you cannot see; leave it out"
            ));
        }
        Ok(asked)
    }

    /// Looks at the file that is meant, off the async threads.
    async fn with<T: Send + 'static>(
        &self,
        call: &Invocation,
        look: impl FnOnce(&Roots, Arguments, Opened) -> Result<T, ToolError> + Send + 'static,
    ) -> Result<T, ToolError> {
        let asked = self.asked(&call.arguments).map_err(ToolError::Tell)?;
        let (config, working_dir) = (Arc::clone(&self.config), call.working_dir.clone());
        blocking::looking(call, move |_| {
            let roots = roots(&config, &working_dir)?;
            let opened = roots.open_read(Path::new(&asked.path)).map_err(told)?;
            sendable(&asked.path, opened.stat.len).map_err(ToolError::Tell)?;
            look(&roots, asked, opened)
        })
        .await
    }
}

#[async_trait]
impl Tool for SendFile {
    fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    fn check(&self, given: &Value, working_dir: &Path) -> Result<Checked, String> {
        let asked = self.asked(given)?;
        let effect = Effect::Idempotent;
        Ok(checked(&self.config, effect, asked.path, working_dir))
    }

    async fn preview(&self, call: &Invocation) -> Result<Preview, ToolError> {
        let folder = call.working_dir.display().to_string();
        self.with(call, |roots, asked, opened| {
            preview(folder, roots, asked, opened)
        })
        .await
    }

    async fn run(&self, call: &Invocation) -> Result<ToolOutput, ToolError> {
        let (key, to) = (call.key.clone(), call.origin.clone());
        let (file, path, bytes) = self
            .with(call, |_, asked, opened| {
                let file = FileToSend {
                    key,
                    to,
                    name: name(&asked.path),
                    caption: asked.caption.unwrap_or_default(),
                    file: opened.file,
                };
                Ok((file, asked.path, opened.stat.len))
            })
            .await?;
        let name = file.name.clone();
        let sent = call.posts.send_file(file).await.map_err(ToolError::Tell)?;
        Ok(ToolOutput::text(match sent {
            Sent::OnItsWay => format!("`{name}` ({bytes} bytes) is on its way to the person"),
            Sent::SeenThere => format!(
                "nothing was sent, since the person has the working folder before them; tell them that the file is \
                 `{path}`"
            ),
        }))
    }
}

/// Whether a file of that size can be sent.
fn sendable(path: &str, bytes: u64) -> Result<(), String> {
    match bytes {
        0 => Err(format!("`{path}` is empty; there is nothing to send")),
        _ if bytes > FileToSend::MAX_BYTES => Err(format!(
            "`{path}` has {bytes} bytes, and at most {} can be sent; send a smaller part or an archive of it",
            FileToSend::MAX_BYTES
        )),
        _ => Ok(()),
    }
}

/// The name that the person sees: that of the path that was asked for.
fn name(path: &str) -> String {
    let last = Path::new(path).file_name();
    let last = last.map_or_else(|| "file".into(), |name| name.to_string_lossy());
    last.chars().filter(|c| !c.is_control()).collect()
}

/// What a person is shown before the file is sent. Blocks.
fn preview(
    folder: String,
    roots: &Roots,
    asked: Arguments,
    opened: Opened,
) -> Result<Preview, ToolError> {
    let Opened { file, stat } = opened;
    let mut content = Vec::new();
    file.take(FileToSend::MAX_BYTES)
        .read_to_end(&mut content)
        .map_err(|error| ToolError::Tell(format!("`{}` cannot be read: {error}", asked.path)))?;
    let hash = sha256_hex(&content);
    let caption = asked.caption.unwrap_or_default();
    let facts = [
        ("folder", folder),
        ("file", roots.shown(&stat.path).display().to_string()),
        ("bytes", content.len().to_string()),
        ("sha256", hash.clone()),
    ];
    Ok(Preview {
        binding: json!({ "file": stat.path.to_string_lossy(), "sha256": hash, "caption": caption }),
        card: Card {
            title: "send a file to this conversation".to_owned(),
            facts: facts.map(|(name, value)| (name.to_owned(), value)).into(),
            body: caption,
            form: CardForm::Text,
        },
        repeatable: true,
    })
}
