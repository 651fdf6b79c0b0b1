//! Simulated measurements of a field, with their gradient with respect to the field's parameters.

pub mod emission_absorption;
pub mod line_integral;
