//! Opening paths in one step that the system itself keeps beneath a folder.
//! Invariant: nothing is opened here by walking names, so a link swapped meanwhile leads nowhere else.
//! It must not know what may be read or written.

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(target_os = "linux")]
mod linux;

#[cfg(not(target_os = "linux"))]
pub(super) use elsewhere::{
    handle_anywhere, handle_beneath, open_folder, real_path, reopen, shows_processes,
};
#[cfg(target_os = "linux")]
pub(super) use linux::{
    handle_anywhere, handle_beneath, open_folder, real_path, reopen, shows_processes,
};
