//! A file that is sent: rules about sending it, and rules about reading it.

use super::*;

fn sending(path: &str) -> Call<'_> {
    Call {
        effect: Effect::Idempotent,
        ..call("send_file", path)
    }
}

#[test]
fn what_may_not_be_read_may_not_be_sent() {
    let unread = policy(
        Preset::Default,
        &[
            ("file.read", "*.env", Deny),
            ("file.*", "drafts/*", Ask),
            ("file.read", "drafts/open.md", Allow),
        ],
    );
    let check = |path: &str, expect| {
        assert_eq!(effect(&unread, &sending(path)), expect, "{path}");
    };
    check("prod.env", Deny);
    check("x/../prod.env", Deny);
    check("drafts/one.md", Ask);
    check("drafts/open.md", Allow);
    check("report.pdf", Allow);
    let linked = sending("report.pdf").leading_to("prod.env");
    assert_eq!(effect(&unread, &linked), Deny);
    assert_eq!(
        decide(&unread, &sending("prod.env")).rule,
        "policy.rules #1 (deny file.read: *.env)"
    );
    let explained = |path| sending(path).under(|request| unread.explain(request).resources);
    assert_eq!(
        explained("report.pdf").len(),
        1,
        "what is allowed twice is told once"
    );
    assert_eq!(explained("prod.env").len(), 2);
}

#[test]
fn what_may_be_read_may_not_be_sent_for_that() {
    let kept = policy(
        Preset::Careful,
        &[("file.read", "*", Allow), ("send_file", "inner/*", Deny)],
    );
    let check = |path: &str, expect| {
        assert_eq!(effect(&kept, &sending(path)), expect, "{path}");
    };
    check("report.pdf", Ask);
    check("inner/report.pdf", Deny);
    check("/work/site/inner/report.pdf", Deny);
    check("x/../inner/report.pdf", Deny);
}
