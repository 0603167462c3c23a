//! Real terminals: changed only while somebody listens, and read only then.

use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;

use rustix::pty::OpenptFlags;
use rustix::termios::{LocalModes, SpecialCodeIndex, Termios, tcgetattr};

use super::*;

/// The person's side, the terminal itself, and its keyboard.
fn terminal() -> io::Result<(OwnedFd, OwnedFd, Keyboard)> {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let person = rustix::pty::openpt(flags)?;
    rustix::pty::grantpt(&person)?;
    rustix::pty::unlockpt(&person)?;
    let device = rustix::pty::ioctl_tiocgptpeer(&person, flags)?;
    let name = rustix::pty::ptsname(&person, Vec::new())?;
    let keyboard = Keyboard::open(Path::new(std::ffi::OsStr::from_bytes(name.as_bytes())))?;
    Ok((person, device, keyboard))
}

fn modes(device: &OwnedFd) -> io::Result<Termios> {
    Ok(tcgetattr(device)?)
}

fn same(left: &Termios, right: &Termios) -> bool {
    format!("{left:?}") == format!("{right:?}")
}

#[tokio::test]
async fn keys_come_one_by_one_and_interrupts_as_ever() -> io::Result<()> {
    let (person, device, keyboard) = terminal()?;
    let before = modes(&device)?;
    let ear = keyboard.listen(Manner::Keys)?;
    let during = modes(&device)?.local_modes;
    assert!(!during.intersects(LocalModes::ICANON | LocalModes::ECHO));
    assert!(during.contains(LocalModes::ISIG));
    rustix::io::write(&person, b"y")?;
    assert_eq!(ear.read().await, b"y");
    drop(ear);
    assert!(same(&modes(&device)?, &before));
    Ok(())
}

#[tokio::test]
async fn one_key_can_be_had_and_all_else_stays() -> io::Result<()> {
    let (person, device, keyboard) = terminal()?;
    let before = modes(&device)?;
    let manner = Manner::OneKey(b'b');
    for key in [b'b', STOP] {
        let ear = keyboard.listen(manner)?;
        rustix::io::write(&person, &[key])?;
        assert_eq!(ear.read_one().await, Some(key));
    }
    let ear = keyboard.listen(manner)?;
    rustix::io::write(&person, b"grab it\n")?;
    assert_eq!(ear.read_one().await, None);
    drop(ear);
    assert!(same(&modes(&device)?, &before));
    // The line was ended by the key, and nothing of it is lost.
    let ear = keyboard.listen(Manner::Keys)?;
    let mut typed = Vec::new();
    while !typed.ends_with(b"\n") {
        typed.extend(ear.read().await);
    }
    assert_eq!(typed, b"grab it\n");
    Ok(())
}

/// The system would end the process at once, and leave the terminal as it is.
#[tokio::test]
async fn no_key_ends_the_process_before_the_terminal_is_given_back() -> io::Result<()> {
    let (_person, device, keyboard) = terminal()?;
    let before = modes(&device)?;
    for manner in [Manner::Keys, Manner::OneKey(b'b')] {
        let ear = keyboard.listen(manner)?;
        let during = modes(&device)?.special_codes;
        assert_ne!(
            during[SpecialCodeIndex::VQUIT],
            before.special_codes[SpecialCodeIndex::VQUIT]
        );
        drop(ear);
        assert!(same(&modes(&device)?, &before));
    }
    Ok(())
}

#[tokio::test]
async fn a_dropped_read_leaves_what_comes_later() -> io::Result<()> {
    let (person, _device, keyboard) = terminal()?;
    let ear = keyboard.listen(Manner::Lines)?;
    tokio::select! {
        biased;
        bytes = ear.read() => panic!("{bytes:?}"),
        () = std::future::ready(()) => {}
    }
    drop(ear);
    rustix::io::write(&person, b"ls\n")?;
    let ear = keyboard.listen(Manner::Lines)?;
    assert_eq!(ear.read().await, b"ls\n");
    Ok(())
}

#[tokio::test]
async fn an_end_of_input_and_a_closed_window_are_read_as_nothing() -> io::Result<()> {
    let (person, _device, keyboard) = terminal()?;
    rustix::io::write(&person, b"\x04")?;
    assert_eq!(keyboard.listen(Manner::Lines)?.read().await, b"");
    let ear = keyboard.listen(Manner::Keys)?;
    drop(person);
    assert_eq!(ear.read().await, b"");
    Ok(())
}

#[tokio::test]
async fn a_panic_gives_the_terminal_back_before_anything_is_dropped() -> io::Result<()> {
    let (_person, device, keyboard) = terminal()?;
    let before = modes(&device)?;
    let ear = keyboard.listen(Manner::Keys)?;
    let panicked = std::thread::spawn(|| panic!("on purpose")).join();
    assert!(panicked.is_err());
    assert!(same(&modes(&device)?, &before));
    drop(ear);
    Ok(())
}

#[tokio::test]
async fn a_process_that_ends_gives_the_terminal_back() -> io::Result<()> {
    let (_person, device, keyboard) = terminal()?;
    let before = modes(&device)?;
    let ear = Arc::new(keyboard.listen(Manner::Keys)?);
    give_back();
    assert!(same(&modes(&device)?, &before));
    drop(ear);
    Ok(())
}

#[test]
fn only_a_terminal_is_a_keyboard() {
    assert!(Keyboard::open(Path::new("/dev/null")).is_err());
}
