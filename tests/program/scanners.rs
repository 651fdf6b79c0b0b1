//! Tests of scans in the formats of scanners, with data from exact chords: the attenuation and the place of a ball
//! beside the axis must be right although the pipeline repeats nothing that the header says.

use crate::common::Bench;
use recon::formats::measured::nexus::{Names, read as read_nexus};
use recon::formats::nifti::{self, Units};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use tiff::encoder::{TiffEncoder, colortype};

type Point = [f64; 3];

/// Attenuation (1/mm), radius and centre (mm) of a body about the axis, and of the ball that is added to it.
const BODY: (f64, f64, Point) = (0.02, 20.0, [0.0; 3]);
const BALL: (f64, f64, Point) = (0.04, 5.0, [9.0, -6.0, 4.0]);
const VIEWS: usize = 60;
const ROWS: usize = 25;
const COLUMNS: usize = 48;
/// Distances from the source to the axis and to the detector, and the pitch, mm.
const AXIS: f64 = 200.0;
const DETECTOR: f64 = 300.0;
const PITCH: f64 = 1.5;
/// Scans that tools/golden-scanners.py writes.
pub(crate) const NEXUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/nxtomo.nxs");
pub(crate) const ASTRA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/astra-fan.mat");
/// Counts of the open beam.
const AIR: f64 = 50_000.0;

fn sub(a: Point, b: Point) -> Point {
    std::array::from_fn(|k| a[k] - b[k])
}

fn dot(a: Point, b: Point) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Returns the line integral of the body and the ball between two points (mm).
fn integral(from: Point, to: Point) -> f64 {
    let way = sub(to, from);
    let length = dot(way, way).sqrt();
    let of = |(mu, radius, center): (f64, f64, Point)| {
        let middle = sub(center, from);
        let along = dot(middle, way) / length;
        2.0 * mu * (radius * radius - (dot(middle, middle) - along * along)).max(0.0).sqrt()
    };
    of(BODY) + of(BALL)
}

/// Returns the positions (mm) of the source and of a pixel in the object's frame. The source is at `angle` (degrees
/// from +x to +y); the pixel is `right` mm to the right, as seen from the source, and `up` mm above the central ray.
fn view(angle: f64, right: f64, up: f64) -> (Point, Point) {
    let (s, c) = angle.to_radians().sin_cos();
    let behind = DETECTOR - AXIS;
    ([AXIS * c, AXIS * s, 0.0], [-behind * c - s * right, -behind * s + c * right, up])
}

fn picture(path: &Path, values: &[u16]) {
    let mut encoder = TiffEncoder::new(File::create(path).unwrap()).unwrap();
    encoder.write_image::<colortype::Gray16>(COLUMNS as u32, ROWS as u32, values).unwrap();
}

/// Returns the counts of a view `[row, column]`; `place` maps the row and the column of a pixel to `right` and `up`
/// (mm).
fn counts(angle: f64, place: impl Fn(f64, f64) -> (f64, f64)) -> Vec<u16> {
    let one = |i: usize| {
        let (right, up) = place((i / COLUMNS) as f64, (i % COLUMNS) as f64);
        let (source, pixel) = view(angle, right, up);
        (AIR * (-integral(source, pixel)).exp()).round() as u16
    };
    (0..ROWS * COLUMNS).map(one).collect()
}

fn middle(count: usize) -> f64 {
    (count as f64 - 1.0) / 2.0
}

/// Reconstructs `acquire`; checks the attenuation in the body within 4 % and the place of the ball within 0.6 mm.
/// Returns what was written to stderr.
fn right_value_at_the_right_place(bench: &Bench, acquire: &str, method: &str, z: f64) -> String {
    let text = format!(
        "acquire: {{{acquire}}}\nreconstruct: [{method}]\nevaluate: {{cross_validation: never}}\n\
         export: {{directory: out, volumes: [nifti], report: [json]}}\n"
    );
    bench.write("p.yaml", &text);
    let run = bench.recon(&["run", "p.yaml", "--force"]).expect(0, &[]);
    let volume =
        nifti::read(&bench.path(&format!("out/{method}/volume.nii.gz")), Units::AttenuationPerMm).unwrap().volume;
    let (mut inner, mut count, mut mass, mut place) = (0.0, 0.0, 0.0, [0.0; 3]);
    let ball = [BALL.2[0], BALL.2[1], z];
    for ((k, j, i), &value) in volume.voxels().indexed_iter() {
        let p = volume.grid.point([k as f64, j as f64, i as f64]);
        let more = f64::from(value) - BODY.0;
        if dot(p, p).sqrt() < 4.0 {
            (inner, count) = (inner + f64::from(value), count + 1.0);
        }
        let off = sub(p, ball);
        if dot(off, off).sqrt() < 7.0 && more > 0.01 {
            mass += more;
            (0..3).for_each(|k| place[k] += more * p[k]);
        }
    }
    let off = sub(place.map(|sum| sum / mass), ball);
    assert!((inner / count / BODY.0 - 1.0).abs() < 0.04, "{}: {}", inner / count, run.stderr);
    assert!(mass > 0.0 && dot(off, off).sqrt() < 0.6, "{off:?} off: {}", run.stderr);
    run.stderr
}

/// Writes the images of a Nikon scan to a folder; returns the text of its header `ball.xtekct`. The images are seen
/// from behind the detector, with the top row first; the axis is 2 mm (measured at the axis) beside the centre.
pub(crate) fn nikon(bench: &Bench, folder: &str) -> String {
    let (off, start) = (2.0, 30.0);
    std::fs::create_dir(bench.path(folder)).unwrap();
    for k in 0..VIEWS {
        // The axis is at -off to the right of the line from the source to the detector's middle.
        let place = |row: f64, column: f64| {
            let right = (middle(COLUMNS) - column) * PITCH + off * DETECTOR / AXIS;
            (right, (middle(ROWS) - row) * PITCH)
        };
        picture(&bench.path(&format!("{folder}/ball_{:04}.tif", k + 1)), &counts(start + 6.0 * k as f64, place));
    }
    format!(
        "[XTekCT]\r\nName=ball\r\nProjections={VIEWS}\r\nSrcToObject={AXIS}\r\nSrcToDetector={DETECTOR}\r\n\
         DetectorPixelsX={COLUMNS}\r\nDetectorPixelsY={ROWS}\r\nDetectorPixelSizeX={PITCH}\r\n\
         DetectorPixelSizeY={PITCH}\r\nObjectOffsetX={off}\r\nWhiteLevel={AIR}\r\nInitialAngle={start}\r\n\
         AngularStep=6\r\nInputSeparator=_\r\nInputFolderName=\r\n"
    )
}

#[test]
fn a_nikon_scan_is_read_with_its_header() {
    let bench = Bench::new();
    let header = nikon(&bench, "scan");
    bench.write("scan/ball.xtekct", &header);
    let said = right_value_at_the_right_place(&bench, "xtekct: {path: scan}", "fdk", BALL.2[2]);
    assert!(!said.contains("warning"), "{said}");
    bench.write("scan/ball.xtekct", &header.replace("AngularStep=6", ""));
    bench.recon(&["check", "p.yaml"]).expect(3, &["ball.xtekct", "no `AngularStep`"]);
    std::fs::remove_file(bench.path("scan/ball_0007.tif")).unwrap();
    bench.write("scan/ball.xtekct", &header);
    bench.recon(&["check", "p.yaml"]).expect(3, &["expected 60 images `ball_NUMBER.tif`", "got 59"]);
    let alone = bench.write("q.yaml", "acquire: {xtekct: {path: scan/ball.xtekct}}\nreconstruct: [fdk]\n");
    bench.recon(&["check", alone.to_str().unwrap()]).expect(3, &["expected the folder", "which holds the images too"]);
}

/// Writes the images of a SkyScan scan to a folder; returns the text of its header `ball.log`. The top row is first,
/// and the plane of the source meets line 9.
pub(crate) fn skyscan(bench: &Bench, folder: &str) -> String {
    std::fs::create_dir(bench.path(folder)).unwrap();
    for k in 0..VIEWS {
        let place = |row: f64, column: f64| ((column - middle(COLUMNS)) * PITCH, (9.0 - row) * PITCH);
        picture(&bench.path(&format!("{folder}/ball{k:08}.tif")), &counts(6.0 * k as f64, place));
    }
    picture(&bench.path(&format!("{folder}/ball_spr.tif")), &vec![0; ROWS * COLUMNS]);
    format!(
        "[System]\nScanner=SkyScan1275\n[Acquisition]\nFilename Prefix=ball\nNumber Of Files=  {VIEWS}\n\
         Optical Axis (line)=  9\nObject to Source (mm)={AXIS}\nCamera to Source (mm)={DETECTOR}\n\
         Image Pixel Size (um)={}\nDepth (bits)=16\nReference Intensity={AIR}\nRotation Step (deg)=6.000\n",
        PITCH * AXIS / DETECTOR * 1000.0
    )
}

#[test]
fn a_skyscan_scan_is_read_with_its_header() {
    let bench = Bench::new();
    let header = skyscan(&bench, "scan");
    bench.write("scan/ball.log", &header);
    let said = right_value_at_the_right_place(&bench, "skyscan: {path: scan}", "fdk", BALL.2[2]);
    assert!(!said.contains("warning"), "{said}");
    bench.write("scan/ball.log", &header.replace("Camera to Source (mm)", "Camera"));
    bench.recon(&["check", "p.yaml"]).expect(2, &["acquire.geometry", "does not say source_to_detector_mm"]);
}

/// Writes the images of a phoenix scan to a folder; returns the text of its header `ball.pca`. The top row is first;
/// the central ray, which meets the axis, hits pixel (26.5, 12).
pub(crate) fn phoenix(bench: &Bench, folder: &str) -> String {
    std::fs::create_dir(bench.path(folder)).unwrap();
    for k in 0..VIEWS {
        let place = |row: f64, column: f64| ((column - 26.5) * PITCH, (12.0 - row) * PITCH);
        picture(&bench.path(&format!("{folder}/ball_{k:04}.tif")), &counts(6.0 * k as f64, place));
    }
    format!(
        "[General]\nVersion-pca=2\n[Geometry]\nFDD={DETECTOR}\nFOD={AXIS}\nCalibValue=-1.5\ncx=26.5\ncy=12\n[CT]\n\
         NumberImages={VIEWS}\nRotationSector=360.0\n[Detector]\nPixelsizeX={PITCH}\nPixelsizeY={PITCH}\n\
         FreeRay={AIR}\n"
    )
}

#[test]
fn a_phoenix_scan_is_read_with_its_header() {
    let bench = Bench::new();
    let header = phoenix(&bench, "scan");
    bench.write("scan/ball.pca", &header);
    let said = right_value_at_the_right_place(&bench, "pca: {path: scan}", "fdk", BALL.2[2]);
    assert!(said.contains("CalibValue") && !said.contains("center_off"), "{said}");
    bench.write("scan/ball.pca", &header.replace("FreeRay", "Ray"));
    bench.recon(&["check", "p.yaml"]).expect(3, &["open_beam"]);
}

/// Writes a Zeiss file, with the bottom row first and the angles by which the object turns.
pub(crate) fn zeiss(path: &Path) {
    let mut file = cfb::create(path).unwrap();
    let mut stream = |name: &str, bytes: &[u8]| {
        if let Some((folder, _)) = name.rsplit_once('/') {
            file.create_storage_all(folder).unwrap();
        }
        file.create_stream(name).unwrap().write_all(bytes).unwrap();
    };
    let floats = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    for (name, value) in [("ImageWidth", COLUMNS), ("ImageHeight", ROWS), ("NoOfImages", 2 * VIEWS), ("DataType", 5)] {
        stream(&format!("ImageInfo/{name}"), &(value as u32).to_le_bytes());
    }
    let angles: Vec<f32> = (0..2 * VIEWS).map(|k| -3.0 * k as f32).collect();
    stream("ImageInfo/Angles", &floats(&angles));
    stream("ImageInfo/PixelSize", &floats(&[(PITCH * AXIS / DETECTOR * 1000.0) as f32]));
    stream("ImageInfo/StoRADistance", &floats(&[-(AXIS as f32); 2]));
    stream("ImageInfo/DtoRADistance", &floats(&[(DETECTOR - AXIS) as f32; 2]));
    stream("ReferenceData/DataType", &10u32.to_le_bytes());
    stream("ReferenceData/Image", &floats(&vec![AIR as f32; ROWS * COLUMNS]));
    for k in 0..2 * VIEWS {
        let place = |row: f64, column: f64| ((column - middle(COLUMNS)) * PITCH, (row - middle(ROWS)) * PITCH);
        let bytes: Vec<u8> = counts(3.0 * k as f64, place).into_iter().flat_map(u16::to_le_bytes).collect();
        stream(&format!("ImageData{}/Image{}", k / 100 + 1, k + 1), &bytes);
    }
    file.flush().unwrap();
}

#[test]
fn a_zeiss_file_is_read_with_its_header() {
    let bench = Bench::new();
    zeiss(&bench.path("ball.txrm"));
    let said = right_value_at_the_right_place(&bench, "txrm: {path: ball.txrm}", "fdk", BALL.2[2]);
    assert!(!said.contains("warning"), "{said}");
    let good = std::fs::read(bench.path("ball.txrm")).unwrap();
    let read = |name: &str| recon::formats::measured::zeiss::read(&bench.path(name), None);
    let whole = read("ball.txrm").unwrap();
    for at in (0..good.len()).step_by(good.len() / 60) {
        std::fs::write(bench.path("bad.txrm"), &good[..at]).unwrap();
        // A cut near the end of the file may remove padding only; the frames must then be unchanged.
        let harmless = |frames: &recon::formats::measured::Frames| *frames == whole;
        assert!(read("bad.txrm").map_or_else(|error| error.exit_code() == 3, |found| harmless(&found)), "cut at {at}");
    }
}

/// In NXtomo a key tells what an image is. The disc of this file is the same in every plane, so that one row is
/// reconstructed.
#[test]
fn a_nexus_file_is_read_with_its_image_keys() {
    let bench = Bench::new();
    let said = right_value_at_the_right_place(&bench, &format!("nexus: {{path: {NEXUS}}}, rows: [0, 1]"), "fbp", 0.0);
    assert!(said.contains("1 images are marked as invalid"), "{said}");
    let frames = read_nexus(Path::new(NEXUS), &Names::default(), None).unwrap();
    assert_eq!(
        (frames.data.dim(), frames.flats.unwrap().dim(), frames.darks.unwrap().dim()),
        ((60, 2, 64), (4, 2, 64), (2, 2, 64))
    );
    assert_eq!((frames.angles.unwrap()[30], frames.header.unwrap().pitch_mm), (90.0, Some([1.0; 2])));
}

#[test]
fn an_astra_file_is_read_with_its_geometry() {
    let bench = Bench::new();
    let said = right_value_at_the_right_place(&bench, &format!("astra: {{path: {ASTRA}}}"), "fdk", 0.0);
    assert!(!said.contains("warning"), "{said}");
}

/// Writes RTK's stack `projections.mha` and `geometry.xml`; returns the line integrals as big-endian f32. The centre of
/// the detector is shifted by 3 mm.
pub(crate) fn rtk(bench: &Bench) -> Vec<u8> {
    let aside = 3.0;
    let place = |row: f64, column: f64| ((column - middle(COLUMNS)) * PITCH + aside, (row - middle(ROWS)) * PITCH);
    let mut numbers = Vec::new();
    for k in 0..VIEWS {
        for i in 0..ROWS * COLUMNS {
            let (right, up) = place((i / COLUMNS) as f64, (i % COLUMNS) as f64);
            let (source, pixel) = view(6.0 * k as f64, right, up);
            numbers.extend((integral(source, pixel) as f32).to_be_bytes());
        }
    }
    let header = format!(
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = True\nCompressedData = False\n\
         Offset = {} {} 0\nElementSpacing = {PITCH} {PITCH} 1\nDimSize = {COLUMNS} {ROWS} {VIEWS}\n\
         ElementType = MET_FLOAT\nElementDataFile = LOCAL\n",
        aside - middle(COLUMNS) * PITCH,
        -middle(ROWS) * PITCH
    );
    std::fs::write(bench.path("projections.mha"), [header.as_bytes(), &numbers].concat()).unwrap();
    // In RTK's frame the source is on the z axis at gantry angle 0; +y of LPS is -z of RTK.
    let projection = |k: usize| {
        format!(
            "<Projection><SourceToIsocenterDistance>{AXIS}</SourceToIsocenterDistance><SourceToDetectorDistance>\
             {DETECTOR}</SourceToDetectorDistance><GantryAngle>{}</GantryAngle></Projection>",
            90.0 + 6.0 * k as f64
        )
    };
    let xml: String = (0..VIEWS).map(projection).collect();
    let text = format!(
        "<?xml version=\"1.0\"?><!DOCTYPE RTKGEOMETRY><RTKThreeDCircularGeometry version=\"3\">{xml}\
         </RTKThreeDCircularGeometry>"
    );
    bench.write("geometry.xml", &text);
    numbers
}

/// RTK's stack holds the pitch and the position of the detector's first pixel, its XML file the rest. The same numbers
/// without a header are read as `raw`.
#[test]
fn an_rtk_stack_and_bare_numbers_are_read() {
    let (bench, aside) = (Bench::new(), 3.0);
    let numbers = rtk(&bench);
    std::fs::write(bench.path("p.raw"), [&[7u8; 11][..], &numbers].concat()).unwrap();
    let stack = "metaimage: {path: projections.mha}, geometry: {poses: {file: geometry.xml}}";
    right_value_at_the_right_place(&bench, stack, "fdk", BALL.2[2]);
    let raw = format!(
        "raw: {{path: p.raw, shape: [{VIEWS}, {ROWS}, {COLUMNS}], type: float32, byte_order: big, skip_bytes: 11}}, \
         geometry: {{cone: {{source_to_axis_mm: {AXIS}, source_to_detector_mm: {DETECTOR}, detector: {{pitch_mm: \
         {PITCH}, offset_mm: {aside}}}}}}}"
    );
    right_value_at_the_right_place(&bench, &raw, "fdk", BALL.2[2]);
    bench.write(
        "p.yaml",
        &format!("acquire: {{{}}}\nreconstruct: [fdk]\n", raw.replace("skip_bytes: 11", "skip_bytes: 9")),
    );
    bench.recon(&["check", "p.yaml"]).expect(3, &["are not 9 bytes and a whole number of images"]);
}
