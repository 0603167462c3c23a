//! Pictures that were sent along, read from the working folders they were put into.
//! Invariant: a picture is the very file that the transcript names, in that folder: no link is followed on the way,
//! nothing private is read, and no more than a picture may have.
//! It must not know which model looks at it.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use corvid_core::{Image, Picture, Pictures};
use corvid_sandbox::paths::Roots;

/// Reads pictures from working folders.
#[derive(Clone, Debug)]
pub struct SentPictures {
    private: Vec<PathBuf>,
}

impl SentPictures {
    /// What lies in one of these files and folders is never read.
    pub fn new(private: Vec<PathBuf>) -> Self {
        Self { private }
    }
}

#[async_trait]
impl Pictures for SentPictures {
    async fn read(&self, image: &Image) -> Option<Picture> {
        let (image, private) = (image.clone(), self.private.clone());
        let looked = tokio::task::spawn_blocking(move || read(&image, &private)).await;
        looked.ok().flatten()
    }
}

/// The picture, if it is one. Blocks.
fn read(image: &Image, private: &[PathBuf]) -> Option<Picture> {
    let roots = Roots::new(Path::new(&image.folder), &[], private).ok()?;
    let opened = roots.open_read(Path::new(&image.path)).ok()?;
    // Commands run in the folder, and may have put a link in the picture's place.
    if opened.stat.path != roots.working_dir().join(&image.path) {
        return None;
    }
    let mut bytes = Vec::new();
    let mut bounded = opened.file.take(Picture::MAX_BYTES + 1);
    bounded.read_to_end(&mut bytes).ok()?;
    let length = u64::try_from(bytes.len()).ok()?;
    (length <= Picture::MAX_BYTES)
        .then(|| Picture::of(bytes))
        .flatten()
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

    struct Scene {
        root: TempDir,
    }

    impl Scene {
        fn new() -> Self {
            let root = tempfile::tempdir().expect("a folder");
            fs::create_dir_all(root.path().join("work/inbox")).expect("a folder");
            fs::create_dir_all(root.path().join("work/private")).expect("a folder");
            Self { root }
        }

        fn put(&self, path: &str, bytes: &[u8]) {
            fs::write(self.root.path().join(path), bytes).expect("a file");
        }

        async fn read(&self, folder: &Path, path: &str) -> Option<&'static str> {
            let pictures = SentPictures::new(vec![self.root.path().join("work/private")]);
            let image = Image {
                folder: folder.display().to_string(),
                path: path.to_owned(),
                media_type: "image/jpeg".to_owned(),
            };
            let picture = pictures.read(&image).await;
            picture.map(|picture| picture.media_type)
        }

        async fn check(&self, path: &str, expect: Option<&str>) {
            let folder = self.root.path().join("work");
            assert_eq!(self.read(&folder, path).await, expect, "{path}");
        }
    }

    #[tokio::test]
    async fn a_picture_is_read_from_its_folder_as_what_it_is() {
        let scene = Scene::new();
        scene.put("work/inbox/a.jpg", PNG);
        scene.put("work/inbox/b.png", b"secret text");
        scene.check("inbox/a.jpg", Some("image/png")).await;
        scene.check("inbox/b.png", None).await;
        scene.check("inbox/c.png", None).await;
        scene.check("inbox", None).await;
        let gone = scene.root.path().join("gone");
        assert_eq!(scene.read(&gone, "inbox/a.jpg").await, None);
        // The folder itself may be reached by a link: a person named it.
        let linked = scene.root.path().join("linked");
        symlink("work", &linked).expect("a link");
        assert_eq!(scene.read(&linked, "inbox/a.jpg").await, Some("image/png"));
    }

    #[tokio::test]
    async fn no_link_leads_to_another_picture() {
        let scene = Scene::new();
        scene.put("outside.png", PNG);
        scene.put("work/inside.png", PNG);
        scene.put("work/private/p.png", PNG);
        let inbox = scene.root.path().join("work/inbox");
        symlink("../../outside.png", inbox.join("out.png")).expect("a link");
        symlink("../inside.png", inbox.join("in.png")).expect("a link");
        symlink("..", inbox.join("up")).expect("a link");
        let absolute = scene.root.path().join("outside.png");
        for path in [
            "inbox/out.png",
            "inbox/in.png",
            "inbox/up/inside.png",
            "../outside.png",
            "inbox/../inside.png",
            "private/p.png",
            &absolute.display().to_string(),
        ] {
            scene.check(path, None).await;
        }
        scene.check("inside.png", Some("image/png")).await;
    }

    #[tokio::test]
    async fn what_is_too_large_or_never_ends_is_no_picture() {
        let scene = Scene::new();
        scene.put("work/large.png", PNG);
        let large = scene.root.path().join("work/large.png");
        let large = File::options().append(true).open(large);
        let large = large.expect("a file");
        large.set_len(Picture::MAX_BYTES).expect("a sparse file");
        scene.check("large.png", Some("image/png")).await;
        large
            .set_len(Picture::MAX_BYTES + 1)
            .expect("a sparse file");
        scene.check("large.png", None).await;
        let pipe = scene.root.path().join("work/pipe.png");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).expect("a pipe");
        scene.check("pipe.png", None).await;
    }
}
