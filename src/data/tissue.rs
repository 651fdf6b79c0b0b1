//! [`Tissue`]: tissue classes by CT number, for which errors are reported separately.

/// A tissue class, defined by a range of CT numbers. The bounds of fat are those used in body composition (−190 to −30
/// HU); CT numbers between the classes are mixtures and belong to none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tissue {
    /// Below −950 HU.
    Air,
    /// −950 to −500 HU.
    Lung,
    /// −190 to −30 HU.
    Fat,
    /// −30 to 200 HU.
    Soft,
    /// 200 HU and above: bone, calcium, contrast agent.
    Bone,
}

impl Tissue {
    /// All classes, in the order of their CT numbers.
    pub const ALL: [Self; 5] = [Self::Air, Self::Lung, Self::Fat, Self::Soft, Self::Bone];

    /// Name of the class in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Air => "air",
            Self::Lung => "lung",
            Self::Fat => "fat",
            Self::Soft => "soft tissue",
            Self::Bone => "bone",
        }
    }

    /// Bounds of the class [low, high) in HU: `low` is included, `high` is not.
    #[must_use]
    pub fn bounds(self) -> [f64; 2] {
        match self {
            Self::Air => [f64::NEG_INFINITY, -950.0],
            Self::Lung => [-950.0, -500.0],
            Self::Fat => [-190.0, -30.0],
            Self::Soft => [-30.0, 200.0],
            Self::Bone => [200.0, f64::INFINITY],
        }
    }

    /// Whether a CT number (HU) belongs to this class.
    #[must_use]
    pub fn holds(self, hu: f64) -> bool {
        let [low, high] = self.bounds();
        low <= hu && hu < high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_is_of_two_classes_and_typical_ones_are_of_theirs() {
        let class = |hu: f64| Tissue::ALL.into_iter().filter(|tissue| tissue.holds(hu)).collect::<Vec<_>>();
        assert!((-1100..2000).all(|hu| class(f64::from(hu)).len() <= 1));
        let typical = [-1000.0, -800.0, -100.0, 40.0, 900.0].map(class);
        assert_eq!(typical.concat(), Tissue::ALL);
        assert!(class(-300.0).is_empty());
    }
}
