//! Figures: slices, error maps and projections (PNG inside the page) and charts (SVG). The code here does not depend on
//! the page around a figure.

pub(crate) mod axis;
pub(crate) mod chart;
pub(crate) mod colors;
pub(crate) mod errors;
pub(crate) mod plane;
pub(crate) mod profile;
pub(crate) mod quantiles;
pub(crate) mod raster;
pub(crate) mod scan;
pub(crate) mod sketch;
pub(crate) mod ticks;
pub(crate) mod window;
