//! Checks of the data and the scan before the reconstruction begins: can they be what the pipeline says? Every finding
//! has a stable code and a sentence with figures and advice.

mod fit;
mod frames;
mod levels;
mod scale;

pub(super) use fit::{Described, fit};
pub(super) use frames::frames;
pub(super) use levels::{integrals, raw, short_side};
pub(super) use scale::scale;

use crate::data::Warning;

/// A finding; `fatal` if the data cannot be what the pipeline says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Finding {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) fatal: bool,
}

impl Finding {
    pub(super) fn odd(code: &'static str, message: impl std::fmt::Display) -> Self {
        Self { code, message: message.to_string(), fatal: false }
    }

    pub(super) fn impossible(code: &'static str, message: impl std::fmt::Display) -> Self {
        Self { code, message: message.to_string(), fatal: true }
    }

    pub(super) fn warning(&self) -> Warning {
        Warning::new(self.code, &self.message)
    }
}
