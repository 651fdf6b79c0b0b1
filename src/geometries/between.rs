//! Extra views halfway between those of a scan, at angles that no method was given.

use super::GeometryKind;
use crate::data::{Geometry, Grid, Source, View, norm, sub};
use crate::error::{Error, Result};
use crate::registry::Kinds;

/// Largest difference between two views that count as the same, relative to the source-to-detector distance.
const SAME: f64 = 1e-6;

/// Builds `count` views, spread evenly over the positions halfway between neighbouring views of `scan`. `scan` must be
/// what `kind` builds for `volume`; the new views are odd views of the same scan built with about twice as many.
///
/// # Errors
/// [`Error::Config`] under `held_out`: more views than halfway positions; a scan whose views come from a file; a scan
/// whose views move, or whose automatic detector changes, when it has more views.
pub fn between(kind: &GeometryKind, volume: &Grid, scan: &Geometry, count: usize) -> Result<Geometry> {
    let fault = |problem: String| Error::config("held_out", problem);
    let given = scan.views.len();
    let mut finer = kind.clone();
    let name = kind.name();
    for views in [2 * given, 2 * given - 1] {
        let Some(keys) = finer.as_part_mut().measured().map_err(|error| error.under(name))? else {
            let problem =
                format!("`{name}` gives the position of every view, so no views between them can be computed");
            return Err(
                fault(problem).hint("render the methods' volumes afterwards: recon render RUN/METHOD --views POSES")
            );
        };
        *keys.views = views;
        let fine = finer.build(volume)?;
        let stays = scan.views.iter().zip(fine.views.iter().step_by(2)).all(|(a, b)| same(a, b));
        if !stays || fine.detector != scan.detector {
            continue;
        }
        let places = views / 2;
        if count == 0 || count > places {
            return Err(fault(format!("expected 1 to {places} views (so many places lie between), got {count}")));
        }
        let chosen: Vec<usize> = (0..count).map(|k| 1 + 2 * ((2 * k + 1) * places / (2 * count))).collect();
        return fine.subset(&chosen);
    }
    let problem = format!(
        "with more views, the existing views of `{name}` move or its automatic detector changes: halfway views cannot \
         be computed"
    );
    Err(fault(problem).hint(
        "give detector.pixels and detector.pitch_mm, or render the methods' volumes afterwards: recon render \
         RUN/METHOD --views POSES",
    ))
}

fn same(a: &View, b: &View) -> bool {
    let (source, length) = match (a.source, b.source) {
        (Source::Point(p), Source::Point(q)) => (norm(sub(p, q)), norm(sub(p, a.center))),
        // A parallel beam has no source-to-detector distance; the position of its detector is the only length.
        (Source::Direction(p), Source::Direction(q)) => (norm(sub(p, q)), norm(a.u).max(norm(a.center))),
        _ => return false,
    };
    let apart = [norm(sub(a.center, b.center)), norm(sub(a.u, b.u)), norm(sub(a.v, b.v)), source];
    apart.into_iter().all(|mm| mm <= SAME * length.max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::OneOf;

    fn kind(text: &str) -> GeometryKind {
        serde_yaml::from_str::<OneOf<GeometryKind>>(text).unwrap().kind
    }

    fn volume() -> Grid {
        Grid::centered([8, 10, 12], [2.0, 1.5, 1.0], [5.0, 6.0, 7.0]).unwrap()
    }

    #[test]
    fn the_views_stand_halfway_and_are_spread_evenly() {
        let volume = volume();
        let angle = |view: &View| {
            let [x, y, _] = sub(view.center, volume.center());
            y.atan2(x).to_degrees().rem_euclid(360.0)
        };
        let close = |found: Vec<f64>, expected: &[f64]| {
            assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{found:?}, not {expected:?}");
            assert_eq!(found.len(), expected.len());
        };
        let found = |text: &str, count: usize| -> Vec<f64> {
            let kind = kind(text);
            let scan = kind.build(&volume).unwrap();
            let out = between(&kind, &volume, &scan, count).unwrap();
            assert_eq!(out.detector, scan.detector);
            out.views.iter().map(angle).collect()
        };
        // The detector stands opposite the source. A turn has a place after its last view, an arc has none.
        close(found("cone: {views: 4}", 4), &[225.0, 315.0, 45.0, 135.0]);
        close(found("cone: {views: 8}", 2), &[292.5, 112.5]);
        close(found("cone: {views: 3, arc_deg: 90}", 2), &[202.5, 247.5]);
    }

    #[test]
    fn every_scan_has_places_between_or_says_why_not() {
        // An automatic detector is as large as the views need, which more of them may change.
        for text in [
            "parallel: {views: 6}",
            "cone: {views: 6, detector: {pixels: [16, 16], pitch_mm: [3, 3], tilt_deg: 3}}",
            "laminography: {views: 6, detector: {pixels: [24, 24], pitch_mm: [15, 15]}}",
            "tomosynthesis: {views: 5, detector: {pixels: [24, 24], pitch_mm: [15, 15]}}",
        ] {
            let kind = kind(text);
            let scan = kind.build(&volume()).unwrap();
            assert_eq!(between(&kind, &volume(), &scan, 3).unwrap().views.len(), 3, "{text}");
            let many = between(&kind, &volume(), &scan, 99).unwrap_err().to_string();
            assert!(many.contains("held_out") && many.contains("99"), "{many}");
        }
        let helix = self::kind("helical: {views: 12, turns: 2}");
        let scan = helix.build(&volume()).unwrap();
        assert!(between(&helix, &volume(), &scan, 3).unwrap_err().to_string().contains("halfway views cannot be"));
        let kind = kind("poses: {file: a.csv}");
        let scan = self::kind("cone: {views: 2}").build(&volume()).unwrap();
        assert!(between(&kind, &volume(), &scan, 1).unwrap_err().to_string().contains("poses"));
    }
}
