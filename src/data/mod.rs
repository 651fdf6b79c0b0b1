//! Basic data types: plain values that are checked at construction. No file access, no tensors.

mod camera;
mod geometry;
mod grid;
mod material;
mod orbit;
mod parting;
mod pictures;
mod poses;
mod projections;
mod report;
mod resample;
mod sweep;
mod tissue;
mod units;
mod vectors;
mod view;
mod volume;

pub use camera::Camera;
pub use geometry::{Detector, DetectorShape, Geometry};
pub use grid::Grid;
pub use material::Material;
pub use orbit::Orbit;
pub use pictures::{Picture, Pictures, Shot};
pub use poses::Poses;
pub use projections::Projections;
pub use report::{CurvePoint, MethodReport, MetricDefinition, Report, StageReport, Status, Warning, Warnings};
pub use sweep::AngularSweep;
pub use tissue::Tissue;
pub use units::{
    MU_REFERENCE_OVER_WATER, MU_WATER_PER_MM, Quantity, attenuation_to_hounsfield, hounsfield_to_attenuation,
};
pub use vectors::{Point, add, cross, dot, norm, normalized, scale, sub};
pub use view::{Source, View};
pub use volume::Volume;
