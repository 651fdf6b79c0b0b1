//! RTK's `ThreeDCircularProjectionGeometry` in XML, version 3: nine parameters per view.
//!
//! RTK turns about y. With IEC 61217 axes for a supine patient, (x, y, z) of RTK = (x, z, −y) of LPS, a rotation. The
//! frame of a view (u, along which the column index grows, v, along which the row index grows, and the normal towards
//! the source) is Q = Ry(gantry) Rx(out of plane) Rz(in plane); in it the source is at (source offset x, y, SID) and
//! the detector's centre at (projection offset x, y, SID − SDD); SDD = 0 means a parallel beam along −z. The file gives
//! neither the number of pixels nor their pitch: the physical coordinate 0 of the projections is taken as the middle of
//! the detector. Rit et al., J. Phys. Conf. Ser. 489 (2014) 012079, and RTK's documentation of the geometry.

use super::ScanFormat;
use crate::data::{DetectorShape, Geometry, Point, Poses, Source, View, add, cross, dot, norm, normalized, scale, sub};
use roxmltree::{Document, Node, ParsingOptions};
use std::fmt::Write;

pub(super) const FORMAT: ScanFormat =
    ScanFormat { name: "RTK geometry XML", file: "geometry.rtk.xml", claims, parse, render };

const ROOT: &str = "RTKThreeDCircularGeometry";
/// Source-to-isocentre distance that is written for a parallel beam, which has none, mm.
const FAR: f64 = 1000.0;

fn claims(text: &str) -> bool {
    text.contains("RTKGEOMETRY") || text.contains(ROOT)
}

/// Converts LPS coordinates to RTK's; [`from_rtk`] is the inverse.
fn to_rtk([x, y, z]: Point) -> Point {
    [x, z, -y]
}

fn from_rtk([x, y, z]: Point) -> Point {
    [x, -z, y]
}

/// The nine parameters of a view, mm and radians.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Parameters {
    source_distance: f64,
    detector_distance: f64,
    gantry: f64,
    out_of_plane: f64,
    in_plane: f64,
    source_offset: [f64; 2],
    offset: [f64; 2],
}

/// Names of the XML elements in the order of [`Parameters::values`]; angles are in degrees.
const NAMES: [&str; 9] = [
    "SourceToIsocenterDistance",
    "SourceToDetectorDistance",
    "GantryAngle",
    "OutOfPlaneAngle",
    "InPlaneAngle",
    "SourceOffsetX",
    "SourceOffsetY",
    "ProjectionOffsetX",
    "ProjectionOffsetY",
];

impl Parameters {
    fn values(&self) -> [f64; 9] {
        let angles = [self.gantry, self.out_of_plane, self.in_plane].map(f64::to_degrees);
        let ([sx, sy], [px, py]) = (self.source_offset, self.offset);
        [self.source_distance, self.detector_distance, angles[0], angles[1], angles[2], sx, sy, px, py]
    }

    fn from_values([sid, sdd, gantry, out_of_plane, in_plane, sx, sy, px, py]: [f64; 9]) -> Self {
        Self {
            source_distance: sid,
            detector_distance: sdd,
            gantry: gantry.to_radians(),
            out_of_plane: out_of_plane.to_radians(),
            in_plane: in_plane.to_radians(),
            source_offset: [sx, sy],
            offset: [px, py],
        }
    }

    /// Columns of Q: directions of u, v and the normal, in RTK's axes.
    fn frame(&self) -> [Point; 3] {
        let ((sg, cg), (so, co), (si, ci)) =
            (self.gantry.sin_cos(), self.out_of_plane.sin_cos(), self.in_plane.sin_cos());
        let [a, b, n] = [[cg, 0.0, -sg], [sg * so, co, cg * so], [sg * co, -so, cg * co]];
        [add(scale(a, ci), scale(b, si)), sub(scale(b, ci), scale(a, si)), n]
    }

    fn view(&self) -> View {
        let axes = self.frame();
        let place = |p: Point| from_rtk(add(scale(axes[0], p[0]), add(scale(axes[1], p[1]), scale(axes[2], p[2]))));
        let ([sx, sy], [px, py]) = (self.source_offset, self.offset);
        let source = if self.detector_distance == 0.0 {
            Source::Direction(from_rtk(scale(axes[2], -1.0)))
        } else {
            Source::Point(place([sx, sy, self.source_distance]))
        };
        let center = place([px, py, self.source_distance - self.detector_distance]);
        View { source, center, u: from_rtk(axes[0]), v: from_rtk(axes[1]) }
    }

    fn of_view(view: &View) -> Result<Self, String> {
        let [u, v] = [view.u, view.v].map(|side| to_rtk(normalized(side)));
        if dot(u, v).abs() > 1e-6 {
            return Err("the sides of its pixels are not at right angles".to_string());
        }
        let n = cross(u, v);
        let inside = |p: Point| [u, v, n].map(|axis| dot(axis, to_rtk(p)));
        let [px, py, depth] = inside(view.center);
        let (source, distance) = match view.source {
            Source::Point(source) => (inside(source), inside(source)[2] - depth),
            Source::Direction(direction) if norm(add(to_rtk(normalized(direction)), n)) < 1e-6 => {
                ([0.0, 0.0, FAR], 0.0)
            }
            Source::Direction(_) => {
                return Err(
                    "its parallel rays are not perpendicular to the detector, or u × v does not point towards \
                            the source"
                        .to_string(),
                );
            }
        };
        if distance < 0.0 {
            return Err("u × v points away from the source: its detector is mirrored".to_string());
        }
        Ok(Self {
            source_distance: source[2],
            detector_distance: distance,
            gantry: n[0].atan2(n[2]).rem_euclid(std::f64::consts::TAU),
            out_of_plane: (-n[1]).clamp(-1.0, 1.0).asin(),
            in_plane: u[1].atan2(v[1]),
            source_offset: [source[0], source[1]],
            offset: [px, py],
        })
    }

    /// RTK's redundant projection matrix, which its reader compares with the parameters: T₂ · magnification · T₃ · Qᵀ.
    fn matrix(&self) -> [[f64; 4]; 3] {
        let axes = self.frame();
        let ([sx, sy], [px, py], sid, sdd) =
            (self.source_offset, self.offset, self.source_distance, self.detector_distance);
        let rotated = |k: usize, constant: f64| [axes[k][0], axes[k][1], axes[k][2], constant];
        if sdd == 0.0 {
            return [rotated(0, -px), rotated(1, -py), [0.0, 0.0, 0.0, 1.0]];
        }
        let depth = rotated(2, -sid);
        let line = |k: usize, source: f64, shift: f64| {
            let across = rotated(k, -source);
            std::array::from_fn(|i| -sdd * across[i] + shift * depth[i])
        };
        [line(0, sx, sx - px), line(1, sy, sy - py), depth]
    }
}

fn number(node: Node) -> Result<f64, String> {
    let text = node.text().unwrap_or("").trim();
    text.parse()
        .ok()
        .filter(|value: &f64| value.is_finite())
        .ok_or_else(|| format!("{}: expected a number, got `{text}`", node.tag_name().name()))
}

fn parse(text: &str) -> Result<Poses, String> {
    // RTK writes a document type declaration; the parser limits the expansion of its entities.
    let options = ParsingOptions { allow_dtd: true, nodes_limit: 1 << 26, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| format!("no XML: {error}"))?;
    let root = document.root_element();
    check_root(root)?;
    let (mut values, mut radius, mut views) = ([0.0; 9], 0.0, Vec::new());
    for node in root.children().filter(Node::is_element) {
        match node.tag_name().name() {
            "Projection" => {
                let mut own = values;
                for part in node.children().filter(Node::is_element) {
                    set(&mut own, part)?;
                }
                views.push(Parameters::from_values(own).view());
            }
            "RadiusCylindricalDetector" => radius = number(node)?,
            _ => set(&mut values, node)?,
        }
    }
    Ok(Poses { views, pixels: None, pitched: false, shape: shape(radius, values[1])?, orbit: None })
}

/// Refuses another kind of file, and other versions of the format.
fn check_root(root: Node) -> Result<(), String> {
    if root.tag_name().name() != ROOT {
        return Err(format!("expected <{ROOT}>, got <{}>", root.tag_name().name()));
    }
    match root.attribute("version").unwrap_or("none") {
        "3" => Ok(()),
        version => Err(format!("expected version 3, got {version}")),
    }
}

fn set(values: &mut [f64; 9], node: Node) -> Result<(), String> {
    if let Some(place) = NAMES.iter().position(|name| *name == node.tag_name().name()) {
        values[place] = number(node)?;
    }
    // Matrices repeat the parameters, and collimations do not change the geometry.
    Ok(())
}

fn shape(radius: f64, distance: f64) -> Result<DetectorShape, String> {
    match radius {
        0.0 => Ok(DetectorShape::Flat),
        r if (r - distance).abs() < 1e-3 * distance => Ok(DetectorShape::Cylindrical),
        r => Err(format!(
            "expected a detector flat or cylindrical about the source ({distance} mm), got a radius of {r} mm"
        )),
    }
}

fn render(geometry: &Geometry) -> Result<String, String> {
    if geometry.detector.shape == DetectorShape::Cylindrical {
        return Err("its detector is cylindrical; recon writes only flat detectors in this format".to_string());
    }
    let mut text = format!("<?xml version=\"1.0\"?>\n<!DOCTYPE RTKGEOMETRY>\n<{ROOT} version=\"3\">\n");
    for (i, view) in geometry.views.iter().enumerate() {
        let parameters = Parameters::of_view(view).map_err(|problem| format!("view {i}: {problem}"))?;
        text.push_str("  <Projection>\n");
        for (name, value) in NAMES.iter().zip(parameters.values()) {
            writeln!(text, "    <{name}>{value}</{name}>").map_err(|error| error.to_string())?;
        }
        text.push_str("    <Matrix>\n");
        for row in parameters.matrix() {
            writeln!(text, "      {}", row.map(|value| value.to_string()).join(" "))
                .map_err(|error| error.to_string())?;
        }
        text.push_str("    </Matrix>\n  </Projection>\n");
    }
    Ok(text + "</" + ROOT + ">\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_parameters_say_any_pose_with_right_angles() {
        let values = [1000.0, 1500.0, 37.0, 8.0, -5.0, 3.0, -2.0, 40.0, 15.0];
        let view = Parameters::from_values(values).view();
        let again = Parameters::of_view(&view).unwrap().values();
        assert!(values.iter().zip(again).all(|(a, b)| (a - b).abs() < 1e-9), "{again:?}");
    }

    #[test]
    fn the_matrix_projects_as_the_vectors_do() {
        let parameters = Parameters::from_values([1000.0, 1500.0, 37.0, 8.0, -5.0, 3.0, -2.0, 40.0, 15.0]);
        let view = parameters.view();
        let geometry =
            Geometry::new(vec![view], crate::data::Detector { rows: 1, columns: 1, shape: DetectorShape::Flat }, None)
                .unwrap();
        let point = [12.0, -7.0, 30.0];
        let [x, y, w] = parameters.matrix().map(|row| dot([row[0], row[1], row[2]], to_rtk(point)) + row[3]);
        let (row, column) = geometry.project(0, point).unwrap();
        assert!((x / w - column).abs() < 1e-9 && (y / w - row).abs() < 1e-9, "{} {} for {column} {row}", x / w, y / w);
    }

    #[test]
    fn hostile_files_are_refused_in_words() {
        let good = "<?xml version=\"1.0\"?><!DOCTYPE RTKGEOMETRY><RTKThreeDCircularGeometry version=\"3\"><Projection>\
                    <SourceToIsocenterDistance>9</SourceToIsocenterDistance></Projection></RTKThreeDCircularGeometry>";
        assert!(parse(good).is_ok());
        for bad in [
            good.replace("\"3\"", "\"2\""),
            good.replace(">9<", ">nan<"),
            good.replace(">9<", "><"),
            good[..60].to_string(),
        ] {
            assert!(parse(&bad).is_err(), "{bad}");
        }
        let bomb = "<!DOCTYPE RTKGEOMETRY [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \
         \"&a;&b;\">]><RTKThreeDCircularGeometry>&b;</RTKThreeDCircularGeometry>";
        assert!(parse(bomb).is_err());
    }
}
