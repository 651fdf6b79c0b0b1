//! Names of the files and folders in a run folder. Other programs read them, so they must not change.

/// Ground truth: the object on the reconstruction grid, HU.
pub const TRUTH: &str = "truth.nii.gz";
/// Line integrals `[view, row, column]`.
pub const PROJECTIONS: &str = "projections.npy";
/// Geometry of the scan; a resumed run reads it.
pub const GEOMETRY: &str = "geometry.json";
/// Calibrated poses of every view, for the whole detector in the file; a pipeline can read them as its geometry.
pub const POSES: &str = "poses.json";
/// Result of a calibration.
pub const CALIBRATION: &str = "calibration.json";
/// Reconstructed volume of a method, in the method's folder.
pub const VOLUME: &str = "volume.nii.gz";
/// Initial volume of a method, in its folder.
pub const START: &str = "start.nii.gz";
/// Standard deviation of each voxel of a method's volume, in its folder.
pub const UNCERTAINTY: &str = "uncertainty.nii.gz";
/// Change that a learned prior made to the initial volume of a method, in its folder.
pub const DIFFERENCE: &str = "difference.nii.gz";
/// Folder of the camera pictures of a scene (in subfolders) and of their camera files.
pub const PICTURES: &str = "pictures";
/// Folder of the held-out X-ray views, which no method is given: line integrals, geometry and, for a detector of
/// several rows, radiographs (PNG).
pub const HELD_OUT: &str = "held_out";
/// Camera file of the training views, in [`PICTURES`].
pub const TRAINING_CAMERAS: &str = "transforms_train.json";
/// Camera file of the held-out views, in [`PICTURES`].
pub const HELD_OUT_CAMERAS: &str = "transforms_test.json";
/// Folder of the views that a method renders for the held-out cameras (PNG), in the method's folder.
pub const VIEWS: &str = "views";
/// Folder of the depth maps of these views (.npy, mean distance of what is seen from the camera, mm), in the method's
/// folder.
pub const DEPTH: &str = "depth";
/// Convergence curve of a method, in its folder.
pub const CURVE: &str = "curve.csv";
/// Newest checkpoint from which a method can resume, in its folder.
pub const CHECKPOINT: &str = "checkpoint.safetensors";
/// Checkpoint before the newest, in the method's folder.
pub const PREVIOUS_CHECKPOINT: &str = "checkpoint.previous.safetensors";
/// The pipeline with all defaults written out.
pub const PIPELINE: &str = "pipeline.yaml";
/// The report as an HTML page that needs no network.
pub const REPORT_HTML: &str = "report.html";
/// The report as JSON, for programs.
pub const REPORT_JSON: &str = "report.json";
/// The table of the report as CSV.
pub const REPORT_CSV: &str = "report.csv";
/// Versions, and the hashes of every input and output.
pub const MANIFEST: &str = "manifest.json";
/// All messages of the run, one JSON object per line.
pub const LOG: &str = "log.jsonl";
