//! Programs that do the same whenever the same words are given to them.
//! Invariant: what is not listed here may do something else next time: a hook, a build script or a setting in the
//! folder can change without anybody being asked. A program that is missing costs a question, nothing more.
//! It must not know how a line is read.

use super::super::pattern::UNKNOWN;
use super::programs;

/// Programs none of whose options runs anything or names a file that says what to do.
const PLAIN: &str = "basename cat cmp cp date df diff dirname du echo false grep head host id ls md5sum mkdir mv nslookup \
    ping printf pwd readlink realpath rmdir sha256sum sleep stat tail touch true uname wc";

/// Programs that some option has run something or take what to do from a file, with the other options: the letters of
/// the short ones, and the long ones. None of these makes a word that follows it mean such a file.
const BY_OPTION: &[(&str, &str, &str)] = &[
    (
        "curl",
        "46fgILiOoRSsvm",
        "--compressed --connect-timeout --create-dirs --fail --fail-with-body --globoff --head --include --location \
         --max-time --output --output-dir --remote-name --remote-time --retry --retry-delay --show-error --silent \
         --verbose",
    ),
    ("dig", "46pqtx", ""),
    (
        "wget",
        "46cNnOPqSTtv",
        "--continue --directory-prefix --https-only --no-verbose --output-document --quiet --server-response \
         --spider --timeout --timestamping --tries --verbose",
    ),
];

/// Whether the words of a plain command are such a program's.
pub(super) fn is_repeatable(words: &[String]) -> bool {
    let Some((program, rest)) = words.split_first() else {
        return false;
    };
    // What a pattern stands for is up to the folder, and may be an option.
    let is_known = !words.iter().any(|word| word.contains(UNKNOWN));
    let is_found = !program.contains('/') || programs::is_of_the_system(program);
    is_known && is_found && has_plain_options(programs::name(program), rest)
}

fn has_plain_options(program: &str, words: &[String]) -> bool {
    if listed(PLAIN, program) {
        return true;
    }
    let known = BY_OPTION.iter().find(|(name, ..)| *name == program);
    known.is_some_and(|(_, letters, options)| {
        let mut given = words.iter().filter(|word| word.starts_with('-'));
        given.all(|word| is_plain_option(word, letters, options))
    })
}

/// A value may stand behind the `=` of a long option. One that is glued to a short option is read as more of them.
fn is_plain_option(word: &str, letters: &str, options: &str) -> bool {
    if word.starts_with("--") {
        let name = word.split_once('=').map_or(word, |(name, _)| name);
        return name == "--" || listed(options, name);
    }
    let mut given = word.chars().skip(1);
    given.all(|letter| letters.contains(letter))
}

fn listed(list: &str, name: &str) -> bool {
    list.split_ascii_whitespace().any(|known| known == name)
}
