//! Tests of what every part of a registry guarantees: adjoints, gradients, geometries, and which module may import
//! which.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in #[test] functions; helpers are tests too")]

#[path = "../common/mod.rs"]
mod common;

mod adjoint;
mod astra;
mod device;
mod docs;
mod geometries;
mod gradients;
mod layering;
mod models;
mod orientation;
mod projectors;
mod pytorch;
mod registries;
