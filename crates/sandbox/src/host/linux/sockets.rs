//! Which sockets a command may have, as rules of its filter.
//! Invariant: what leaves the command's own network goes over TCP to a port that Landlock allows, or not at all.
//! It must not know which port that is.
//!
//! Unnamed pairs of connected stream sockets stay allowed: language runtimes talk to their own children
//! through them, and such a pair can neither be bound to a peer elsewhere nor send to one.

use nix::libc::{self, c_int, c_long};
use seccompiler::{BackendError, SeccompCmpOp, SeccompRule};

use super::filter::{condition, each, none_of};

/// Rules by the number of the call that they refuse.
pub(super) type Refused = Vec<(c_long, Vec<SeccompRule>)>;

/// The internet's families.
const FAMILIES: &[c_int] = &[libc::AF_INET, libc::AF_INET6];

/// Protocols of sockets in a network of their own: the family's own choice, ICMP, TCP, UDP, ICMP of IPv6.
const PROTOCOLS: &[u64] = &[0, 1, 6, 17, 58];

/// Protocols of a stream: the family's own choice, TCP. Others that carry one connect past Landlock.
const STREAMS: &[u64] = &[0, 6];

/// The bits of a socket's type that name its kind.
const KIND: u64 = 0xf;

/// No socket but pairs.
pub(super) fn none() -> Refused {
    vec![(libc::SYS_socket, Vec::new())]
}

/// Whatever speaks the internet's protocols, in a network of its own.
pub(super) fn internet_only() -> Result<Refused, BackendError> {
    let rules = vec![none_of(0, &families())?, none_of(2, PROTOCOLS)?];
    Ok(vec![(libc::SYS_socket, rules)])
}

/// In the machine's network: TCP that begins with `connect`, which Landlock holds to a port, and listens to
/// nobody.
pub(super) fn outgoing_only() -> Result<Refused, BackendError> {
    let mut sockets = vec![none_of(0, &families())?, none_of(2, STREAMS)?];
    sockets.extend(kinds_but(&[libc::SOCK_STREAM])?);
    // A first message that opens the connection by itself.
    let opening = |flags: u8| {
        let flag = u64::from(libc::MSG_FASTOPEN.unsigned_abs());
        each(&[flag], |flag| {
            condition(flags, SeccompCmpOp::MaskedEq(*flag), *flag)
        })
    };
    Ok(vec![
        (libc::SYS_socket, sockets),
        (libc::SYS_bind, Vec::new()),
        (libc::SYS_listen, Vec::new()),
        (libc::SYS_sendto, opening(3)?),
        (libc::SYS_sendmsg, opening(2)?),
        (libc::SYS_sendmmsg, opening(3)?),
    ])
}

/// Pairs that stay with whoever made them.
pub(super) fn connected_pairs_only() -> Result<Vec<SeccompRule>, BackendError> {
    let mut rules = vec![none_of(0, &[u64::from(libc::AF_UNIX.unsigned_abs())])?];
    rules.extend(kinds_but(&[libc::SOCK_STREAM, libc::SOCK_SEQPACKET])?);
    Ok(rules)
}

/// Matches every kind of socket but these.
fn kinds_but(allowed: &[c_int]) -> Result<Vec<SeccompRule>, BackendError> {
    let allowed = |kind: &u64| {
        allowed
            .iter()
            .any(|other| u64::from(other.unsigned_abs()) == *kind)
    };
    let others: Vec<u64> = (0..=KIND).filter(|kind| !allowed(kind)).collect();
    each(&others, |kind| {
        condition(1, SeccompCmpOp::MaskedEq(KIND), *kind)
    })
}

fn families() -> Vec<u64> {
    FAMILIES
        .iter()
        .map(|family| u64::from(family.unsigned_abs()))
        .collect()
}
