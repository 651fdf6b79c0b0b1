//! Ideal projections to what a detector would have measured.
