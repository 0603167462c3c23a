//! The pictures that go with one request, as they are sent.
//! Invariant: the newest of the transcript, so many at most; what is no picture any more is left out, and the text
//! names it all the same.
//! It must not know where a picture lies, nor which model looks at it.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use corvid_core::{Image, Message, ModelRequest, Picture, Pictures};

/// The most pictures of a request: they are sent again with every step.
const AT_MOST: usize = 4;

/// Pictures of a request by where they come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    urls: HashMap<Image, String>,
}

impl Shown {
    /// These pictures.
    pub fn new(pictures: impl IntoIterator<Item = (Image, Picture)>) -> Self {
        let pictures = pictures.into_iter();
        Self {
            urls: pictures
                .map(|(image, picture)| (image, data_url(&picture)))
                .collect(),
        }
    }

    /// Loads the newest pictures of a request, those left out that `passes` refuses.
    pub(super) async fn load(
        request: &ModelRequest,
        pictures: &dyn Pictures,
        passes: impl Fn(&Image) -> bool,
    ) -> Self {
        let mut loaded = Vec::new();
        for image in newest(request) {
            if passes(image)
                && let Some(picture) = pictures.read(image).await
            {
                loaded.push((image.clone(), picture));
            }
        }
        Self::new(loaded)
    }

    /// Where they come from.
    pub(super) fn images(&self) -> impl Iterator<Item = &Image> {
        self.urls.keys()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.urls.is_empty()
    }

    /// The picture as a URL that holds it whole.
    pub(super) fn url(&self, image: &Image) -> Option<&str> {
        self.urls.get(image).map(String::as_str)
    }
}

/// The newest pictures of a transcript.
fn newest(request: &ModelRequest) -> Vec<&Image> {
    let messages = request.messages.iter().rev();
    let images = messages.flat_map(|message| match &**message {
        Message::User { images, .. } => images.iter().rev(),
        Message::Assistant { .. } | Message::Tool { .. } => [].iter().rev(),
    });
    let mut newest = Vec::with_capacity(AT_MOST);
    for image in images {
        if newest.len() == AT_MOST {
            break;
        }
        // A corrected message names what the first one had.
        if !newest.contains(&image) {
            newest.push(image);
        }
    }
    newest
}

fn data_url(picture: &Picture) -> String {
    let mut url = format!("data:{};base64,", picture.media_type);
    STANDARD.encode_string(&picture.bytes, &mut url);
    url
}
