//! [`MeasuredLayout`]: number and arrangement of the views and pixels of measured data, from which the scan is built.

/// Views and pixels of measured data.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct MeasuredLayout {
    /// Number of views.
    pub(super) views: usize,
    /// Angle of each view, degrees, if known.
    pub(super) angles: Option<Vec<f64>>,
    /// Whether the sense of rotation is reversed.
    pub(super) reversed: bool,
    /// Number of rows and columns after binning.
    pub(super) pixels: [usize; 2],
    /// Number of file pixels along the edge of a binned pixel.
    pub(super) bin: usize,
    /// Binned column (with fraction) on which the axis falls; `None`: as the kind of scan says.
    pub(super) axis: Option<f64>,
    /// File row at the middle of the used rows, minus the file row at the middle of the whole detector (file rows, with
    /// fraction); 0 if the whole detector is used.
    pub(super) lifted: f64,
    /// Number of rows and columns of the whole detector in the file.
    pub(super) whole: [usize; 2],
}
