//! Small valid files of every format, which the tests damage.

use super::readers::{self, Read};
use crate::common::data;
use crate::support::{oblique, series, small};
use recon::data::{Detector, DetectorShape, Geometry, Source, View};
use recon::formats::geometry::GeometryFormat;
use recon::formats::{VOLUMES, write_volume};
use std::path::{Path, PathBuf};

/// Number of bytes at the beginning of a file that are changed one by one.
const HEADER: usize = 1536;
/// Largest number of truncations of a file.
const CUTS: usize = 1536;

pub(crate) struct Seed {
    pub(crate) name: String,
    /// Names and bytes of all files that are read together.
    pub(crate) files: Vec<(String, Vec<u8>)>,
    /// Index of the file that is damaged.
    pub(crate) target: usize,
    /// Name of the file that is read, if it is not the damaged one; "" is the folder.
    pub(crate) asked: Option<String>,
    /// Positions of the bytes that are changed one by one, and lengths to which the file is cut.
    pub(crate) flips: Vec<usize>,
    pub(crate) cuts: Vec<usize>,
    /// Divisor of the number of random inputs, for a file that takes longer to read than others.
    pub(crate) cost: usize,
    /// Exit codes that a damaged file may give.
    pub(crate) codes: &'static [u8],
    pub(crate) read: Read,
}

impl Seed {
    fn new(name: &str, bytes: Vec<u8>, read: Read) -> Self {
        Self::of(name, vec![(name.to_string(), bytes)], 0, read)
    }

    fn of(name: &str, files: Vec<(String, Vec<u8>)>, target: usize, read: Read) -> Self {
        let length = files[target].1.len();
        let cuts = (0..length).step_by(length.div_ceil(CUTS).max(1)).collect();
        let flips = (0..length.min(HEADER)).collect();
        Self { name: name.to_string(), files, target, asked: None, flips, cuts, cost: 1, codes: &[3], read }
    }
}

fn file(path: &Path) -> (String, Vec<u8>) {
    (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(path).unwrap())
}

/// Returns the bytes of a file of this repository.
fn ours(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// Returns what recon writes in every format of volumes, with each of its files damaged in turn, and NIfTI files that
/// recon does not write.
pub(crate) fn volumes(folder: &Path) -> Vec<Seed> {
    let mut seeds = Vec::new();
    for ending in VOLUMES.iter().flat_map(|format| format.endings) {
        let path = folder.join(format!("a{ending}"));
        let files: Vec<_> = write_volume(&path, &oblique(), "seed").unwrap().iter().map(|path| file(path)).collect();
        for target in 0..files.len() {
            let name = format!("a{ending} ({})", files[target].0);
            let mut seed = Seed::of(&name, files.clone(), target, readers::volume);
            seed.asked = Some(format!("a{ending}"));
            seeds.push(seed);
        }
    }
    seeds.push(Seed::new("second.nii", nifti_2(false), readers::volume));
    seeds.push(Seed::new("big-endian.nii", nifti_2(true), readers::volume));
    let mut pair = small(&[1.0, -2.0, 3.5]);
    pair[344..348].copy_from_slice(b"ni1\0");
    pair[108..112].copy_from_slice(&0f32.to_le_bytes());
    let data = pair.split_off(352);
    let files = vec![("a.hdr".to_string(), pair), ("a.img".to_string(), data)];
    seeds.push(Seed::of("a.hdr", files, 0, readers::volume));
    seeds
}

/// Returns a NIfTI-2 file of two volumes of 3 x 2 x 1 voxels.
fn nifti_2(big_endian: bool) -> Vec<u8> {
    let mut bytes = vec![0; 544];
    let mut put = |place: usize, little: &[u8]| {
        let mut number = little.to_vec();
        if big_endian {
            number.reverse();
        }
        bytes[place..place + number.len()].copy_from_slice(&number);
    };
    put(0, &540i32.to_le_bytes());
    put(12, &4i16.to_le_bytes());
    put(14, &16i16.to_le_bytes());
    for (k, n) in [4i64, 3, 2, 1, 2, 1, 1, 1].into_iter().enumerate() {
        put(16 + 8 * k, &n.to_le_bytes());
        put(104 + 8 * k, &1f64.to_le_bytes());
    }
    put(168, &544i64.to_le_bytes());
    put(176, &1f64.to_le_bytes());
    put(348, &1i32.to_le_bytes());
    for row in 0..3 {
        put(400 + 40 * row, &1f64.to_le_bytes());
    }
    put(500, &2i32.to_le_bytes());
    bytes[4..12].copy_from_slice(b"n+2\0\r\n\x1a\n");
    bytes.extend((0..12i16).flat_map(i16::to_le_bytes));
    bytes
}

/// Returns a slice, a slice of a series, and files with which pydicom is tested.
pub(crate) fn dicom(folder: &Path) -> Vec<Seed> {
    let files: Vec<_> = series(folder, 3).iter().map(|path| file(path)).collect();
    let mut seeds = vec![Seed::new("a.dcm", files[0].1.clone(), readers::volume)];
    let mut among = Seed::of("one of a series", files, 1, readers::volume);
    among.asked = Some(String::new());
    seeds.push(among);
    for (name, cost) in [
        ("CT_small.dcm", 1),
        ("MR_small_RLE.dcm", 1),
        ("MR_small_jp2klossless.dcm", 1),
        ("MR_small_jpeg_ls_lossless.dcm", 1),
        ("MR_small_bigendian.dcm", 1),
        ("MR_small_implicit.dcm", 1),
        ("JPGExtended.dcm", 10),
        ("image_dfl.dcm", 4),
        ("rtdose_rle.dcm", 1),
        ("priv_SQ.dcm", 1),
        ("nested_priv_SQ.dcm", 1),
        ("UN_sequence.dcm", 1),
        ("dicomdirtests/DICOMDIR", 1),
    ] {
        if let Some(path) = data("damage", &format!("dicom/pydicom_test_files/{name}")) {
            let (name, bytes) = file(&path);
            let mut seed = Seed::new(&name, bytes, readers::volume);
            seed.cost = cost;
            let stride = cost.max(seed.files[0].1.len() / 4096).max(1);
            seed.flips = seed.flips.into_iter().step_by(stride).collect();
            seed.cuts = seed.cuts.into_iter().step_by(stride).collect();
            seeds.push(seed);
        }
    }
    seeds.extend(["CT1_RLE", "CT1_JPLL", "CT1_JLSL", "CT1_J2KR"].iter().filter_map(|name| slice(name)));
    seeds
}

/// Returns a compressed slice. Bytes of the headers of its codestream are changed at intervals of 6 bytes, the others
/// at intervals of an eighth of the file.
fn slice(name: &str) -> Option<Seed> {
    let (name, bytes) = file(&data("damage", &format!("dicom/compressed_wg04_ct1_ge/{name}"))?);
    let (length, pixels) = (bytes.len(), bytes.windows(4).position(|tag| tag == [0xe0, 0x7f, 0x10, 0])?);
    let mut seed = Seed::new(&name, bytes, readers::volume);
    seed.flips = (pixels..pixels + 160).step_by(6).chain((pixels + 160..length).step_by(length / 8)).collect();
    seed.cuts = (pixels..length).step_by(length / 8).collect();
    seed.cost = 50;
    Some(seed)
}

fn fan() -> Geometry {
    let view = |k: usize| View {
        source: Source::Point([400.0 + k as f64, 0.5, 0.0]),
        center: [-200.0, 0.25, 0.0],
        u: [0.0, 1.0, 0.0],
        v: [0.0, 0.0, 1.0],
    };
    let detector = Detector { rows: 4, columns: 5, shape: DetectorShape::Flat };
    Geometry::new((0..3).map(view).collect(), detector, None).unwrap()
}

/// Returns measurements, scans, spectra, pipelines and phantoms.
pub(crate) fn others(folder: &Path) -> Vec<Seed> {
    let mut seeds = vec![
        Seed::new("exchange.h5", ours("tests/data/exchange.h5"), readers::hdf5),
        Seed::new("nxtomo.nxs", ours("tests/data/nxtomo.nxs"), readers::nexus),
        Seed::new("astra-fan.mat", ours("tests/data/astra-fan.mat"), readers::matlab),
        Seed::new("rtk.xml", ours("tests/data/geometry/rtk.xml"), readers::scan),
        Seed::new("energies.csv", b"energy_kev,photons\n20,0.5\n40,2\n60,1\n80,0.25\n".to_vec(), readers::energies),
    ];
    for format in GeometryFormat::ALL {
        let path: PathBuf = folder.join(format.file());
        // This scan cannot be written as RTK; a file of that format is in the list above.
        if format.write(&path, &fan()).is_ok() {
            seeds.push(Seed::new(&file(&path).0, file(&path).1, readers::scan));
        }
    }
    for ending in [".tif", ".mha"] {
        let path = folder.join(format!("views{ending}"));
        write_volume(&path, &oblique(), "seed").unwrap();
        seeds.push(Seed::new(&file(&path).0, file(&path).1, readers::stack));
    }
    for (name, read) in [
        ("tests/data/tiny.yaml", readers::pipeline as Read),
        ("pipelines/aps-tooth.yaml", readers::pipeline),
        ("phantoms/shepp-logan-2d.yaml", readers::phantom),
    ] {
        let (_, name_only) = name.rsplit_once('/').unwrap();
        let mut seed = Seed::new(name_only, ours(name), read);
        // An error in a pipeline or a phantom is one of the configuration (exit code 2); bytes that are not UTF-8 are
        // an input error (3).
        seed.codes = &[2, 3];
        seeds.push(seed);
    }
    seeds
}
