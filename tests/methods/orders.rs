//! Tests of measured scans of every kind: orders of the views, coverages of the angles, positions of the detector, and
//! beams. The data are the exact line integrals of a body with a ball beside its centre. Each combination must give the
//! absolute value in the centre (within 1 %), the place of the ball (within half a voxel) and exactly the expected
//! warnings; only half a turn with half a detector, which leaves rays unmeasured, is exempt.

use super::support::chord;
use ndarray_npy::WriteNpyExt;
use recon::algorithms::{Algorithm, Problem, Run, fbp, fdk};
use recon::data::{Geometry, Grid, Orbit, Projections, norm};
use recon::progress::Silent;
use recon::stages::acquire::Acquire;
use std::fs::File;
use tch::Device;

/// Attenuation of the body, 1/mm, and its radius, mm.
const BODY: (f64, f64) = (0.02, 34.0);
/// Attenuation that the ball adds (1/mm), its radius (mm) and its centre (mm).
const BALL: (f64, f64, [f64; 3]) = (0.04, 6.0, [18.0, 9.0, 0.0]);
const PITCH: f64 = 1.5;

/// Which angles are measured.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Coverage {
    Short,
    Lacking,
    Whole,
    Beyond,
    Gap,
    Uneven,
    Golden,
}

impl Coverage {
    const ALL: [Self; 7] =
        [Self::Short, Self::Lacking, Self::Whole, Self::Beyond, Self::Gap, Self::Uneven, Self::Golden];

    /// Returns the angles in degrees; their step is 1.5 degrees except for `Uneven` and `Golden`.
    fn angles(self, parallel: bool) -> Vec<f64> {
        let steps =
            |end: f64| (0..1000).map(|i| f64::from(i) * 1.5).take_while(|angle| *angle < end).collect::<Vec<_>>();
        match self {
            Self::Short => steps(if parallel { 180.0 } else { 225.0 }),
            Self::Lacking => steps(358.5),
            Self::Whole => steps(360.0),
            Self::Beyond => steps(369.5),
            Self::Gap => steps(360.0).into_iter().filter(|angle| !(100.0..107.0).contains(angle)).collect(),
            Self::Uneven => {
                let wave = |i: f64| 1.5 * i + 10.0 * (i * 1.5f64.to_radians()).sin();
                (0..240).map(|i| wave(f64::from(i))).collect()
            }
            Self::Golden => (0..240).map(|i| (f64::from(i) * 111.246) % 360.0).collect(),
        }
    }
}

const ORDERS: [&str; 6] = ["sorted", "wrapped", "interlaced", "strided", "shuffled", "twice"];

fn ordered(angles: &[f64], order: &str) -> Vec<f64> {
    let n = angles.len();
    // A stride that has no factor in common with the number of views visits each view once.
    let stride =
        |wanted: usize| (wanted..n).find(|k| (2..=*k).all(|f| !k.is_multiple_of(f) || !n.is_multiple_of(f))).unwrap();
    let strided = |step: usize| (0..n).map(|i| angles[i * step % n]).collect();
    match order {
        "sorted" => angles.to_vec(),
        "wrapped" => angles.iter().map(|angle| (angle + 200.0) % 360.0).collect(),
        "interlaced" => angles.iter().step_by(2).chain(angles.iter().skip(1).step_by(2)).copied().collect(),
        "strided" => strided(stride((n as f64 * 0.618) as usize)),
        "shuffled" => {
            let mut keyed: Vec<(u32, f64)> =
                angles.iter().enumerate().map(|(i, &a)| ((i as u32 + 1).wrapping_mul(2_654_435_769), a)).collect();
            keyed.sort_by_key(|pair| pair.0);
            keyed.into_iter().map(|pair| pair.1).collect()
        }
        _ => angles.iter().chain(angles).copied().collect(),
    }
}

fn integrals(geometry: &Geometry) -> Vec<f32> {
    let [_, rows, columns] = geometry.shape();
    let one = |sample: usize| {
        let (view, place) = (sample / (rows * columns), sample % (rows * columns));
        let ray = geometry.ray(view, (place / columns) as f64, (place % columns) as f64);
        let of = |(mu, radius, center): (f64, f64, [f64; 3])| mu * chord(ray, radius, center, rows == 1);
        (of((BODY.0, BODY.1, [0.0; 3])) + of(BALL)) as f32
    };
    (0..geometry.samples()).map(one).collect()
}

/// A beam and a detector: its rows and columns, and its shift along [v, u], mm.
struct Place {
    beam: &'static str,
    rows: usize,
    columns: usize,
    offset: [f64; 2],
}

fn places() -> Vec<Place> {
    let mut all = Vec::new();
    for (beam, rows) in [("parallel", 1), ("fan", 1), ("cone", 9)] {
        for (columns, u) in [(96, 0.0), (70, 18.0), (70, -18.0)] {
            // A detector of 105 mm that is shifted by 18 mm ends 34.5 mm from the central ray on its short side, within
            // the shadow of the body (51 mm at a magnification of 1.5). At a magnification of 1 it must be shifted
            // further.
            let u = if beam == "parallel" { 1.5 * u } else { u };
            all.push(Place { beam, rows, columns, offset: [0.0, u] });
        }
    }
    all.push(Place { beam: "cone", rows: 9, columns: 96, offset: [4.5, 0.0] });
    all
}

impl Place {
    fn half(&self) -> bool {
        self.offset[1] != 0.0
    }

    fn scan(&self) -> String {
        let distances =
            if self.beam == "parallel" { "" } else { "source_to_axis_mm: 200, source_to_detector_mm: 300, " };
        let [v, u] = self.offset;
        format!("{}: {{{distances}detector: {{pitch_mm: {PITCH}, offset_mm: [{v}, {u}]}}}}", self.beam)
    }

    fn method(&self) -> Box<dyn Algorithm> {
        if self.beam == "parallel" { Box::new(fbp::Config::default()) } else { Box::new(fdk::Config::default()) }
    }
}

/// Returns the scan and the grid that `acquire` makes from data in this order, and the codes of its warnings.
fn acquired(place: &Place, angles: &[f64], preflight: &str) -> (Geometry, Grid, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let shape = (angles.len(), place.rows, place.columns);
    let plan = |values: Vec<f32>, preflight: &str| {
        let data = ndarray::Array3::from_shape_vec(shape, values).unwrap();
        data.write_npy(File::create(folder.path().join("p.npy")).unwrap()).unwrap();
        let text: Vec<String> = angles.iter().map(ToString::to_string).collect();
        std::fs::write(folder.path().join("a.txt"), text.join("\n")).unwrap();
        let at = folder.path().display();
        let yaml = format!(
            "npy: {{path: {at}/p.npy, angles: {at}/a.txt}}\nvalues: line_integrals\nzinger_sigma: 0\npreflight: \
             \"{preflight}\"\ngeometry: {{{}}}\n",
            place.scan()
        );
        Acquire { config: serde_yaml::from_str(&yaml).unwrap(), grid: None }.plan(&Silent).unwrap()
    };
    let blank = plan(vec![1.0; shape.0 * shape.1 * shape.2], "off");
    let planned = if preflight == "off" { blank } else { plan(integrals(&blank.geometry), preflight) };
    let codes = planned.warnings.iter().map(|warning| warning.code.clone()).collect();
    (planned.geometry, planned.grid, codes)
}

/// Returns the mean attenuation in the centre (1/mm) and the distance of the ball from its place, in voxels.
fn measured(values: &[f32], grid: &Grid) -> (f64, f64) {
    let [_, ny, nx] = grid.shape;
    let (mut inner, mut count, mut mass, mut place) = (0.0, 0.0, 0.0, [0.0; 2]);
    for (i, &value) in values.iter().enumerate() {
        let p = grid.point([(i / (ny * nx)) as f64, (i / nx % ny) as f64, (i % nx) as f64]);
        if p[2].abs() > 0.51 * grid.spacing[0] {
            continue;
        }
        if p[0].hypot(p[1]) < 6.0 {
            (inner, count) = (inner + f64::from(value), count + 1.0);
        }
        if (p[0] - BALL.2[0]).hypot(p[1] - BALL.2[1]) < 2.0 * BALL.1 {
            let more = f64::from(value) - BODY.0;
            mass += more;
            place = [place[0] + more * p[0], place[1] + more * p[1]];
        }
    }
    let off = norm([place[0] / mass - BALL.2[0], place[1] / mass - BALL.2[1], 0.0]);
    (inner / count, off / grid.spacing[2])
}

fn reconstructed(place: &Place, geometry: Geometry, grid: &Grid) -> Result<(f64, f64, Vec<String>), String> {
    let data = Projections::from_vec(geometry.clone(), integrals(&geometry)).unwrap();
    let mut run = Run::quiet(Device::Cpu, 0);
    let made = place
        .method()
        .reconstruct(&Problem::xrays(&data, grid, BODY.0), &mut run)
        .map_err(|error| error.to_string())?;
    let (middle, off) = measured(made.volume.as_slice(), grid);
    Ok((middle, off, made.warnings.iter().map(|warning| warning.code.clone()).collect()))
}

/// Returns the warnings that are expected of the method. With a centred detector the rays of the gap are measured from
/// the opposite side too; with a shifted detector they are not.
fn expected(place: &Place, coverage: Coverage) -> Vec<&'static str> {
    if coverage == Coverage::Gap && place.half() { vec!["angular_gap"] } else { vec![] }
}

#[test]
fn every_order_coverage_place_and_beam_gives_the_value_at_its_place() {
    let mut cells = 0;
    let mut wrong = Vec::new();
    for place in places() {
        for coverage in Coverage::ALL {
            for order in ORDERS {
                let angles = ordered(&coverage.angles(place.beam == "parallel"), order);
                let name = format!("{} {:?} {coverage:?} {order}", place.beam, place.offset);
                let looked_at =
                    order == "shuffled" && place.rows == 1 && [Coverage::Whole, Coverage::Gap].contains(&coverage);
                let (geometry, grid, said) = acquired(&place, &angles, if looked_at { "stop" } else { "off" });
                cells += 1;
                if !said.is_empty() {
                    wrong.push(format!("{name}: acquire said {said:?}"));
                }
                let short = coverage == Coverage::Short && place.half();
                match reconstructed(&place, geometry, &grid) {
                    Err(message) if short && place.beam != "parallel" && message.contains("full circle") => {}
                    // With half a turn of a parallel beam and a shifted detector, the rays beyond its short side are
                    // never measured.
                    Ok((middle, off, _)) if short && place.beam == "parallel" && (middle + off).is_finite() => {}
                    Ok((middle, off, said))
                        if (middle / BODY.0 - 1.0).abs() < 0.01
                            && off < 0.5
                            && said == expected(&place, coverage)
                            && !short => {}
                    other => wrong.push(format!("{name}: {other:?}")),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {cells} cells are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(cells, 420);
}

/// Views that are given by poses in any order are recognised as the circle or the helix on which they lie.
#[test]
fn poses_of_a_circle_and_of_a_helix_give_the_value_in_any_order() {
    for place in places() {
        let angles = ordered(&Coverage::Whole.angles(place.beam == "parallel"), "shuffled");
        let (geometry, grid, _) = acquired(&place, &angles, "off");
        let orbit = Orbit::of_views(&geometry.views);
        assert!(orbit.is_some(), "{}", place.beam);
        let (middle, off, _) = reconstructed(&place, Geometry { orbit, ..geometry }, &grid).unwrap();
        assert!((middle / BODY.0 - 1.0).abs() < 0.01 && off < 0.5, "{}: {middle}, {off}", place.beam);
    }
    let grid = Grid::centered([5, 72, 72], [1.1; 3], [0.0; 3]).unwrap();
    let helix = crate::common::scans::scan(
        "helical: {views: 720, turns: 4, pitch_mm: 8, source_to_axis_mm: 200, source_to_detector_mm: 300, detector: \
         {pixels: [24, 96], pitch_mm: 1.5}}",
        &grid,
    );
    for order in ORDERS {
        let places: Vec<f64> = (0..720).map(f64::from).collect();
        let views = ordered(&places, if order == "wrapped" { "shuffled" } else { order });
        let views = views.into_iter().map(|view| helix.views[view as usize]).collect();
        let place = Place { beam: "helix", rows: 24, columns: 96, offset: [0.0; 2] };
        let (middle, off, said) = reconstructed(&place, Geometry { views, ..helix.clone() }, &grid).unwrap();
        let good = (middle / BODY.0 - 1.0).abs() < 0.02 && off < 0.5 && said == ["helical_fdk"];
        assert!(good, "helix {order}: {middle}, {off}, {said:?}");
    }
}

/// The detector of this cone beam is lower than the source, so that its lowest rows do not form a fan beam; the axis is
/// found in the rows that the plane of the source meets.
#[test]
fn the_axis_is_sought_where_the_plane_of_the_source_falls() {
    let place = Place { beam: "cone", rows: 21, columns: 96, offset: [-14.0, 0.0] };
    let angles = Coverage::Whole.angles(false);
    let (_, _, said) = acquired(&place, &angles, "stop");
    assert!(said.is_empty(), "{said:?}");
    let beside = Place { beam: "cone", rows: 9, columns: 96, offset: [-30.0, 0.0] };
    let (_, _, said) = acquired(&beside, &angles, "stop");
    assert_eq!(said, ["preflight_partial"], "a detector that the plane of the source does not meet");
}

/// Scans that are no circle get a grid that covers the box that their own views see, and never the box of a circular
/// orbit.
#[test]
fn measured_helices_and_sweeps_have_a_lattice_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().display().to_string();
    let flat = ndarray::Array3::from_elem((60, 40, 64), 0.2f32);
    flat.write_npy(File::create(folder.path().join("p.npy")).unwrap()).unwrap();
    let plan = |kind: &str, grid: &str| {
        let yaml = format!(
            "npy: {{path: {at}/p.npy}}\nvalues: line_integrals\npreflight: \"off\"\ngeometry: {{{kind}, \
             source_to_axis_mm: 200, source_to_detector_mm: 300, detector: {{pitch_mm: 1.5}}}}}}\n"
        );
        let grid = (!grid.is_empty()).then(|| serde_yaml::from_str(grid).unwrap());
        Acquire { config: serde_yaml::from_str(&yaml).unwrap(), grid }.plan(&Silent).unwrap().grid
    };
    for kind in ["helical: {turns: 2, pitch_mm: 20", "laminography: {axis_tilt_deg: 30", "tomosynthesis: {arc_deg: 50"]
    {
        let own = plan(kind, "").extent();
        let divided = plan(kind, "{shape: [32, 32, 32]}");
        let spaced = plan(kind, "{spacing_mm: 2}").extent();
        assert!(own.iter().all(|side| *side > 20.0 && *side < 100.0), "{kind}: {own:?}");
        assert_eq!(divided.shape, [32; 3]);
        for k in 0..3 {
            assert!((divided.extent()[k] - own[k]).abs() < 1e-9 && (spaced[k] - own[k]).abs() <= 1.0, "{kind}");
        }
    }
}

/// A TIFF image begins with its top row; the rows of recon's arrays run along +z.
#[test]
fn the_rows_of_a_picture_are_counted_from_the_top_unless_the_pipeline_says_otherwise() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place { beam: "cone", rows: 9, columns: 96, offset: [0.0; 2] };
    let angles: Vec<f64> = (0..30).map(|i| f64::from(i) * 12.0).collect();
    let (geometry, ..) = acquired(&place, &angles, "off");
    std::fs::create_dir(folder.path().join("t")).unwrap();
    for (view, image) in integrals(&geometry).chunks(9 * 96).enumerate() {
        let file = File::create(folder.path().join(format!("t/view_{view:03}.tif"))).unwrap();
        let mut picture = tiff::encoder::TiffEncoder::new(file).unwrap();
        // The two lowest rows hold the value 2, which marks them.
        let rows = image.chunks(96).enumerate().rev();
        let values: Vec<f32> =
            rows.flat_map(|(row, line)| line.iter().map(move |v| if row < 2 { 2.0 } else { *v })).collect();
        picture.write_image::<tiff::encoder::colortype::Gray32Float>(96, 9, &values).unwrap();
    }
    let at = folder.path().display().to_string();
    let height = |more: &str| {
        let yaml = format!(
            "tiff: {{path: {at}/t}}\nvalues: line_integrals\nzinger_sigma: 0\npreflight: \"off\"\n{more}\
             geometry: {{{}}}\n",
            place.scan()
        );
        let acquire = Acquire { config: serde_yaml::from_str(&yaml).unwrap(), grid: None };
        let planned = acquire.plan(&Silent).unwrap();
        planned.grid.center()[2]
    };
    // The rows 0 and 1 of the file are the two highest, so that the grid lies above the centre.
    let heights = [height("rows: [0, 2]\n"), height("rows: [0, 2]\nfirst_row: bottom\n")];
    assert!(heights[0] > 3.0 && heights[1] < -3.0, "{heights:?}");
}
