//! The object that is rendered: a fitted field or a volume.

use super::Args;
use crate::algorithms::{neural_field, radiance_field};
use crate::context::{Machine, Threads, layout};
use crate::data::{Grid, Volume};
use crate::error::{Error, Result};
use crate::formats::{self, Loaded, Reading};
use crate::progress::{self, StopSignal};
use crate::tensors::DeviceRequest;
use std::path::{Path, PathBuf};

/// The object that is rendered.
pub(super) enum Subject {
    /// A neural field of attenuation, 1/mm.
    Field(Box<neural_field::Fitted>),
    /// A radiance field: density (1/mm) and colour.
    Scene(Box<radiance_field::Fitted>),
    /// A volume of attenuation, 1/mm.
    Volume(Box<Volume>),
}

impl Subject {
    /// Reads the field or volume that the arguments name; in a method's folder the checkpoint of a field comes before
    /// the volume.
    ///
    /// # Errors
    /// Neither a field nor a volume at the path, or damaged files.
    pub(super) fn read(args: &Args) -> Result<Self> {
        let place = &args.field;
        let checkpoint = if place.is_dir() { place.join(layout::CHECKPOINT) } else { place.clone() };
        if checkpoint.is_file() && (place.is_dir() || place.extension().is_some_and(|e| e == "safetensors")) {
            return Self::field(&checkpoint, &args.device);
        }
        let made = place.join(layout::VOLUME);
        if place.is_dir() && !made.is_file() && args.views.is_none() {
            return Err(Error::input(
                place,
                "expected the folder of a fitted neural field, or its checkpoint.safetensors",
            )
            .hint("such as runs/ct/siren: only neural and radiance fields store weights"));
        }
        let file: PathBuf = if made.is_file() { made } else { place.clone() };
        let reading = Reading { units: args.units, ..Reading::default() };
        let Loaded { volume, warnings } = formats::read_volume(&file, &reading)?;
        for warning in warnings {
            progress::warn(&warning.code, &format!("{}: {}", progress::place(&file), warning.message));
        }
        Ok(Self::Volume(Box::new(volume.to_attenuation(args.mu_water))))
    }

    fn field(file: &Path, device: &str) -> Result<Self> {
        let bytes = std::fs::read(file).map_err(|error| Error::input(file, error))?;
        let request: DeviceRequest = device.parse().map_err(|error: Error| error.under("--device"))?;
        let device = Machine::take(request, Threads::default())?.device;
        let read = if radiance_field::Fitted::is_one(&bytes) {
            radiance_field::Fitted::read(&bytes, device).map(|scene| Self::Scene(Box::new(scene)))
        } else {
            neural_field::Fitted::read(&bytes, device).map(|field| Self::Field(Box::new(field)))
        };
        read.map_err(|error| match error {
            Error::Input { problem, hint, .. } => Error::Input { place: file.to_path_buf(), problem, hint },
            other => other,
        })
    }

    /// Grid of the volume, or grid on which the field was fitted.
    pub(super) fn grid(&self) -> &Grid {
        match self {
            Self::Field(field) => field.grid(),
            Self::Scene(scene) => scene.grid(),
            Self::Volume(volume) => &volume.grid,
        }
    }

    /// Samples a field at the voxels of a grid, in HU (1/mm for a radiance field). Also returns a description of the
    /// values. A volume is returned unchanged.
    pub(super) fn volume(&self, grid: &Grid, stop: &dyn StopSignal) -> Result<(Volume, &'static str)> {
        match self {
            Self::Field(field) => Ok((field.volume(grid, stop)?.to_hounsfield(field.mu_water()), "neural field, HU")),
            Self::Scene(scene) => Ok((scene.volume(grid, stop)?, "density, 1/mm")),
            Self::Volume(volume) => Ok((Volume::clone(volume), "volume")),
        }
    }

    /// Attenuation (1/mm) on the grid `wanted`. Without one: a neural field is sampled on its own grid with twice as
    /// many voxels along each axis, so that detail between its voxels is kept; a radiance field is sampled on its own
    /// grid; a volume stays unchanged.
    pub(super) fn attenuation(&self, wanted: Option<&Grid>, stop: &dyn StopSignal) -> Result<Volume> {
        let grid = self.grid();
        let twice = || grid.with_shape(grid.shape.map(|n| if n > 1 { 2 * n } else { n }));
        match (self, wanted) {
            (Self::Field(field), Some(wanted)) => field.volume(wanted, stop),
            (Self::Field(field), None) => field.volume(&twice()?, stop),
            (Self::Scene(scene), _) => scene.volume(wanted.unwrap_or(grid), stop),
            (Self::Volume(volume), None) => Ok(Volume::clone(volume)),
            (Self::Volume(volume), Some(wanted)) => volume.resampled(wanted),
        }
    }
}
