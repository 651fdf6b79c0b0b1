//! Tests of the reconstruction methods: properties that all have, and each against an independent solution of its
//! problem.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in #[test] functions; helpers are tests too")]

#[path = "../common/mod.rs"]
mod common;

mod classical;
mod contracts;
mod discretisation;
mod filtered;
mod fits;
mod orders;
mod problems;
mod refined;
mod support;
mod variation;
