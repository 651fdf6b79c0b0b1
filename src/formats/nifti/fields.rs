//! The fields of a NIfTI header, of version 1 (348 bytes, nifti1.h) or 2 (540 bytes, nifti2.h), either byte order.

/// Bytes of a header of version 1 and of version 2.
pub(super) const BYTES: [usize; 2] = [348, 540];

/// The header fields that are needed to read a volume, with their values unchanged.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fields {
    /// Version of NIfTI, 1 or 2.
    pub(super) version: u8,
    pub(super) big_endian: bool,
    /// Whether the voxels follow in the same file.
    pub(super) single: bool,
    pub(super) dim: [i64; 8],
    pub(super) intent_code: i32,
    pub(super) datatype: i16,
    pub(super) bitpix: i16,
    pub(super) pixdim: [f64; 8],
    pub(super) vox_offset: f64,
    pub(super) scl_slope: f64,
    pub(super) scl_inter: f64,
    pub(super) xyzt_units: u8,
    pub(super) descrip: Vec<u8>,
    pub(super) qform_code: i32,
    pub(super) sform_code: i32,
    /// Components b, c, d of the qform's quaternion.
    pub(super) quaternion: [f64; 3],
    pub(super) qoffset: [f64; 3],
    /// Rows of the sform.
    pub(super) srow: [[f64; 4]; 3],
}

/// Reads numbers at byte offsets of a header, in one byte order.
struct Bytes<'a> {
    bytes: &'a [u8],
    big: bool,
}

impl Bytes<'_> {
    fn raw<const N: usize>(&self, at: usize) -> [u8; N] {
        let mut found: [u8; N] = std::array::from_fn(|k| self.bytes[at + k]);
        if self.big {
            found.reverse();
        }
        found
    }
    fn short(&self, at: usize) -> i16 {
        i16::from_le_bytes(self.raw(at))
    }
    fn int(&self, at: usize) -> i32 {
        i32::from_le_bytes(self.raw(at))
    }
    fn long(&self, at: usize) -> i64 {
        i64::from_le_bytes(self.raw(at))
    }
    fn float(&self, at: usize) -> f64 {
        f64::from(f32::from_le_bytes(self.raw(at)))
    }
    fn double(&self, at: usize) -> f64 {
        f64::from_le_bytes(self.raw(at))
    }
}

impl Fields {
    /// Parses the header from the first bytes of a file.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() < 4 {
            return Err(format!("expected a NIfTI header of {} bytes, got {}", BYTES[0], bytes.len()));
        }
        let both = [Bytes { bytes, big: false }, Bytes { bytes, big: true }];
        let size = |known: &Bytes| BYTES.iter().position(|&size| known.int(0) == size as i32);
        let Some((version, order)) = both.iter().find_map(|order| Some((size(order)?, order))) else {
            return Err(format!("not a NIfTI file: expected a header size of 348 or 540, got {}", both[0].int(0)));
        };
        if bytes.len() < BYTES[version] {
            return Err(format!("expected a NIfTI header of {} bytes, got {}", BYTES[version], bytes.len()));
        }
        let fields = if version == 0 { Self::first(order)? } else { Self::second(order)? };
        if !(0..=7).contains(&fields.dim[0]) {
            return Err(format!("its dimensions are damaged: expected 1 to 7 of them, got {}", fields.dim[0]));
        }
        Ok(fields)
    }

    fn first(at: &Bytes) -> Result<Self, String> {
        Ok(Self {
            version: 1,
            big_endian: at.big,
            single: is_single(&at.bytes[344..348], b'1')?,
            dim: std::array::from_fn(|k| i64::from(at.short(40 + 2 * k))),
            intent_code: at.short(68).into(),
            datatype: at.short(70),
            bitpix: at.short(72),
            pixdim: std::array::from_fn(|k| at.float(76 + 4 * k)),
            vox_offset: at.float(108),
            scl_slope: at.float(112),
            scl_inter: at.float(116),
            xyzt_units: at.bytes[123],
            descrip: at.bytes[148..228].to_vec(),
            qform_code: at.short(252).into(),
            sform_code: at.short(254).into(),
            quaternion: [256, 260, 264].map(|place| at.float(place)),
            qoffset: [268, 272, 276].map(|place| at.float(place)),
            srow: [280, 296, 312].map(|place| std::array::from_fn(|k| at.float(place + 4 * k))),
        })
    }

    fn second(at: &Bytes) -> Result<Self, String> {
        Ok(Self {
            version: 2,
            big_endian: at.big,
            single: is_single(&at.bytes[4..8], b'2')?,
            dim: std::array::from_fn(|k| at.long(16 + 8 * k)),
            intent_code: at.int(504),
            datatype: at.short(12),
            bitpix: at.short(14),
            pixdim: std::array::from_fn(|k| at.double(104 + 8 * k)),
            vox_offset: at.long(168) as f64,
            scl_slope: at.double(176),
            scl_inter: at.double(184),
            xyzt_units: (at.int(500) & 0xff) as u8,
            descrip: at.bytes[240..320].to_vec(),
            qform_code: at.int(344),
            sform_code: at.int(348),
            quaternion: [352, 360, 368].map(|place| at.double(place)),
            qoffset: [376, 384, 392].map(|place| at.double(place)),
            srow: [400, 432, 464].map(|place| std::array::from_fn(|k| at.double(place + 8 * k))),
        })
    }
}

/// Whether the voxels are in the file of the header, by the mark of this version: n+1 or ni1, n+2 or ni2.
fn is_single(mark: &[u8], version: u8) -> Result<bool, String> {
    match mark {
        [b'n', b'+', digit, 0] if *digit == version => Ok(true),
        [b'n', b'i', digit, 0] if *digit == version => Ok(false),
        [0, ..] if version == b'1' => Err("an ANALYZE header without NIfTI mark: it does not distinguish left from \
                                           right; convert it to NIfTI first"
            .into()),
        other => {
            let version = char::from(version);
            Err(format!("not a NIfTI file: expected the mark n+{version} or ni{version}, got {other:?}"))
        }
    }
}
