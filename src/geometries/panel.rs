//! A detector with all settings resolved, and its position in a view.

use crate::data::{Detector, DetectorShape, Point, Source, View, add, cross, norm, scale, sub};

/// A detector with all settings resolved (no `auto`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Panel {
    pub(super) detector: Detector,
    /// Pixel pitch [v, u], mm.
    pub(super) pitch: [f64; 2],
    /// Shift of the centre from the central ray [v, u], mm.
    pub(super) offset: [f64; 2],
    /// Tilt, slant and rotation, radians.
    pub(super) angles: [f64; 3],
}

/// Position of a detector without offset and angles: its centre `foot` (world mm) and the unit vectors along u
/// (`across`) and v (`up`); across × up points to the source.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stand {
    pub(super) foot: Point,
    pub(super) across: Point,
    pub(super) up: Point,
}

impl Panel {
    /// The exposure of this detector from `source`.
    pub(super) fn view(&self, source: Source, stand: Stand) -> View {
        match (self.detector.shape, source) {
            (DetectorShape::Cylindrical, Source::Point(point)) => self.curved(point, stand),
            _ => self.flat(source, stand),
        }
    }

    /// The offset moves the centre in the plane perpendicular to the central ray. Then the detector is rotated about
    /// its centre: by the slant about v, by the tilt about its new u, by the rotation about its new normal.
    fn flat(&self, source: Source, Stand { foot, across, up }: Stand) -> View {
        let [tilt, slant, rotation] = self.angles;
        let center = add(foot, add(scale(up, self.offset[0]), scale(across, self.offset[1])));
        let (u, normal) = turned(across, cross(across, up), slant);
        let (v, _) = turned(up, normal, tilt);
        let (u, v) = turned(u, v, rotation);
        View { source, center, u: scale(u, self.pitch[1]), v: scale(v, self.pitch[0]) }
    }

    /// The rotation turns the cylinder about the central ray; the offset moves its centre along the arc and along the
    /// axis.
    fn curved(&self, source: Point, Stand { foot, across, up }: Stand) -> View {
        let (across, up) = turned(across, up, self.angles[2]);
        let arm = sub(foot, source);
        let radius = norm(arm);
        let (u, arm) = turned(across, scale(arm, -1.0 / radius), self.offset[1] / radius);
        let center = add(source, add(scale(arm, -radius), scale(up, self.offset[0])));
        View { source: Source::Point(source), center, u: scale(u, self.pitch[1]), v: scale(up, self.pitch[0]) }
    }
}

/// Rotates two orthogonal unit vectors in their plane by `angle` radians, the first towards the second.
fn turned(a: Point, b: Point, angle: f64) -> (Point, Point) {
    let (sin, cos) = angle.sin_cos();
    (add(scale(a, cos), scale(b, sin)), sub(scale(b, cos), scale(a, sin)))
}
