//! Runs one reader on one input.

use crate::readers::Read;

/// Chooses a reader by the first byte, and reads a temporary file that holds the remaining bytes.
pub fn run(readers: &[(&str, Read)], bytes: &[u8]) {
    let Some((&choice, rest)) = bytes.split_first() else { return };
    let (ending, read) = readers[choice as usize % readers.len()];
    let file = tempfile::Builder::new().suffix(ending).tempfile().expect("a temporary file");
    std::fs::write(file.path(), rest).expect("a temporary file can be written");
    for error in read(file.path()).into_iter().filter_map(Result::err) {
        let code = error.exit_code();
        assert!(code == 2 || code == 3, "exit code {code}: {error}");
    }
}
