//! Pictures on their way to a model: which go, to whom, and what happens when they are refused.
//! Invariant: verdicts come from what the server saw.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use corvid_core::wire::Fault as Outcome;
use corvid_core::{Answer, Clock, Image, Message, ModelError, Models as _, Picture, Pictures};
use corvid_llm::{Config, Images, ProviderConfig, catalogue};
use corvid_testkit::ManualClock;
use corvid_testkit::model_server::{Entry, Fault, ModelServer, Reply, Script, When};
use serde_json::{Value, json};

use crate::scene::{Ear, KEY, assistant, configured, request, user};

/// Pictures by their paths.
struct Folder(HashMap<&'static str, &'static [u8]>);

#[async_trait]
impl Pictures for Folder {
    async fn read(&self, image: &Image) -> Option<Picture> {
        assert_eq!(image.folder, "/work");
        Picture::of(self.0.get(image.path.as_str())?.to_vec())
    }
}

/// A server, and a provider whose models are sent the pictures of a folder.
struct Scene {
    server: ModelServer,
    ear: Ear,
    models: corvid_llm::Catalogue,
}

impl Scene {
    fn new(script: Script, images: Images) -> Self {
        let server = ModelServer::start(script.key(KEY)).expect("a free port");
        let clock = Arc::new(ManualClock::new(1_700_000_000_000));
        let provider = ProviderConfig {
            images,
            ..configured("custom", &server.url())
        };
        let config = Config {
            providers: vec![provider],
            ..Config::default()
        };
        let files: [(&str, &[u8]); 6] = [
            ("a.png", b"\x89PNG\r\n\x1a\na"),
            ("b.jpg", b"\xff\xd8\xffb"),
            ("c.gif", b"GIF89ac"),
            ("d.webp", b"RIFF....WEBPd"),
            ("e.png", b"GIF89ae"),
            ("f.png", b"no picture"),
        ];
        Self {
            models: catalogue(config, Arc::clone(&clock) as Arc<dyn Clock>)
                .seeing(Arc::new(Folder(HashMap::from(files)))),
            ear: Ear::new(clock),
            server,
        }
    }

    async fn ask(&self, messages: impl IntoIterator<Item = Message>) -> Result<Answer, ModelError> {
        self.ask_of("custom/scripted", messages).await
    }

    async fn ask_of(
        &self,
        model: &str,
        messages: impl IntoIterator<Item = Message>,
    ) -> Result<Answer, ModelError> {
        let model = self.models.open(model).expect("a configured model");
        model.answer(&request(messages), &self.ear).await
    }

    /// What the server was asked, once it is certain that nothing was wrong with it.
    fn asked(&self) -> Vec<Entry> {
        assert_eq!(self.server.violations(), [] as [String; 0]);
        self.server.ledger()
    }
}

/// A message with pictures, as the fold makes it.
fn showing(text: &str, paths: &[&str]) -> Message {
    let images = paths.iter().map(|path| Image {
        folder: "/work".to_owned(),
        path: (*path).to_owned(),
        media_type: "image/png".to_owned(),
    });
    Message::User {
        text: text.to_owned(),
        images: images.collect(),
    }
}

/// The content of the messages that people wrote, each as text or as `text + picture + …`.
fn contents(entry: &Entry) -> Vec<String> {
    let messages = entry.body["messages"].as_array().expect("a list").iter();
    let said = messages.filter(|message| message["role"] == "user");
    let part = |part: &Value| match part["image_url"]["url"].as_str() {
        Some(url) => url.to_owned(),
        None => part["text"].as_str().unwrap_or_default().to_owned(),
    };
    said.map(|message| match &message["content"] {
        Value::Array(parts) => parts.iter().map(part).collect::<Vec<_>>().join(" + "),
        text => text.as_str().unwrap_or_default().to_owned(),
    })
    .collect()
}

const PNG: &str = "data:image/png;base64,iVBORw0KGgph";
const JPEG: &str = "data:image/jpeg;base64,/9j/Yg==";
const GIF: &str = "data:image/gif;base64,R0lGODlhYw==";
const WEBP: &str = "data:image/webp;base64,UklGRi4uLi5XRUJQZA==";
const NAMED_PNG: &str = "data:image/gif;base64,R0lGODlhZQ==";

#[tokio::test]
async fn the_newest_four_go_as_what_they_are() {
    let scene = Scene::new(Script::echo(), Images::Always);
    let asked = scene.ask([
        showing("first", &["a.png"]),
        assistant(1, "I see.", &[]),
        showing("more", &["b.jpg", "c.gif"]),
        assistant(2, "Yes.", &[]),
        showing("last", &["d.webp", "e.png"]),
    ]);
    asked.await.expect("an answer");
    let expect = [
        "first".to_owned(),
        format!("more + {JPEG} + {GIF}"),
        format!("last + {WEBP} + {NAMED_PNG}"),
    ];
    assert_eq!(contents(&scene.asked()[0]), expect);
}

#[tokio::test]
async fn what_is_gone_or_no_picture_is_left_out() {
    let scene = Scene::new(Script::echo(), Images::Always);
    let asked = scene.ask([showing("look", &["gone.png", "f.png", "a.png"])]);
    asked.await.expect("an answer");
    assert_eq!(contents(&scene.asked()[0]), [format!("look + {PNG}")]);
    let asked = scene.ask([showing("look", &["gone.png"])]);
    asked.await.expect("an answer");
    let plain = &scene.asked()[1].body["messages"][1]["content"];
    assert_eq!(*plain, json!("look"), "text alone stays text");
}

#[tokio::test]
async fn only_who_can_look_is_shown_something() {
    for (images, model, expect) in [
        (Images::Auto, "custom/gpt-4o", true),
        (Images::Auto, "custom/scripted", false),
        (Images::Always, "custom/scripted", true),
        (Images::Never, "custom/gpt-4o", false),
    ] {
        let scene = Scene::new(Script::echo(), images);
        let asked = scene.ask_of(model, [showing("look", &["a.png"])]);
        asked.await.expect("an answer");
        let shown = contents(&scene.asked()[0])[0].contains(PNG);
        assert_eq!(shown, expect, "{images:?} {model}");
    }
}

#[tokio::test]
async fn who_refuses_pictures_is_asked_once_more_without() {
    for refusal in [
        Fault::status(400, "invalid_request_error", "bad content"),
        Fault::status(404, "not_found", "No endpoints support image input"),
        Fault::status(413, "too_large", "the request is too large"),
        Fault::status(422, "invalid", "content must be a string"),
    ] {
        let script = Script::new()
            .on(When::any().pictures(0), Reply::text("blind"))
            .on(When::any().pictures(1), Reply::fault(refusal));
        let scene = Scene::new(script, Images::Always);
        for _ in 0..2 {
            let answer = scene.ask([showing("look", &["a.png"])]).await;
            assert_eq!(answer.expect("an answer").text, "blind");
        }
        // What was refused once is not sent again; another picture is.
        let answer = scene.ask([showing("look", &["b.jpg"])]).await;
        assert_eq!(answer.expect("an answer").text, "blind");
        let shown: Vec<bool> = scene
            .asked()
            .iter()
            .map(|entry| contents(entry)[0].contains("data:"))
            .collect();
        assert_eq!(shown, [true, false, false, true, false]);
    }
}

#[tokio::test]
async fn what_is_wrong_without_pictures_too_is_told_and_not_blamed_on_them() {
    let invalid = || Reply::fault(Fault::status(400, "invalid", "no such setting"));
    let script = Script::in_order([invalid(), invalid(), Reply::text("seen")]);
    let scene = Scene::new(script, Images::Always);
    let error = scene.ask([showing("look", &["a.png"])]).await;
    let error = error.expect_err("refused twice");
    assert_eq!(error.fault, Outcome::Final);
    assert_eq!(
        error.message,
        "custom refused the request (400): no such setting"
    );
    scene
        .ask([showing("look", &["a.png"])])
        .await
        .expect("seen");
    assert!(contents(&scene.asked()[2])[0].contains(PNG));
}

#[tokio::test]
async fn a_key_that_is_refused_is_refused_once() {
    let script = Script::in_order([Reply::fault(Fault::status(401, "invalid_api_key", ""))]);
    let scene = Scene::new(script, Images::Always);
    let error = scene.ask([showing("look", &["a.png"]), user("now")]).await;
    assert_eq!(error.expect_err("refused").fault, Outcome::Final);
    assert_eq!(scene.asked().len(), 1);
}
