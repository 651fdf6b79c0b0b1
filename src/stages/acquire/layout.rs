//! [`MeasuredLayout`]: views and pixels of measured data, before a scan is made of them.

/// What the data say about a scan.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MeasuredLayout {
    /// Number of views.
    pub(super) views: usize,
    /// Angle of each, degrees, if known.
    pub(super) angles: Option<Vec<f64>>,
    /// Whether the views turn the other way round.
    pub(super) reversed: bool,
    /// Rows and columns.
    pub(super) pixels: [usize; 2],
    /// The file's pixels along the edge of one of these.
    pub(super) bin: usize,
    /// Column of these (fractions allowed) on which the axis falls; `None` for what the kind says.
    pub(super) axis: Option<f64>,
    /// Row of the file's detector (fractions allowed) at the middle of these rows, less the middle of all its rows; 0
    /// if the detector is used whole.
    pub(super) lifted: f64,
    /// Rows and columns of the file's detector.
    pub(super) whole: [usize; 2],
}
