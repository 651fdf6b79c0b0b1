//! Fuzzes the readers of volumes; the first byte chooses the file name's extension and with it the format.
#![no_main]

#[allow(dead_code)] // every target uses some of them
#[path = "../../tests/formats/damage/readers.rs"]
mod readers;
mod target;

const READERS: &[(&str, readers::Read)] = &[
    (".nii", readers::volume),
    (".nii.gz", readers::volume),
    (".dcm", readers::volume),
    (".mha", readers::volume),
    (".nrrd", readers::volume),
    (".npy", readers::volume),
    (".tif", readers::volume),
];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::run(READERS, bytes));
