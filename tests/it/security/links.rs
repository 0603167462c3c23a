//! Rules on paths and links: a rule holds for where a link leads as much as for its own name.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;

use corvid_testkit::Scene;
use serde_json::{Value, json};

use super::{calling, scene_with, told, verdicts};

/// A working folder with a secret, a folder `docs`, and links to them, for a model that makes these calls.
fn linked(config: &str, tool: &str, calls: Vec<Value>) -> io::Result<Scene> {
    let scene = scene_with(calling(tool, calls))?.with_config(config)?;
    for folder in ["docs", "private"] {
        fs::create_dir(scene.work().join(folder))?;
    }
    let scene = scene
        .with_file("secret", "mine\n")?
        .with_file("private/key", "mine\n")?
        .with_file("docs/a", "before\n")?;
    let work = scene.work();
    symlink("secret", work.join("l"))?;
    symlink("../l", work.join("docs/twice"))?;
    symlink("private", work.join("folder"))?;
    symlink("docs/a", work.join("a"))?;
    Ok(scene)
}

fn denying() -> String {
    let rule = |resource| {
        format!(
            "[[policy.rules]]\ntool = \"file.*\"\nresource = \"{resource}\"\neffect = \"deny\"\n"
        )
    };
    ["secret*", "private/*"].map(rule).concat()
}

#[test]
fn no_file_tool_gets_around_a_rule_through_a_link() -> io::Result<()> {
    let closed = ["l", "docs/twice", "folder/key"];
    let check = |tool: &str, paths: &[&str], more: Value| -> io::Result<()> {
        let calls = paths.iter().chain(&["a"]).map(|path| {
            let mut call = more.clone();
            call["path"] = json!(path);
            call
        });
        let scene = linked(&denying(), tool, calls.collect())?;
        let said = scene.agent(["run", "-s", "x", "-e", "go"])?;
        let mut expect = vec!["deny"; paths.len()];
        expect.push("allow");
        assert_eq!(verdicts(&scene, "x")?, expect, "{tool}: {}", said.all());
        for file in ["secret", "private/key"] {
            assert_eq!(fs::read_to_string(scene.work().join(file))?, "mine\n");
        }
        let ends = told(&scene, "x", "tool.finished")?;
        assert!(!json!(ends).to_string().contains("mine"), "{tool}");
        Ok(())
    };
    check("file.write", &closed, json!({ "content": "theirs\n" }))?;
    let edit = json!({ "old": "mine", "new": "theirs" });
    check("file.edit", &closed, edit)?;
    check("file.read", &closed, json!({}))?;
    check("file.search", &["l", "folder"], json!({ "pattern": "." }))?;
    check("file.list", &["folder"], json!({}))
}

#[test]
fn a_permission_for_a_folder_is_none_for_what_its_links_lead_to() -> io::Result<()> {
    let config = "[policy]\npreset = \"careful\"\n[[policy.rules]]\ntool = \"file.write\"\n\
                  resource = \"docs/*\"\neffect = \"allow\"\n";
    let write = |path| json!({ "path": path, "content": "after\n" });
    let calls = vec![write("docs/twice"), write("docs/a")];
    let scene = linked(config, "file.write", calls)?;
    scene.agent(["run", "-s", "x", "-e", "go"])?;
    assert_eq!(verdicts(&scene, "x")?, ["ask", "allow"]);
    let content = |file| fs::read_to_string(scene.work().join(file));
    assert_eq!(content("secret")?, "mine\n");
    assert_eq!(content("docs/a")?, "after\n");
    Ok(())
}

#[test]
fn both_names_of_a_linked_file_are_explained() -> io::Result<()> {
    let scene = linked(&denying(), "file.write", Vec::new())?;
    let told = scene.agent(["policy", "explain", "file.write: l", "--json"])?;
    let told: Value = serde_json::from_str(&told.stdout)?;
    let decided = |at: usize| {
        let resource = &told["resources"][at];
        json!([resource["resource"], resource["effect"]])
    };
    assert_eq!(told["effect"], "deny");
    assert_eq!(decided(0), json!(["l", "allow"]));
    assert_eq!(decided(1), json!(["secret", "deny"]));
    Ok(())
}
