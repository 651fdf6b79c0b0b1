//! Types of stored numbers, and the scaling that turns them into values.

/// Type of the stored numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::formats) enum VoxelType {
    U8,
    I8,
    I16,
    U16,
    I32,
    U32,
    I64,
    U64,
    F32,
    F64,
}

/// Each type with its size in bytes and its name.
const TYPES: [(VoxelType, usize, &str); 10] = [
    (VoxelType::U8, 1, "uint8"),
    (VoxelType::I8, 1, "int8"),
    (VoxelType::I16, 2, "int16"),
    (VoxelType::U16, 2, "uint16"),
    (VoxelType::I32, 4, "int32"),
    (VoxelType::U32, 4, "uint32"),
    (VoxelType::I64, 8, "int64"),
    (VoxelType::U64, 8, "uint64"),
    (VoxelType::F32, 4, "float32"),
    (VoxelType::F64, 8, "float64"),
];

impl VoxelType {
    /// The type with this name, as [`VoxelType::name`] gives it.
    pub(in crate::formats) fn named(name: &str) -> Option<Self> {
        TYPES.iter().find(|(.., known)| *known == name).map(|(kind, ..)| *kind)
    }

    fn row(self) -> &'static (Self, usize, &'static str) {
        TYPES.iter().find(|(kind, ..)| *kind == self).expect("every type has its row")
    }

    /// Bytes per number.
    pub(in crate::formats) fn bytes(self) -> usize {
        self.row().1
    }

    /// Its name, such as `int16`.
    pub(in crate::formats) fn name(self) -> &'static str {
        self.row().2
    }
}

/// value = slope · stored + intercept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::formats) struct Scaling {
    pub(in crate::formats) slope: f64,
    pub(in crate::formats) intercept: f64,
}

impl Scaling {
    /// The stored number is the value.
    pub(in crate::formats) const NONE: Self = Self { slope: 1.0, intercept: 0.0 };

    pub(in crate::formats) fn is_identity(self) -> bool {
        self == Self::NONE
    }
}
