//! What every command and file tool may read beside the working folder, the system's public parts, and
//! which folders are the system's and so never worked in.
//! Invariant: nothing granted here holds a secret; what may hold one is left out rather than carved out,
//! since grants cannot be subtracted from.
//! It must not know how a grant is enforced.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::paths::{Found, RealPaths};

/// Folders of programs, libraries and their data. They may be read and executed.
const SYSTEM_FOLDERS: &[&str] = &[
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/run/current-system",
];

/// Settings that programs need and that hold no secret. They may be read. `/etc` as a whole is not
/// here: it has password hashes, host keys and service credentials beside these.
const SYSTEM_SETTINGS: &[&str] = &[
    "/etc/alternatives",
    "/etc/bash.bashrc",
    "/etc/bashrc",
    "/etc/ca-certificates",
    "/etc/ca-certificates.conf",
    "/etc/crypto-policies",
    "/etc/debian_version",
    "/etc/default/locale",
    "/etc/fonts",
    "/etc/gai.conf",
    "/etc/gitattributes",
    "/etc/gitconfig",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hostname",
    "/etc/hosts",
    "/etc/inputrc",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/locale.alias",
    "/etc/locale.conf",
    "/etc/localtime",
    "/etc/lsb-release",
    "/etc/magic",
    "/etc/magic.mime",
    "/etc/manpath.config",
    "/etc/mime.types",
    "/etc/nanorc",
    "/etc/networks",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/perl",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/certs",
    "/etc/profile",
    "/etc/profile.d",
    "/etc/protocols",
    "/etc/redhat-release",
    "/etc/resolv.conf",
    "/etc/rpc",
    "/etc/services",
    "/etc/shells",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/terminfo",
    "/etc/timezone",
    "/etc/vim",
    "/etc/xdg",
];

/// What the names of further settings in `/etc` begin with; their versions follow.
const VERSIONED_SETTINGS: &[&str] = &["java", "php", "python"];

/// What a machine says about its processors and memory. They may be read.
const SYSTEM_FACTS: &[&str] = &[
    "/sys/devices/system/cpu",
    "/sys/devices/system/node",
    "/sys/kernel/mm/transparent_hugepage",
];

/// Folders that are the system itself, with all below them: who writes there (root's
/// commands and file tools can) can do anything.
const SYSTEM: &[&str] = &[
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix",
    "/proc",
    "/run/systemd",
    "/sbin",
    "/sys",
    "/usr",
    "/var/spool",
];

/// Folders that hold the system, or all that somebody else has; below them there is room to work.
const ABOVE_THE_SYSTEM: &[&str] = &["/", "/home", "/run", "/var", "/var/lib"];

/// What the kernel shows of itself as files: environments of processes with keys in them, and devices.
const KERNEL: &[&str] = &["/dev", "/proc", "/sys"];

/// Whether a real path is the system's own or holds it: neither commands nor file tools work there.
pub(crate) fn is_system(real: &Path) -> bool {
    ABOVE_THE_SYSTEM
        .iter()
        .any(|folder| real == Path::new(folder))
        || SYSTEM.iter().any(|folder| real.starts_with(folder))
}

/// Whether a real path is in what the kernel shows of itself, or contains it.
pub(crate) fn shows_the_kernel(real: &Path) -> bool {
    KERNEL
        .iter()
        .any(|folder| real.starts_with(folder) || Path::new(folder).starts_with(real))
}

/// One of the system's files or folders that everybody may read.
#[derive(Debug)]
pub(crate) struct Grant {
    /// As programs name it.
    pub(crate) path: PathBuf,
    /// Where that leads.
    pub(crate) real: PathBuf,
    /// Whether there is something.
    pub(crate) is_there: bool,
}

/// The system's folders that may be read and executed, looked up once.
pub(crate) fn executable() -> &'static [Grant] {
    static EXECUTABLE: OnceLock<Vec<Grant>> = OnceLock::new();
    EXECUTABLE.get_or_init(|| granted(SYSTEM_FOLDERS.iter().map(PathBuf::from)))
}

/// The system's files and folders that may be read only, looked up once.
pub(crate) fn readable() -> &'static [Grant] {
    static READABLE: OnceLock<Vec<Grant>> = OnceLock::new();
    READABLE.get_or_init(|| {
        let named = SYSTEM_SETTINGS.iter().chain(SYSTEM_FACTS);
        granted(named.map(PathBuf::from).chain(versioned_settings()))
    })
}

/// Whether a real path lies in what the system offers to everybody.
pub(crate) fn allow(real: &Path) -> bool {
    let mut grants = executable().iter().chain(readable());
    grants.any(|grant| real.starts_with(&grant.real))
}

fn granted(paths: impl Iterator<Item = PathBuf>) -> Vec<Grant> {
    let mut real_paths = RealPaths::default();
    paths
        .map(|path| {
            let Found { real, is_there } = real_paths.find(&path);
            Grant {
                path,
                real,
                is_there,
            }
        })
        .collect()
}

fn versioned_settings() -> Vec<PathBuf> {
    let is_one = |name: &OsStr| {
        let mut beginnings = VERSIONED_SETTINGS.iter();
        beginnings.any(|beginning| name.as_bytes().starts_with(beginning.as_bytes()))
    };
    let Ok(entries) = std::fs::read_dir("/etc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| is_one(&entry.file_name()))
        .map(|entry| entry.path())
        .collect()
}

/// Where a person's credentials usually are, below their home folder. These are private in every
/// session: neither commands nor file tools read them, and the folder that holds them takes no commands.
pub fn credential_paths(home: &Path) -> Vec<PathBuf> {
    const BELOW_HOME: &[&str] = &[
        ".ssh",
        ".gnupg",
        ".aws",
        ".azure",
        ".kube",
        ".docker",
        ".netrc",
        ".npmrc",
        ".pypirc",
        ".git-credentials",
        ".pgpass",
        ".my.cnf",
        ".password-store",
        ".vault-token",
        ".terraform.d",
        ".s3cfg",
        ".oci",
        ".cargo/credentials",
        ".cargo/credentials.toml",
        ".m2/settings.xml",
        ".gem/credentials",
        ".config/gh",
        ".config/github-copilot",
        ".config/gcloud",
        ".config/git/credentials",
        ".config/hub",
        ".config/rclone",
        ".config/op",
        ".config/containers",
        ".config/doctl",
        ".config/sops",
        ".local/share/keyrings",
        ".local/share/kwalletd",
        // Other agents and their logins.
        ".codex",
        ".claude",
        ".claude.json",
        // Browsers and mail: cookies are logins.
        ".config/google-chrome",
        ".config/chromium",
        ".config/microsoft-edge",
        ".config/BraveSoftware",
        ".mozilla",
        ".thunderbird",
        // What was typed, keys among it.
        ".bash_history",
        ".zsh_history",
        ".local/share/fish/fish_history",
        ".python_history",
        ".node_repl_history",
        ".psql_history",
        ".mysql_history",
        ".sqlite_history",
    ];
    BELOW_HOME.iter().map(|name| home.join(name)).collect()
}
