//! From a field to what a scanner would measure of it, with the gradient for the field's parameters.

pub mod emission_absorption;
pub mod line_integral;
