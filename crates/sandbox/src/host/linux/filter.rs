//! Which system calls a command may make, as a seccomp filter.
//! Invariant: everything is allowed but what is listed; a refused call fails as if not permitted, so that
//! a program can go on without it.
//! It must not know which files a command reaches; Landlock decides that.

use std::collections::BTreeMap;

use nix::libc::{self, c_long};
use seccompiler::{
    BackendError, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule, TargetArch,
};

use super::{program, sockets};

/// Refused whatever the arguments.
const REFUSED: &[c_long] = &[
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_pidfd_getfd,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    // Mounts and namespaces.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_unshare,
    libc::SYS_setns,
    // Large doors into the kernel.
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_add_key,
    libc::SYS_keyctl,
    libc::SYS_request_key,
    // Files by number instead of by path, and watching all of them.
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark,
    // The machine as a whole.
    libc::SYS_acct,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_init_module,
    libc::SYS_kexec_load,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_vhangup,
];

/// Refused too, where there are such calls.
#[cfg(target_arch = "x86_64")]
const REFUSED_HERE: &[c_long] = &[
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_kexec_file_load,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
];
#[cfg(not(target_arch = "x86_64"))]
const REFUSED_HERE: &[c_long] = &[];

/// Refused where the command shares the machine's System V and POSIX objects with other programs.
const SHARED_OBJECTS: &[c_long] = &[
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_semctl,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_mq_open,
];

/// The flags by which a new process would get namespaces.
const NAMESPACES: &[libc::c_int] = &[
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];

/// Requests by which a program types into a terminal or changes what it is.
const TERMINAL_REQUESTS: &[u64] = &[0x5412, 0x541c, 0x541d, 0x5423];

/// Signals that a program's runtime sends to its own threads: abort, pre-emption, and from here on those
/// of thread libraries. (Linux has no way to tell a thread of one's own from another's in a filter.)
const THREAD_SIGNALS: &[u64] = &[6, 23];
const FIRST_REALTIME_SIGNAL: u64 = 32;

/// What keeps the command apart already, and so need not be done by refusing calls.
#[derive(Clone, Copy, Debug)]
pub(super) struct Apart {
    /// It has a network, IPC and PID namespace of its own.
    pub(super) namespaces: bool,
    /// Its signals stay within.
    pub(super) signals: bool,
    /// It shares the machine's network, and Landlock holds its connections to the checking proxy's port.
    pub(super) proxied: bool,
}

/// Whether the kernel has filters, and they are known for this processor.
pub(super) fn supported() -> bool {
    target().is_ok() && rustix::thread::secure_computing_mode().is_ok()
}

/// Puts the filter in force for this thread and whatever it starts, for good.
pub(super) fn enforce(apart: Apart) -> Result<(), String> {
    let refused = refused(apart).map_err(|error| error.to_string())?;
    let target = target().map_err(|error| error.to_string())?;
    // Its flags lie in memory, where a filter cannot look; a C library then takes `clone`.
    let unknown = [libc::SYS_clone3];
    let program =
        program::assemble(refused, &unknown, target).map_err(|error| error.to_string())?;
    seccompiler::apply_filter(&program).map_err(|error| error.to_string())
}

fn refused(apart: Apart) -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    let mut always = REFUSED.to_vec();
    always.extend(REFUSED_HERE);
    if !apart.namespaces {
        always.extend(SHARED_OBJECTS);
    }
    rules.extend(always.into_iter().map(|call| (call, Vec::new())));
    rules.extend(match (apart.namespaces, apart.proxied) {
        (true, _) => sockets::internet_only()?,
        (false, true) => sockets::outgoing_only()?,
        (false, false) => sockets::none(),
    });
    rules.insert(libc::SYS_socketpair, sockets::connected_pairs_only()?);
    rules.insert(
        libc::SYS_clone,
        each(NAMESPACES, |flag| {
            let flag = u64::from(flag.unsigned_abs());
            condition(0, SeccompCmpOp::MaskedEq(flag), flag)
        })?,
    );
    rules.insert(
        libc::SYS_ioctl,
        each(TERMINAL_REQUESTS, |request| {
            condition(1, SeccompCmpOp::Eq, *request)
        })?,
    );
    // Limits of other processes.
    rules.insert(
        libc::SYS_prlimit64,
        vec![SeccompRule::new(vec![condition(0, SeccompCmpOp::Ne, 0)?])?],
    );
    if !apart.namespaces && !apart.signals {
        rules.extend(own_signals_only()?);
    }
    Ok(rules)
}

/// Without namespaces and on an old kernel: a command signals its own group and its own threads only.
fn own_signals_only() -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let not_for_threads = {
        let mut conditions = differs(2, THREAD_SIGNALS)?;
        conditions.push(condition(2, SeccompCmpOp::Lt, FIRST_REALTIME_SIGNAL)?);
        SeccompRule::new(conditions)?
    };
    Ok(BTreeMap::from([
        (libc::SYS_kill, vec![none_of(0, &[0])?]),
        (libc::SYS_tkill, Vec::new()),
        (libc::SYS_tgkill, vec![not_for_threads]),
        (libc::SYS_rt_sigqueueinfo, Vec::new()),
        (libc::SYS_rt_tgsigqueueinfo, Vec::new()),
        (libc::SYS_pidfd_send_signal, Vec::new()),
    ]))
}

pub(super) fn each<T>(
    values: &[T],
    matching: impl Fn(&T) -> Result<SeccompCondition, BackendError>,
) -> Result<Vec<SeccompRule>, BackendError> {
    values
        .iter()
        .map(|value| SeccompRule::new(vec![matching(value)?]))
        .collect()
}

/// Matches when the argument is none of the values.
pub(super) fn none_of(argument: u8, values: &[u64]) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(differs(argument, values)?)
}

fn differs(argument: u8, values: &[u64]) -> Result<Vec<SeccompCondition>, BackendError> {
    values
        .iter()
        .map(|value| condition(argument, SeccompCmpOp::Ne, *value))
        .collect()
}

/// The kernel looks at 32 bits of these arguments, so a filter that looked at more could be deceived.
pub(super) fn condition(
    argument: u8,
    operator: SeccompCmpOp,
    value: u64,
) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
}

fn target() -> Result<TargetArch, BackendError> {
    std::env::consts::ARCH.try_into()
}
