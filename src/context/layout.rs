//! Names of the files in a run folder. They are relied on from outside: other programs read them.

/// The object on the grid of the reconstructions, HU.
pub const TRUTH: &str = "truth.nii.gz";
/// Line integrals `[view, row, column]`.
pub const PROJECTIONS: &str = "projections.npy";
/// The scan, from which a run resumes.
pub const GEOMETRY: &str = "geometry.json";
/// The calibrated scan of the whole detector: poses that a pipeline can take.
pub const POSES: &str = "poses.json";
/// What a calibration found.
pub const CALIBRATION: &str = "calibration.json";
/// A method's volume, in its folder.
pub const VOLUME: &str = "volume.nii.gz";
/// The volume that a method started from, in its folder.
pub const START: &str = "start.nii.gz";
/// The standard deviation of each voxel of a method's volume, in its folder.
pub const UNCERTAINTY: &str = "uncertainty.nii.gz";
/// What a learned prior added to the volume that a method started from, in its folder.
pub const DIFFERENCE: &str = "difference.nii.gz";
/// The pictures of a scene that cameras see, in folders of their own, and the files of their cameras.
pub const PICTURES: &str = "pictures";
/// X-ray views that no method is given, with their scan and, of a scan in space, as pictures.
pub const HELD_OUT: &str = "held_out";
/// The training cameras, in [`PICTURES`].
pub const TRAINING_CAMERAS: &str = "transforms_train.json";
/// The held-out cameras, in [`PICTURES`].
pub const HELD_OUT_CAMERAS: &str = "transforms_test.json";
/// What a method sees from the held-out cameras, in its folder: PNG files.
pub const VIEWS: &str = "views";
/// How far what it sees is from the camera (mm), in its folder: .npy files.
pub const DEPTH: &str = "depth";
/// The convergence of a method, in its folder.
pub const CURVE: &str = "curve.csv";
/// The newest state that a method can resume from, in its folder.
pub const CHECKPOINT: &str = "checkpoint.safetensors";
/// The state before that.
pub const PREVIOUS_CHECKPOINT: &str = "checkpoint.previous.safetensors";
/// The resolved pipeline, every default explicit.
pub const PIPELINE: &str = "pipeline.yaml";
/// The report as an offline page.
pub const REPORT_HTML: &str = "report.html";
/// The report for programs.
pub const REPORT_JSON: &str = "report.json";
/// The table of the report.
pub const REPORT_CSV: &str = "report.csv";
/// Versions, and the hashes of every input and output.
pub const MANIFEST: &str = "manifest.json";
/// Everything that was said during the run.
pub const LOG: &str = "log.jsonl";
