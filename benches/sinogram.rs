//! Projects a slice for the scripts of `benches/peers`: `cargo bench --bench sinogram -- MODEL parallel|fan VOXELS
//! PIXELS VIEWS PITCH RADIUS`. Reads the square slice `[y, x]` with pixels of 1 mm as raw f32 from stdin and writes its
//! sinogram `[view, column]` as raw f32 to stdout.
//!
//! In view i the source is at the angle φ = π i / VIEWS (parallel beam) or 2 π i / VIEWS (fan beam: source and detector
//! RADIUS mm from the centre, on opposite sides), measured from +x to +y; columns run along (−sin φ, cos φ), PITCH mm
//! apart.

use recon::data::{Detector, DetectorShape, Geometry, Grid, Source, View};
use recon::operators::xray::Model;
use std::error::Error;
use std::f64::consts::{PI, TAU};
use std::io::{Read, Write};

fn scan(kind: &str, pixels: usize, views: usize, pitch: f64, radius: f64) -> Result<Geometry, Box<dyn Error>> {
    let (fan, arc) = if kind == "fan" { (true, TAU) } else { (false, PI) };
    let view = |i: usize| {
        let (s, c) = (arc * i as f64 / views as f64).sin_cos();
        let source = if fan { Source::Point([radius * c, radius * s, 0.0]) } else { Source::Direction([-c, -s, 0.0]) };
        View { source, center: [-radius * c, -radius * s, 0.0], u: [-s * pitch, c * pitch, 0.0], v: [0.0, 0.0, 1.0] }
    };
    let detector = Detector { rows: 1, columns: pixels, shape: DetectorShape::Flat };
    Ok(Geometry::new((0..views).map(view).collect(), detector, None)?)
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let [model, kind, voxels, pixels, views, pitch, radius] = &words[..] else { return Ok(()) };
    let model: Model = serde_yaml::from_str(model)?;
    let grid = Grid::centered([1, voxels.parse()?, voxels.parse()?], [1.0; 3], [0.0; 3])?;
    let geometry = scan(kind, pixels.parse()?, views.parse()?, pitch.parse()?, radius.parse()?)?;
    let mut bytes = Vec::new();
    std::io::stdin().read_to_end(&mut bytes)?;
    let (chunks, _) = bytes.as_chunks();
    let volume: Vec<f32> = chunks.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let mut sinogram = vec![0.0; geometry.samples()];
    (model.kernels().forward)(&grid, &geometry.views, &geometry.detector, &volume, &mut sinogram);
    let bytes: Vec<u8> = sinogram.iter().flat_map(|value: &f32| value.to_le_bytes()).collect();
    Ok(std::io::stdout().write_all(&bytes)?)
}
