//! Programs that run what they are given or what they find: shells, interpreters, wrappers.
//! Invariant: a program that is missing here weakens a convenience, never a boundary.
//! It must not know how a line is read.

/// Programs that run a command which stands among their words.
const WRAPPERS: &str = ". alias ash bash bind builtin bunx busybox bwrap caffeinate capsh chroot chrt command compgen complete coproc csh dash \
    dbus-run-session direnv docker doas enable entr env eval exec expect fakeroot fd find firejail fish flock \
    gosu hash ionice kubectl ksh ltrace lxc mapfile mksh mosh nerdctl nice nix nix-shell nohup npx nsenter numactl \
    parallel perf pkexec podman prlimit proot proxychains proxychains4 rbash readarray rlwrap rsh runcon runuser screen \
    script setarch setpriv setsid sh source ssh start-stop-daemon stdbuf strace su sudo systemd-run taskset \
    tclsh tcsh time timeout tini tmux torsocks toybox trap unbuffer unshare uvx valgrind watch watchexec \
    xargs yash zsh";

/// Those of them that read commands where they are given none.
const READERS: &str = "ash bash csh dash fish ksh mksh parallel rbash sh tcsh yash zsh";

/// Those whose words a shell reads again, beside the readers.
const READ_AGAIN: &str = "alias bind compgen complete entr eval expect flock mapfile mosh nix-shell readarray rsh runuser \
    screen script source ssh su tmux trap watch";

/// Those that fill in words which they read or find.
const FILLERS: &str = "fd find parallel xargs";

/// Programs that run code which stands among their words, or which they find in files.
const INTERPRETERS: &str = "ant awk bazel bun bundle buck2 cmake composer deno dotnet ed elixir emacs erl ex gawk gdb ghci gmake \
    gradle gradlew guile invoke java jshell julia just less lldb lua luajit m4 make man mawk meson more \
    mvn mvnw nano nawk ninja node nodejs nox nvim ocaml osascript perl php pipenv pipx poetry pwsh pypy \
    pytest python Rscript racket rake runghc ruby rustup scons sed sqlite3 swift task tox tsx ts-node uv vi \
    view vim wish zig";

/// Words that make a program run something else: options by their beginning, other words as they are.
const BY_WORD: &[(&str, &str)] = &[
    (
        "cargo",
        "+ --config -Z bench install miri nextest r run t test",
    ),
    (
        "git",
        "--config-env --exec --ext-diff --extcmd --open-files-in-pager --receive-pack \
         --textconv --upload-pack -c -x bisect config daemon difftool filter-branch mergetool \
         send-email submodule",
    ),
    ("go", "-exec -toolexec generate run test tool"),
    (
        "npm",
        "exec explore restart run run-script start stop t test tst x",
    ),
    ("pnpm", "dlx exec run start t test"),
    ("rsync", "--rsh -e"),
    ("scp", "-S -o"),
    ("sftp", "-S -o"),
    (
        "tar",
        "--checkpoint-action --info-script --new-volume-script --rsh-command --to-command \
         --use-compress-program -F -I",
    ),
    ("yarn", "dlx exec node run start test"),
    ("zip", "--unzip-command -T"),
];

/// The most short options that stand in one word before what the last of them takes.
const MOST_GLUED: usize = 3;

/// Folders whose programs no call can change.
const SYSTEM: &[&str] = &[
    "/bin/",
    "/sbin/",
    "/usr/bin/",
    "/usr/local/bin/",
    "/usr/local/sbin/",
    "/usr/sbin/",
];

/// A command that runs something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Carrier {
    /// How many of its first words say so.
    pub(super) words: usize,
    /// Whether what it runs stands among its words as a command.
    pub(super) wraps: bool,
}

/// Whether these words run something else than the program they name.
pub(super) fn carrier(words: &[String]) -> Option<Carrier> {
    let program = name(words.first()?);
    if is_one_of(WRAPPERS, program) {
        return Some(Carrier {
            words: 1,
            wraps: true,
        });
    }
    if is_one_of(INTERPRETERS, program) {
        return Some(Carrier {
            words: 1,
            wraps: false,
        });
    }
    let (_, telling) = BY_WORD.iter().find(|(known, _)| *known == program)?;
    let at = words.iter().skip(1).position(|word| {
        telling.split_ascii_whitespace().any(|telling| {
            let by_beginning = telling.starts_with(['-', '+']);
            word == telling || (by_beginning && word.starts_with(telling))
        })
    })?;
    Some(Carrier {
        words: at + 2,
        wraps: true,
    })
}

/// Whether these words run what comes in from elsewhere: a shell that is given no script to run.
pub(super) fn reads_commands(words: &[String]) -> bool {
    let Some((program, operands)) = words.split_first() else {
        return false;
    };
    is_in(READERS, name(program))
        && (operands.iter().all(|word| word.starts_with(['-', '+']))
            || operands
                .iter()
                .any(|word| word == "-s" || word.starts_with("/dev/")))
}

/// Whether a shell reads words of this wrapper again, so that what they expand to is commands too.
pub(super) fn reads_again(words: &[String]) -> bool {
    let mut programs = words.iter().map(|word| name(word));
    words.first().is_some_and(|program| program == ".")
        || programs.any(|program| is_in(READERS, program) || is_in(READ_AGAIN, program))
}

/// What this wrapper replaces in a command by words that do not stand here (it may also add them at the end).
/// None if it runs what stands here.
pub(super) fn fills_in(words: &[String]) -> Option<&str> {
    let (program, rest) = words.split_first()?;
    if !is_in(FILLERS, name(program)) {
        return None;
    }
    let at = rest.iter().position(|word| word.starts_with("-I"));
    let named = at.and_then(|at| match &rest[at][2..] {
        "" => rest.get(at + 1).map(String::as_str),
        glued => Some(glued),
    });
    Some(named.filter(|named| !named.is_empty()).unwrap_or("{}"))
}

/// What may stand in one word with the short options before it: `ls -l` of `-cls -l`, and of `-vSls -l` too.
pub(super) fn glued(word: &str) -> impl Iterator<Item = &str> {
    let letters = word.strip_prefix('-').unwrap_or_default();
    let options = letters.bytes().take_while(u8::is_ascii_alphabetic).count();
    (1..=options.min(MOST_GLUED)).filter_map(|at| letters.get(at..))
}

/// Whether a program named by its path lies where no call can change it.
pub(super) fn is_of_the_system(program: &str) -> bool {
    SYSTEM.iter().any(|folder| {
        program
            .strip_prefix(folder)
            .is_some_and(|name| !name.contains('/'))
    })
}

/// The program's name without the folders before it.
pub(super) fn name(program: &str) -> &str {
    program.rsplit_once('/').map_or(program, |(_, name)| name)
}

/// Whether a program, whatever its version, is in a list of names.
fn is_one_of(list: &str, program: &str) -> bool {
    is_in(list, program) || is_in(list, unversioned(program))
}

fn is_in(list: &str, name: &str) -> bool {
    list.split_ascii_whitespace().any(|known| known == name)
}

/// `python` of `python3.12`.
fn unversioned(name: &str) -> &str {
    name.trim_end_matches(|character: char| {
        character.is_ascii_digit() || matches!(character, '.' | '-')
    })
}
