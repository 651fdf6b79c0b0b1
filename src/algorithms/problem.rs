//! [`Problem`]: what a method is given, and [`Setup`]: the same before there are measurements.
//!
//! Iterative methods see a [`LinearOperator`] and a tensor of measurements, whatever was measured. Methods that need
//! more of the measurement, such as the directions of X-rays, say so by [`Takes`] and ask for it:
//! [`Problem::projections`], [`Problem::pictures`].

use crate::data::{Geometry, Grid, MU_REFERENCE_OVER_WATER, MU_WATER_PER_MM, Pictures, Projections};
use crate::error::{Error, Result};
use crate::operators::LinearOperator;
use crate::operators::xray::{self, Sampling};
use crate::tensors::{from_projections, indices, torch_error};
use std::borrow::Cow;
use std::rc::Rc;
use tch::{Device, Kind, Tensor};

/// Measurements, how they follow from a volume, and the grid of that volume.
#[derive(Clone)]
pub struct Problem<'a> {
    /// The grid that the method reconstructs on.
    pub grid: Grid,
    /// What was measured.
    pub measurements: Measurements<'a>,
    /// Attenuation of water, 1/mm. Its multiple [`Problem::unit`] is what methods compute in.
    pub mu_water: f64,
    /// How many times finer than the voxels of the result those of `grid` are. A penalty that is counted per voxel
    /// weighs that much less against the data there, so that its weight is multiplied by it.
    pub lattice: usize,
}

/// What was measured, with the model of how it follows from a volume.
#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one per reconstruction, behind references")]
pub enum Measurements<'a> {
    /// Line integrals of X-rays.
    Xrays {
        /// The line integrals with their scan.
        projections: Cow<'a, Projections>,
        /// The discrete X-ray transform that iterative methods invert.
        sampling: Sampling,
    },
    /// The values of any other linear map, in the shape of its range.
    Linear {
        /// The map A, from volumes on the problem's grid.
        operator: Rc<dyn LinearOperator>,
        /// A x with the errors of the measurement, in the unit of x times that of A.
        values: Rc<Tensor>,
    },
    /// Pictures from cameras.
    Pictures(&'a Pictures),
}

/// A measurement that is planned or made: its shape and geometry without its values.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    /// The grid that a method reconstructs on.
    pub grid: &'a Grid,
    /// What is measured.
    pub measured: Measured<'a>,
}

/// The shape of a measurement, and its geometry where it has one.
#[derive(Clone, Copy)]
pub enum Measured<'a> {
    /// Line integrals of X-rays along these rays.
    Xrays(&'a Geometry),
    /// The values of a linear map, of this shape; views along the first axis.
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

/// What a method reconstructs from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Any linear measurement, X-rays among them.
    Linear,
    /// Line integrals of X-rays whose geometry is known.
    Xrays,
    /// Pictures from cameras.
    Pictures,
}

impl Takes {
    /// Refuses a measurement of another kind, and says what to take in its place.
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
    Error::config("", "it needs the rays of X-ray projections, and this is another linear measurement")
        .hint("take a method that only needs the operator, such as cgls or tv")
}

impl Measured<'_> {
    /// `[view, row, column]` of everything that is measured; of pictures, held-out ones among them.
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

    /// The rays.
    ///
    /// # Errors
    /// A measurement without rays.
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

    /// Number of different directions that the views look in; views of which nothing is known count each.
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

    /// The same X-rays by another discrete transform; other measurements stay as they are.
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

    /// The larger of the numbers of measured values and of voxels: what the size of tensors goes with.
    #[must_use]
    pub fn largest(&self) -> usize {
        self.setup().samples().max(self.grid.voxels())
    }

    /// The attenuation that methods compute in units of, 1/mm: mu_ref = 2.5 mu_water.
    #[must_use]
    pub fn unit(&self) -> f64 {
        MU_REFERENCE_OVER_WATER * self.mu_water
    }

    /// The line integrals with their scan.
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

    /// A, from volumes on the grid (in any unit) to measurements (that unit, times mm for X-rays).
    ///
    /// # Errors
    /// A model that the device does not have; pictures, which are no linear map of a volume.
    pub fn operator(&self, device: Device) -> Result<Box<dyn LinearOperator>> {
        match &self.measurements {
            Measurements::Xrays { projections, sampling } => {
                xray::build(*sampling, &self.grid, &projections.geometry, device)
            }
            Measurements::Linear { operator, .. } => Ok(Box::new(Rc::clone(operator))),
            Measurements::Pictures(_) => Err(not_xrays()),
        }
    }

    /// y as it was measured (f32), in the shape of the operator's range.
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

    /// The same problem with some of the views, in the order of their numbers `views`.
    ///
    /// # Errors
    /// No views; a number beyond the last view; pictures.
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

    /// The numbers of the views that stay and of those that are left out, one in `every`, by turns in each of `every`
    /// folds.
    #[must_use]
    pub fn parted(&self, every: usize, fold: usize) -> [Vec<usize>; 2] {
        if let Measurements::Xrays { projections, .. } = &self.measurements {
            return projections.geometry.parted(every, fold);
        }
        let is_out = |view: &usize| view % every == (every / 2 + fold) % every;
        let (out, kept) = (0..self.setup().views()).partition(is_out);
        [kept, out]
    }

    /// The problem with the views that stay, and with those that are left out, of [`Problem::parted`].
    ///
    /// # Errors
    /// Fewer views than `every` leaves something of.
    pub fn split(&self, every: usize, fold: usize) -> Result<[Problem<'static>; 2]> {
        let [kept, out] = self.parted(every, fold);
        Ok([self.part(&kept)?, self.part(&out)?])
    }

    /// The same problem with negative measurements set to 0, and how many those were.
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

    /// The same measurements explained on another grid, whose voxels are `lattice` times finer than the result's, with
    /// `sub_rays` rays for each pixel along each detector axis.
    ///
    /// # Errors
    /// Another grid for a linear map, which has its own.
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
