//! Pictures: slices, error maps, projections (PNG inside the page) and curves (SVG, written by hand). Everything is
//! made from borrowed values; nothing here knows the page around it.

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
