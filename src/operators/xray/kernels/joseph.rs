//! Line integrals by Joseph's method, and their exact transpose.
//!
//! A ray is summed over the planes of voxel centres across its main axis (the axis along which it crosses most planes):
//! in each plane the value is interpolated linearly between the voxels around the crossing, and the sum is multiplied
//! by the ray's length between planes (Joseph, IEEE Trans. Med. Imaging 1 (1982) 192). Outside the grid the volume is
//! zero, and the interpolation falls linearly to zero within one voxel: half a voxel beyond the outermost centre its
//! value counts half. A ray begins at its point source and has no other end. A grid of one slice with a detector of one
//! row is two-dimensional: rays lie in the slice, whatever its z spacing.
//!
//! [`adjoint`] uses the same weights. Each of its tasks owns a part of the volume and adds the rays in a fixed order,
//! so that the result is bit-identical for any number of threads.

use super::fan::{self, Bundle};
use super::lines::{Lines, Planes, others};
use super::pull::Pull;
use super::push::{PAD, Push};
use super::rays::ViewRays;
use super::sheets::Sheet;
use super::simd::{LANES, Level, dispatch, level};
use super::single;
use super::transpose::{Shape, transpose};
use crate::data::{Detector, Grid, View};
use rayon::prelude::*;

/// Number of rays processed at once, in whole views, which bounds the memory besides the volume.
const GROUP: usize = 1 << 23;

/// Number of planes per task of the adjoint.
const BLOCK: usize = 8;

/// Line integrals (1/mm x mm) `[view, row, column]` of a volume `[z, y, x]` (1/mm); overwrites `projections`.
///
/// # Panics
/// If the length of a slice does not match the grid, the views or the detector.
pub fn forward(grid: &Grid, views: &[View], detector: &Detector, volume: &[f32], projections: &mut [f32]) {
    forward_at(level(), grid, views, detector, volume, projections);
}

/// The transpose of [`forward`]: backprojects projections `[view, row, column]` to a volume `[z, y, x]`; overwrites
/// `volume`.
///
/// # Panics
/// As [`forward`].
pub fn adjoint(grid: &Grid, views: &[View], detector: &Detector, projections: &[f32], volume: &mut [f32]) {
    adjoint_at(level(), grid, views, detector, projections, volume);
}

/// [`forward`] with the instructions of one level, for tests and benchmarks.
///
/// # Panics
/// As [`forward`].
pub fn forward_at(
    level: Level,
    grid: &Grid,
    views: &[View],
    detector: &Detector,
    volume: &[f32],
    projections: &mut [f32],
) {
    let pixels = detector.rows * detector.columns;
    assert_eq!(volume.len(), grid.voxels(), "one value per voxel");
    assert_eq!(projections.len(), views.len() * pixels, "one value per pixel and view");
    let mut scans = classify(grid, views, detector, projections.chunks_mut(pixels));
    for (axis, scans) in scans.sheets.iter_mut().enumerate().filter(|(_, scans)| !scans.is_empty()) {
        let lines = Lines::along(axis, grid.shape, volume);
        for group in scans.chunks_mut((GROUP / pixels).max(1)) {
            forward_sheets(level, &lines, group);
        }
    }
    if !scans.fans.is_empty() {
        let lines = [2, 1].map(|axis| Lines::along(axis, grid.shape, volume));
        fan::forward(level, &lines, &mut scans.fans);
    }
    for (rays, out) in scans.single {
        single::forward(level, &rays, grid.shape, detector.columns, volume, out);
    }
}

/// [`adjoint`] with the instructions of one level, for tests and benchmarks.
///
/// # Panics
/// As [`forward`].
pub fn adjoint_at(
    level: Level,
    grid: &Grid,
    views: &[View],
    detector: &Detector,
    projections: &[f32],
    volume: &mut [f32],
) {
    let pixels = detector.rows * detector.columns;
    assert_eq!(volume.len(), grid.voxels(), "one value per voxel");
    assert_eq!(projections.len(), views.len() * pixels, "one value per pixel and view");
    volume.fill(0.0);
    let scans = classify(grid, views, detector, projections.chunks(pixels));
    for (axis, scans) in scans.sheets.into_iter().enumerate().filter(|(_, scans)| !scans.is_empty()) {
        let mut sums: Option<Planes> = None;
        for main in others(axis) {
            if !scans.iter().any(|(sheets, _)| sheets.iter().any(|sheet| sheet.main == main)) {
                continue;
            }
            // Reuse one buffer for both axes, because clearing it is cheaper than allocating.
            let sums = match &mut sums {
                Some(sums) => {
                    sums.restart(main);
                    sums
                }
                none => none.insert(Planes::new(main, axis, grid.shape)),
            };
            for group in scans.chunks((GROUP / pixels).max(1)) {
                let (sheets, rays) = weighted_rays(group);
                adjoint_sheets(level, main, &sheets, &rays, grid.shape, sums);
            }
            sums.add_to(volume);
        }
    }
    if !scans.fans.is_empty() {
        fan::adjoint(level, &scans.fans, grid.shape, volume);
    }
    if !scans.single.is_empty() {
        single::adjoint(level, &scans.single, grid.shape, detector.columns, volume);
    }
}

/// The views, grouped by the kernel that follows their rays, each with its pixels.
struct Scans<P> {
    /// Views with sheets, grouped by the axis of the sheets' lines.
    sheets: [Vec<(Vec<Sheet>, P)>; 3],
    fans: Vec<(Vec<Bundle>, P)>,
    single: Vec<(ViewRays, P)>,
}

fn classify<P>(grid: &Grid, views: &[View], detector: &Detector, pixels: impl Iterator<Item = P>) -> Scans<P> {
    let mut scans = Scans { sheets: [vec![], vec![], vec![]], fans: vec![], single: vec![] };
    for (view, pixels) in views.iter().zip(pixels) {
        let rays = ViewRays::new(grid, view, detector);
        if let Some(sheets) = Sheet::of_view(&rays, grid.shape, detector.rows, detector.columns) {
            scans.sheets[sheets[0].line].push((sheets, pixels));
        } else if let Some(bundles) = Bundle::of_view(&rays, grid.shape, detector.columns) {
            scans.fans.push((bundles, pixels));
        } else {
            scans.single.push((rays, pixels));
        }
    }
    scans
}

fn forward_sheets(level: Level, lines: &Lines, views: &mut [(Vec<Sheet>, &mut [f32])]) {
    let per_view = views[0].0.len();
    let width = views[0].0[0].rays.next_multiple_of(LANES);
    let sheets: Vec<Sheet> = views.iter().flat_map(|(sheets, _)| sheets.iter().cloned()).collect();
    let mut sums = vec![0.0; sheets.len() * width];
    let tile = (sheets.len() / (4 * rayon::current_num_threads())).clamp(8, 1024).min(sheets.len());
    sums.par_chunks_mut(tile * width)
        .zip(sheets.par_chunks(tile))
        .for_each(|(sums, sheets)| dispatch(level, Pull { lines, sheets, sums }));
    views.par_iter_mut().zip(sums.par_chunks(per_view * width)).for_each(|((sheets, out), sums)| {
        // A sheet is a column of pixels, or in 2-D the single row.
        transpose(sums, Shape { rows: per_view, columns: sheets[0].rays, stride: width }, out, per_view);
    });
}

/// All sheets of some views, and their ray values times the rays' lengths (mm), `[sheet, ray]` with [`PAD`] zeros
/// before and after each sheet.
fn weighted_rays(views: &[(Vec<Sheet>, &[f32])]) -> (Vec<Sheet>, Vec<f32>) {
    let per_view = views[0].0.len();
    let width = views[0].0[0].rays + 2 * PAD;
    let sheets: Vec<Sheet> = views.iter().flat_map(|(sheets, _)| sheets.iter().cloned()).collect();
    let mut rays = vec![0.0; sheets.len() * width];
    views.par_iter().zip(rays.par_chunks_mut(per_view * width)).for_each(|((sheets, values), rays)| {
        transpose(values, Shape { rows: sheets[0].rays, columns: per_view, stride: per_view }, &mut rays[PAD..], width);
        for (sheet, rays) in sheets.iter().zip(rays.chunks_exact_mut(width)) {
            sheet.times_length(&mut rays[PAD..PAD + sheet.rays]);
        }
    });
    (sheets, rays)
}

fn adjoint_sheets(level: Level, main: usize, sheets: &[Sheet], rays: &[f32], shape: [usize; 3], sums: &mut Planes) {
    let (length, plane) = (sums.length, sums.plane);
    sums.values.par_chunks_mut(BLOCK * plane).enumerate().for_each(|(block, values)| {
        let planes = block * BLOCK..block * BLOCK + values.len() / plane;
        dispatch(level, Push { sheets, rays, main, planes, values, shape, length, plane });
    });
}
