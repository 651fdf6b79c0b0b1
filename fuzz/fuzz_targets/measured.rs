//! Fuzzes the readers of measured projections; the first byte chooses the reader.
#![no_main]

#[allow(dead_code)] // every target uses some of them
#[path = "../../tests/formats/damage/readers.rs"]
mod readers;
mod target;

const READERS: &[(&str, readers::Read)] = &[
    (".h5", readers::hdf5),
    (".nxs", readers::nexus),
    (".mat", readers::matlab),
    (".tif", readers::stack),
    (".mha", readers::stack),
];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::run(READERS, bytes));
