//! Two volumes to a number.
