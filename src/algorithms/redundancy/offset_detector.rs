//! Weights for a detector shifted sideways over a full circle (half fan): w(s) = ½ (1 + sin(π s / 2Δ)) within the
//! overlap |s| < Δ, 1 beyond it on the long side, 0 on the short one; s is the fan angle γ (a distance for a parallel
//! beam). Since the opposite ray is at −s, the two add to one. Wang, Med. Phys. 29 (2002) 1634, eq. 4, where s =
//! atan(u/D).

use std::f64::consts::FRAC_PI_2;

/// A detector counts as shifted if the distances of its two ends from the central ray differ by more than this fraction
/// of its width; a smaller difference is a misalignment, for which both sides are used alike (as in RTK).
pub(super) const LOPSIDED: f64 = 0.1;

/// The part of the detector for which the mirrored position is on the detector too.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) struct Overlap {
    /// Half width Δ of the overlap, radians (mm for a parallel beam).
    pub(super) half: f64,
    /// +1 if the long side is +u.
    pub(super) long_side: f64,
}

impl Overlap {
    pub(super) fn weight(&self, s: f64) -> f64 {
        let place = (s * self.long_side / self.half).clamp(-1.0, 1.0);
        f64::midpoint(1.0, (FRAC_PI_2 * place).sin())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opposite_rays_count_once_together() {
        for long_side in [-1.0, 1.0] {
            let overlap = Overlap { half: 0.1, long_side };
            for s in [0.0, 0.03, 0.0999, 0.1, 0.2] {
                assert!((overlap.weight(s) + overlap.weight(-s) - 1.0).abs() < 1e-12);
            }
            assert_eq!((overlap.weight(0.15 * long_side), overlap.weight(-0.15 * long_side)), (1.0, 0.0));
        }
    }
}
