//! Linear maps from volumes to measurements, with their adjoints.

pub mod xray;
