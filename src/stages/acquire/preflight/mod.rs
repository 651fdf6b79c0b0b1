//! A look at the data before anything long is begun: are they what they are said to be, and is the scan the one
//! described? Every finding is a sentence with figures and what to do, under a stable code.

mod fit;
mod frames;
mod levels;
mod scale;

pub(super) use fit::{Described, fit};
pub(super) use frames::frames;
pub(super) use levels::{integrals, raw, short_side};
pub(super) use scale::scale;

use crate::data::Warning;

/// Something found: `fatal` if the data cannot be what they are said to be.
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
