//! Handing the proxy's listener out of a command's network namespace.
//! Invariant: it goes up once, and nothing of it stays here: the port is served by the parent or by nobody.
//! It must not know what is served.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::AsFd;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};

/// Listens on this namespace's loopback and hands the listener to the parent, over a Unix stream socket.
///
/// # Errors
/// The port is taken, or nobody takes the listener.
pub(crate) fn offer(parent: impl AsFd, port: u16) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    let handed = [listener.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&handed)) {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    // A descriptor goes with at least one byte.
    let byte = [IoSlice::new(b"\n")];
    rustix::io::retry_on_intr(|| {
        rustix::net::sendmsg(&parent, &byte, &mut control, SendFlags::NOSIGNAL)
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpStream;

    use tokio::net::UnixStream;

    use super::*;
    use crate::host::relay::receive;

    fn pair() -> (UnixStream, std::os::unix::net::UnixStream) {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        (UnixStream::from_std(ours).unwrap(), theirs)
    }

    #[tokio::test]
    async fn a_listener_goes_up_and_stays_nowhere_else() {
        let (ours, theirs) = pair();
        let (received, offered) = tokio::join!(receive(&ours), async { offer(&theirs, 0) });
        offered.unwrap();
        let listener = received.unwrap();
        let address = listener.local_addr().unwrap();
        let mut client = TcpStream::connect(address).unwrap();
        // The connection is there at once; it is the listener that does not block.
        drop(listener.accept().unwrap());
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        let nobody = listener.accept().unwrap_err();
        assert_eq!(nobody.kind(), io::ErrorKind::WouldBlock);
        drop(listener);
        assert!(TcpStream::connect(address).is_err());
    }

    #[tokio::test]
    async fn whatever_else_comes_is_an_error() {
        let (ours, mut theirs) = pair();
        theirs.write_all(b"x").unwrap();
        let wrong = receive(&ours).await.unwrap_err();
        assert_eq!(wrong.kind(), io::ErrorKind::InvalidData);
        drop(theirs);
        let ended = receive(&ours).await.unwrap_err();
        assert_eq!(ended.kind(), io::ErrorKind::UnexpectedEof);
    }
}
