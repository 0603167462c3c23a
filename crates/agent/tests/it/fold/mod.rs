//! The fold: laws over generated journals, one check a line of the rules, and the golden journals.
//! Invariant: pure; nothing here needs a runtime.
//! It must not know the driver.

mod forward;
mod golden;
mod laws;
mod ledger;
mod outcomes;
mod random;
mod reach;
mod table;
mod world;
