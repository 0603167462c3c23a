//! A file that a call sends, from the call to the messenger.

use corvid_core::wire::Effect;
use corvid_core::{
    Checked, Content, DeliverError, FileToSend, Invocation, Sent, ToolError, ToolOutput, ToolSpec,
};
use serde_json::{Value, json};

use super::*;

/// Sends a file that holds `from the call`.
struct Sender(ToolSpec);

impl Sender {
    fn tool() -> Arc<dyn Tool> {
        Arc::new(Self(ToolSpec {
            name: "send".to_owned(),
            description: "Sends a file.".to_owned(),
            parameters: json!({ "type": "object", "properties": {} }),
        }))
    }
}

#[async_trait]
impl Tool for Sender {
    fn spec(&self) -> &ToolSpec {
        &self.0
    }

    fn check(&self, _arguments: &Value, _working_dir: &Path) -> Result<Checked, String> {
        Ok(Checked {
            effect: Effect::Idempotent,
            resource: "file".to_owned(),
            also: Vec::new(),
            wider: None,
            timeout_ms: 30_000,
            inquiry: None,
        })
    }

    async fn run(&self, call: &Invocation) -> Result<ToolOutput, ToolError> {
        let path = call.working_dir.join("file");
        std::fs::write(&path, "from the call").unwrap();
        let file = FileToSend {
            key: call.key.clone(),
            to: call.origin.clone(),
            file: std::fs::File::open(&path).unwrap(),
            name: "plan.txt".to_owned(),
            caption: "The plan".to_owned(),
        };
        let sent = call.posts.send_file(file).await;
        std::fs::remove_file(&path).unwrap();
        assert_eq!(sent, Ok(Sent::OnItsWay));
        Ok(ToolOutput::text("on its way"))
    }
}

#[tokio::test]
async fn a_file_arrives_before_the_reply_and_leaves_no_copy() {
    let daemon = Daemon::with(vec![Sender::tool()]).await;
    let busy = DeliverError::Retry {
        reason: "busy".to_owned(),
        after_ms: None,
    };
    daemon.messenger.fails("The plan", busy);
    daemon.says("a", "call send").await;
    daemon.wait_out(START + 1_000).await;
    let sent = daemon.messenger.deliveries(2).await;
    let Content::File { path, name } = &sent[0].content else {
        panic!("a file is sent: {sent:?}");
    };
    assert_eq!(sent[0].to, at("a"));
    assert_eq!(
        (name.as_str(), sent[0].text.as_str()),
        ("plan.txt", "The plan")
    );
    assert_eq!(sent[1].text, "it said: on its way");
    assert!(path.starts_with(daemon.home.path().join("outputs")));
    assert!(!path.exists(), "it was sent");
}

#[tokio::test]
async fn a_file_that_is_refused_leaves_no_copy_either() {
    let daemon = Daemon::with(vec![Sender::tool()]).await;
    let gone = DeliverError::Gone("too large".to_owned());
    daemon.messenger.fails("The plan", gone);
    daemon.says("a", "call send").await;
    assert_eq!(daemon.messenger.sent(1).await, ["a: it said: on its way"]);
    let folder = daemon.home.path().join("outputs/.outgoing");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
}
