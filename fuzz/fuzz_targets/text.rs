//! Fuzzes the readers of text files; the first byte chooses the reader.
#![no_main]

#[allow(dead_code)] // every target uses some of them
#[path = "../../tests/formats/damage/readers.rs"]
mod readers;
mod target;

const READERS: &[(&str, readers::Read)] =
    &[(".json", readers::scan), (".csv", readers::energies), (".yaml", readers::pipeline), (".yaml", readers::phantom)];

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| target::run(READERS, bytes));
