//! The one integration test binary: it belongs to `cli`, so it always runs the `agent` just built.
//! Invariant: everything goes through the binary or the files in the repository, nothing through a crate's inside.
//! It must not know how a crate does its work.

mod house;
