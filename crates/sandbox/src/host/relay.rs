//! Taking the proxy's listener from a supervisor that made it in its command's network namespace.
//! Invariant: what is taken is one listener, and no later program inherits it.
//! It must not know what is served.

use std::io::{self, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::AsFd;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};
use tokio::io::Interest;
use tokio::net::UnixStream;

/// Waits for the listener. It does not block.
///
/// # Errors
/// [`io::ErrorKind::UnexpectedEof`] if the supervisor ended without one (what it told says why), or
/// [`io::ErrorKind::InvalidData`] if it sent something else.
pub(super) async fn receive(supervisor: &UnixStream) -> io::Result<TcpListener> {
    let listener = supervisor
        .async_io(Interest::READABLE, || take(supervisor))
        .await?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn take(supervisor: impl AsFd) -> io::Result<TcpListener> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let received = rustix::net::recvmsg(
        &supervisor,
        &mut [IoSliceMut::new(&mut byte)],
        &mut control,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    if received.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    control
        .drain()
        .find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut handed) => handed.next(),
            _ => None,
        })
        .map(TcpListener::from)
        .ok_or_else(|| io::ErrorKind::InvalidData.into())
}
