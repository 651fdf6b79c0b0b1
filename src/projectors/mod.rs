//! Projectors: line integrals of a volume and their transpose.

pub mod kernels;
