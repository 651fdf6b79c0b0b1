//! [`Problem`]: the measurements and the grid that a method is given, and [`Setup`]: the same without measured values.
//!
//! Iterative methods see a [`LinearOperator`] and a tensor of measurements, whatever was measured. Methods that need
//! more, such as the directions of the X-rays, declare it by [`Takes`] and get it from [`Problem::projections`],
//! [`Problem::pictures`].

use crate::data::{Geometry, Grid, MU_REFERENCE_OVER_WATER, MU_WATER_PER_MM, Pictures, Projections};
use crate::error::{Error, Result};
use crate::operators::LinearOperator;
use crate::operators::xray::{self, Sampling};
use crate::tensors::{from_projections, indices, torch_error};
use std::borrow::Cow;
use std::rc::Rc;
use tch::{Device, Kind, Tensor};

/// Measurements, the model of how they follow from a volume, and the grid of that volume.
#[derive(Clone)]
pub struct Problem<'a> {
    /// The grid on which the method reconstructs.
    pub grid: Grid,
    /// What was measured.
    pub measurements: Measurements<'a>,
    /// Attenuation of water, 1/mm. Methods compute in its multiple [`Problem::unit`].
    pub mu_water: f64,
    /// Factor by which the voxels of `grid` are finer than those of the output grid. On such a grid a penalty that is
    /// summed per voxel weighs that much less relative to the data, so that methods multiply its weight by this factor.
    pub lattice: usize,
}

/// The measured values, with the model of how they follow from a volume.
#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one per reconstruction, behind references")]
pub enum Measurements<'a> {
    /// Line integrals of X-rays.
    Xrays {
        /// The line integrals with the geometry of the scan.
        projections: Cow<'a, Projections>,
        /// The discrete X-ray transform that iterative methods invert.
        sampling: Sampling,
    },
    /// The values of any other linear map, in the shape of its range.
    Linear {
        /// The map A, from volumes on the problem's grid.
        operator: Rc<dyn LinearOperator>,
        /// The measured values A x with measurement errors, in the unit of x times that of A.
        values: Rc<Tensor>,
    },
    /// Pictures from cameras.
    Pictures(&'a Pictures),
}

/// Shape and geometry of a measurement, without its values: it may be only planned.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    /// The grid on which a method reconstructs.
    pub grid: &'a Grid,
    /// Shape and geometry of the measurement.
    pub measured: Measured<'a>,
}

/// The shape of a measurement, and its geometry where it has one.
#[derive(Clone, Copy)]
pub enum Measured<'a> {
    /// Line integrals of X-rays along these rays.
    Xrays(&'a Geometry),
    /// The values of a linear map: their shape, with the views along the first axis.
    Linear([usize; 3]),
    /// Pictures from cameras.
    Pictures {
        /// Rows and columns of a picture.
        pixels: [usize; 2],
        /// Pictures that the method sees.
        training: usize,
        /// Pictures that the method does not see and must predict.
        held_out: usize,
    },
}

/// The kind of measurement that a method reconstructs from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Any linear measurement, X-rays among them.
    Linear,
    /// Line integrals of X-rays with known geometry.
    Xrays,
    /// Pictures from cameras.
    Pictures,
}

impl Takes {
    /// Refuses a measurement of another kind; the error suggests what to use instead.
    pub(super) fn check(self, setup: &Setup<'_>) -> Result<()> {
        match (self, setup.measured) {
            (Self::Pictures, Measured::Pictures { .. })
            | (Self::Linear | Self::Xrays, Measured::Xrays(_))
            | (Self::Linear, Measured::Linear(_)) => Ok(()),
            (Self::Pictures, _) => {
                let problem = "it takes pictures, and the pipeline has X-ray projections";
                let hint = "simulate `cameras` in place of `geometry`, or acquire `images`; for projections take \
                            neural_field";
                Err(Error::config("", problem).hint(hint))
            }
            (_, Measured::Pictures { .. }) => {
                Err(Error::config("", "it takes X-ray projections, and the pipeline has pictures")
                    .hint("simulate `geometry` in place of `cameras`, or take radiance_field"))
            }
            (Self::Xrays, Measured::Linear(_)) => Err(not_xrays()),
        }
    }
}

fn not_xrays() -> Error {
    Error::config("", "it needs the rays of X-ray projections, and this measurement has none")
        .hint("take a method that only needs a linear operator, such as cgls or tv, or measure with X-rays")
}

impl Measured<'_> {
    /// Shape `[view, row, column]` of the measurement; for pictures, held-out ones are included.
    #[must_use]
    pub fn shape(&self) -> [usize; 3] {
        match *self {
            Self::Xrays(geometry) => geometry.shape(),
            Self::Linear(shape) => shape,
            Self::Pictures { pixels: [rows, columns], training, held_out } => [training + held_out, rows, columns],
        }
    }
}

impl<'a> Setup<'a> {
    /// X-rays along the rays of `geometry`, through a volume on `grid`.
    #[must_use]
    pub fn xrays(geometry: &'a Geometry, grid: &'a Grid) -> Self {
        Self { grid, measured: Measured::Xrays(geometry) }
    }

    /// The geometry of the X-rays.
    ///
    /// # Errors
    /// A measurement other than X-rays.
    pub fn geometry(&self) -> Result<&'a Geometry> {
        match self.measured {
            Measured::Xrays(geometry) => Ok(geometry),
            _ => Err(not_xrays()),
        }
    }

    /// Number of views.
    #[must_use]
    pub fn views(&self) -> usize {
        self.measured.shape()[0]
    }

    /// Number of measured values.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.measured.shape().iter().product()
    }

    /// Number of distinct viewing directions; without a geometry every view counts as one.
    #[must_use]
    pub fn directions(&self) -> usize {
        match self.measured {
            Measured::Xrays(geometry) => geometry.directions().len(),
            _ => self.views(),
        }
    }
}

impl<'a> Problem<'a> {
    /// Line integrals of X-rays through a volume on `grid`, by Joseph's projector.
    #[must_use]
    pub fn xrays(projections: &'a Projections, grid: &Grid, mu_water: f64) -> Self {
        let measurements =
            Measurements::Xrays { projections: Cow::Borrowed(projections), sampling: Sampling::default() };
        Self { grid: grid.clone(), measurements, mu_water, lattice: 1 }
    }

    /// The values (in the shape of the operator's range) of any linear map of a volume.
    ///
    /// # Errors
    /// Values of another shape.
    pub fn linear(operator: Rc<dyn LinearOperator>, values: Tensor, mu_water: f64) -> Result<Self> {
        crate::operators::expect_shape(&values, operator.range(), "measurements")?;
        let grid = operator.domain().clone();
        Ok(Self { grid, measurements: Measurements::Linear { operator, values: values.into() }, mu_water, lattice: 1 })
    }

    /// Pictures from cameras around a volume on their grid.
    #[must_use]
    pub fn of_pictures(pictures: &'a Pictures) -> Self {
        Self {
            grid: pictures.grid.clone(),
            measurements: Measurements::Pictures(pictures),
            mu_water: MU_WATER_PER_MM,
            lattice: 1,
        }
    }

    /// The same problem with another discrete X-ray transform; other measurements are unchanged.
    #[must_use]
    pub fn sampled(mut self, by: impl Into<Sampling>) -> Self {
        if let Measurements::Xrays { sampling, .. } = &mut self.measurements {
            *sampling = by.into();
        }
        self
    }

    /// Shape and geometry of what was measured.
    #[must_use]
    pub fn setup(&self) -> Setup<'_> {
        let measured = match &self.measurements {
            Measurements::Xrays { projections, .. } => Measured::Xrays(&projections.geometry),
            Measurements::Linear { operator, .. } => Measured::Linear(operator.range()),
            Measurements::Pictures(pictures) => Measured::Pictures {
                pixels: pictures.pixels(),
                training: pictures.training.len(),
                held_out: pictures.held_out.len(),
            },
        };
        Setup { grid: &self.grid, measured }
    }

    /// The number of measured values or of voxels, whichever is larger: the size of the largest tensors.
    #[must_use]
    pub fn largest(&self) -> usize {
        self.setup().samples().max(self.grid.voxels())
    }

    /// The unit of attenuation in which methods compute, 1/mm: mu_ref = 2.5 mu_water.
    #[must_use]
    pub fn unit(&self) -> f64 {
        MU_REFERENCE_OVER_WATER * self.mu_water
    }

    /// The line integrals with the geometry of the scan.
    ///
    /// # Errors
    /// [`Error::Config`] for another measurement.
    pub fn projections(&self) -> Result<&Projections> {
        match &self.measurements {
            Measurements::Xrays { projections, .. } => Ok(projections),
            _ => Err(not_xrays()),
        }
    }

    /// The discrete X-ray transform; the default one for another measurement.
    #[must_use]
    pub fn sampling(&self) -> Sampling {
        match &self.measurements {
            Measurements::Xrays { sampling, .. } => *sampling,
            _ => Sampling::default(),
        }
    }

    /// The pictures.
    ///
    /// # Errors
    /// [`Error::Config`] for another measurement.
    pub fn pictures(&self) -> Result<&'a Pictures> {
        match self.measurements {
            Measurements::Pictures(pictures) => Ok(pictures),
            _ => Err(Error::config("", "it takes pictures")),
        }
    }

    /// The operator A, from volumes `[z, y, x]` on the grid (in any unit) to measurements (in that unit, times mm for
    /// X-rays).
    ///
    /// # Errors
    /// A projector that the device does not have; pictures, which are not a linear map of a volume.
    pub fn operator(&self, device: Device) -> Result<Box<dyn LinearOperator>> {
        match &self.measurements {
            Measurements::Xrays { projections, sampling } => {
                xray::build(*sampling, &self.grid, &projections.geometry, device)
            }
            Measurements::Linear { operator, .. } => Ok(Box::new(Rc::clone(operator))),
            Measurements::Pictures(_) => Err(not_xrays()),
        }
    }

    /// The measured values y (f32), in the shape of the operator's range.
    ///
    /// # Errors
    /// Memory; pictures.
    pub fn values(&self, device: Device) -> Result<Tensor> {
        match &self.measurements {
            Measurements::Xrays { projections, .. } => from_projections(projections, device),
            Measurements::Linear { values, .. } => values.f_to_device(device).map_err(torch_error),
            Measurements::Pictures(_) => Err(not_xrays()),
        }
    }

    /// The problem with only the views of indices `views`, in that order.
    ///
    /// # Errors
    /// No views; an index beyond the last view; pictures.
    pub fn part(&self, views: &[usize]) -> Result<Problem<'static>> {
        let measurements = match &self.measurements {
            Measurements::Xrays { projections, sampling } => {
                Measurements::Xrays { projections: Cow::Owned(projections.part(views)?), sampling: *sampling }
            }
            Measurements::Linear { operator, values } => {
                let numbers = indices(views, values.device())?;
                let values = values.f_index_select(0, &numbers).map_err(torch_error)?;
                Measurements::Linear { operator: operator.subset(views)?.into(), values: values.into() }
            }
            Measurements::Pictures(_) => return Err(not_xrays()),
        };
        Ok(Problem { grid: self.grid.clone(), measurements, ..*self })
    }

    /// Indices of the kept and of the left-out views: one view in `every` is left out, other ones in each fold 0 to
    /// `every` − 1.
    fn parted(&self, every: usize, fold: usize) -> [Vec<usize>; 2] {
        if let Measurements::Xrays { projections, .. } = &self.measurements {
            return projections.geometry.parted(every, fold);
        }
        let is_out = |view: &usize| view % every == (every / 2 + fold) % every;
        let (out, kept) = (0..self.setup().views()).partition(is_out);
        [kept, out]
    }

    /// The problem with the kept views, and that with the left-out ones: one view in `every` is left out, other ones in
    /// each fold 0 to `every` − 1.
    ///
    /// # Errors
    /// Too few views, so that none is kept or none is left out; pictures.
    pub fn split(&self, every: usize, fold: usize) -> Result<[Problem<'static>; 2]> {
        let [kept, out] = self.parted(every, fold);
        Ok([self.part(&kept)?, self.part(&out)?])
    }

    /// The problem with negative measurements set to 0, and the number of those.
    ///
    /// # Errors
    /// Memory; pictures.
    pub fn without_negative_values(&self) -> Result<(Problem<'_>, usize)> {
        let mut problem = self.clone();
        let negative = match &mut problem.measurements {
            Measurements::Xrays { projections, .. } => {
                let negative = projections.as_slice().iter().filter(|&&value| value < 0.0).count();
                if negative > 0 {
                    let clamped = projections.as_slice().iter().map(|value| value.max(0.0)).collect();
                    *projections = Cow::Owned(Projections::from_vec(projections.geometry.clone(), clamped)?);
                }
                negative
            }
            Measurements::Linear { values, .. } => {
                let negative = values.f_lt(0.0).and_then(|below| below.f_sum(Kind::Int64)).map_err(torch_error)?;
                *values = values.f_clamp_min(0.0).map_err(torch_error)?.into();
                negative.int64_value(&[]) as usize
            }
            Measurements::Pictures(_) => return Err(not_xrays()),
        };
        Ok((problem, negative))
    }

    /// The same measurements on another grid, whose voxels are `lattice` times finer than those of the output grid,
    /// with `sub_rays` rays along each axis of a detector pixel.
    ///
    /// # Errors
    /// Another grid for a linear map, which has its own, or for pictures.
    pub fn on(&self, grid: Grid, lattice: usize, sub_rays: usize) -> Result<Problem<'_>> {
        let measurements = match &self.measurements {
            Measurements::Xrays { projections, sampling } => Measurements::Xrays {
                projections: Cow::Borrowed(projections.as_ref()),
                sampling: Sampling { sub_rays, ..*sampling },
            },
            other if grid == self.grid => other.clone(),
            _ => return Err(not_xrays()),
        };
        Ok(Problem { grid, measurements, mu_water: self.mu_water, lattice })
    }
}
