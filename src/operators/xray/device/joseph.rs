//! Joseph's projector on a GPU.

use super::{JOSEPH, lowered_views, scan_of};
use crate::data::{Geometry, Grid};
use crate::error::{Error, Result};
use crate::operators::LinearOperator;
use crate::operators::linear::expect_shape;
use crate::operators::xray::kernels::lowered::Pixels;
use crate::progress;
use crate::tensors::cuda::{Argument, Card, Kernel};
use crate::tensors::{lacks_memory, torch_error};
use std::cell::Cell;
use std::sync::Arc;
use tch::{Kind, Tensor};

const RAYS: Kernel = Kernel { source: &JOSEPH, name: "joseph_rays" };
const FORWARD: Kernel = Kernel { source: &JOSEPH, name: "joseph_forward" };
const ADJOINT: Kernel = Kernel { source: &JOSEPH, name: "joseph_adjoint" };

/// Number of rays processed at once, in whole views: their table takes 200 MB.
const GROUP: usize = 1 << 22;

/// Size of a `Ray` of `joseph.cu`, bytes.
const RAY: usize = 48;

/// A and its exact transpose in f32, in the memory and on the stream of a GPU. Tensors of another kind are converted
/// and the results converted back.
///
/// If the table of the rays does not fit the GPU's memory, half as many views are processed at once from then on; the
/// order of the sums, and so the result, does not change.
pub struct OnCard {
    card: Arc<Card>,
    grid: Grid,
    geometry: Geometry,
    views: Tensor,
    /// Number of views processed at once.
    together: Cell<usize>,
}

/// A group of views: scan parameters, table of the views, table of their rays, and their projections.
struct Group {
    scan: Argument,
    views: Argument,
    rays: Tensor,
    projections: Tensor,
    count: usize,
}

impl OnCard {
    /// The projector between `grid` and `geometry`.
    ///
    /// # Errors
    /// Memory.
    pub fn new(card: Arc<Card>, grid: &Grid, geometry: &Geometry) -> Result<Self> {
        let views = lowered_views(grid, geometry, Pixels::Rays, card.device())?;
        let together = Cell::new((GROUP / (geometry.samples() / geometry.views.len())).clamp(1, geometry.views.len()));
        Ok(Self { card, grid: grid.clone(), geometry: geometry.clone(), views, together })
    }

    /// Runs `work`, again with half as many views at once whenever memory runs out.
    ///
    /// # Errors
    /// Errors of `work`; memory that is too small for the rays of one view, with the sizes.
    fn fitting<T>(&self, work: impl Fn() -> Result<T>) -> Result<T> {
        loop {
            let error = match work() {
                Err(error) if lacks_memory(&error) => error,
                done => return done,
            };
            let views = self.together.get();
            if views == 1 {
                return Err(self.full(&error));
            }
            self.together.set(views / 2);
            let message = format!("the card's memory does not hold the rays of {views} views: {} at once", views / 2);
            progress::warn("fewer_views_at_once", &message);
        }
    }

    /// The error for too little memory for one view, with the needed and the free memory.
    fn full(&self, error: &Error) -> Error {
        let [_, rows, columns] = self.geometry.shape();
        let mebibytes = |bytes: usize| bytes.div_ceil(1 << 20);
        let need = mebibytes(4 * (self.grid.voxels() + self.geometry.samples()) + RAY * rows * columns);
        let free = self
            .card
            .memory()
            .map_or("unknown".to_string(), |(free, all)| format!("{} of {} MiB", mebibytes(free), mebibytes(all)));
        let problem = format!("a projection view by view takes {need} MiB, free are {free} ({error})");
        Error::resource("cuda memory", problem).hint("lower the grid's shape or the detector's pixels, or use the CPU")
    }

    /// Calls `visit` with every group of views, after computing the table of its rays.
    fn groups(&self, projections: &Tensor, mut visit: impl FnMut(&Group) -> Result<()>) -> Result<()> {
        let [views, rows, columns] = self.geometry.shape();
        let (pixels, device) = (rows * columns, self.card.device());
        let most = self.together.get();
        let bytes = (most * pixels * RAY) as i64;
        let table = Tensor::f_empty([bytes], (Kind::Uint8, device)).map_err(torch_error)?;
        for first in (0..views).step_by(most) {
            let count = most.min(views - first);
            let part = |tensor: &Tensor| tensor.f_narrow(0, first as i64, count as i64).map_err(torch_error);
            let group = Group {
                scan: scan_of(&self.grid, &self.geometry, count),
                views: Argument::records("View*", &part(&self.views)?, device)?,
                rays: table.shallow_clone(),
                projections: part(projections)?,
                count: count * pixels,
            };
            let rays = Argument::records("Ray*", &group.rays, device)?;
            self.card.launch(&RAYS, group.count, &[group.views.clone(), group.scan.clone(), rays])?;
            visit(&group)?;
        }
        Ok(())
    }

    fn empty(&self, shape: [usize; 3]) -> Result<Tensor> {
        Tensor::f_empty(shape.map(|n| n as i64), (Kind::Float, self.card.device())).map_err(torch_error)
    }
}

/// The tensor as contiguous f32.
fn plain(tensor: &Tensor) -> Result<Tensor> {
    tensor.f_detach().and_then(|t| t.f_to_kind(Kind::Float)?.f_contiguous()).map_err(torch_error)
}

impl LinearOperator for OnCard {
    fn domain(&self) -> &Grid {
        &self.grid
    }

    fn range(&self) -> [usize; 3] {
        self.geometry.shape()
    }

    fn forward(&self, volume: &Tensor) -> Result<Tensor> {
        expect_shape(volume, self.grid.shape, "volume")?;
        let (values, device) = (plain(volume)?, self.card.device());
        let projections = self.empty(self.geometry.shape())?;
        let work = || {
            self.groups(&projections, |group| {
                let rays = Argument::records("Ray*", &group.rays, device)?;
                let (from, to) = (Argument::memory(&values, device)?, Argument::memory(&group.projections, device)?);
                self.card.launch(&FORWARD, group.count, &[group.scan.clone(), rays, from, to])
            })
        };
        self.fitting(work)?;
        projections.f_to_kind(volume.kind()).map_err(torch_error)
    }

    fn adjoint(&self, projections: &Tensor) -> Result<Tensor> {
        expect_shape(projections, self.geometry.shape(), "projections")?;
        let (values, device) = (plain(projections)?, self.card.device());
        let volume = self.empty(self.grid.shape)?;
        let work = || {
            let mut add = 0;
            self.groups(&values, |group| {
                let rays = Argument::records("Ray*", &group.rays, device)?;
                let (from, to) = (Argument::memory(&group.projections, device)?, Argument::memory(&volume, device)?);
                let arguments = [group.views.clone(), group.scan.clone(), rays, from, to, Argument::whole(add)];
                add = 1;
                self.card.launch(&ADJOINT, self.grid.voxels(), &arguments)
            })
        };
        self.fitting(work)?;
        volume.f_to_kind(projections.kind()).map_err(torch_error)
    }

    fn subset(&self, views: &[usize]) -> Result<Box<dyn LinearOperator>> {
        Ok(Box::new(Self::new(self.card.clone(), &self.grid, &self.geometry.subset(views)?)?))
    }
}
