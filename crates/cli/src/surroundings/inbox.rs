//! Files that were sent along, in `inbox/` of a session's working folder.
//! Invariant: the same file of the same message has the same place, however often it is kept; nothing lands outside
//! the folder.
//! It must not know who sent it.

use std::path::{Path, PathBuf};

use corvid_core::draw;
use corvid_core::text::acts;
use corvid_sandbox::paths::{Expect, Roots};

/// The folder that takes them.
const INBOX: &str = "inbox";

/// Most bytes of a file's own name that stay.
const LONGEST_NAME: usize = 80;

/// Characters of the key's digest that tell files of one name apart.
const TELLING: usize = 8;

/// Moves a fetched file into a working folder; yields its path there.
///
/// # Errors
/// One sentence for the person.
pub(super) fn keep(
    folder: &Path,
    private: &[PathBuf],
    key: &str,
    name: &str,
    fetched: &Path,
) -> Result<String, String> {
    let failed = |why: &dyn std::fmt::Display| format!("the file could not be kept: {why}");
    let roots = Roots::new(folder, &[], private).map_err(|error| failed(&error))?;
    let digest = draw::sha256_hex(key.as_bytes());
    let path = format!("{INBOX}/{}", placed(name, &digest[..TELLING]));
    let content = std::fs::read(fetched).map_err(|error| failed(&error))?;
    let replaced = roots.replace(Path::new(&path), &content, Expect::Anything, &digest);
    replaced.map_err(|error| failed(&error))?;
    Ok(path)
}

/// A name that shows what the file is and leads nowhere: `report-1a2b3c4d.pdf`.
fn placed(name: &str, telling: &str) -> String {
    let own = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = own
        .chars()
        .map(|c| if acts(c) || c == '\0' { '_' } else { c })
        .collect();
    let plain = plain.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let (stem, ending) = match plain.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && ending.len() <= 16 => {
            (stem, format!(".{ending}"))
        }
        _ => (plain, String::new()),
    };
    let mut stem = stem;
    while stem.len() > LONGEST_NAME {
        stem = stem
            .char_indices()
            .next_back()
            .map_or("", |(end, _)| &stem[..end]);
    }
    let stem = if stem.is_empty() { "file" } else { stem };
    format!("{stem}-{telling}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_shows_what_it_is_and_leads_nowhere() {
        let check = |name: &str, expect: &str| assert_eq!(placed(name, "0f"), expect, "{name}");
        check("report.pdf", "report-0f.pdf");
        check("../../etc/passwd", "passwd-0f");
        check("..\\..\\x.bat", "x-0f.bat");
        check(".bashrc", "bashrc-0f");
        check("", "file-0f");
        check("..", "file-0f");
        check("a\u{202e}gpj.exe", "a_gpj-0f.exe");
        check("line\nbreak.txt", "line_break-0f.txt");
        check(
            &format!("{}.txt", "ä".repeat(300)),
            &format!("{}-0f.txt", "ä".repeat(40)),
        );
    }
}
