//! Reading phantom files.

use super::Phantom;
use crate::error::{Error, Result};
use crate::input_path;
use std::path::Path;

/// Size of the largest phantom file that is read, bytes (1 MiB).
const LARGEST: u64 = 1 << 20;

impl Phantom {
    /// Reads a phantom file (YAML).
    ///
    /// # Errors
    /// An unreadable file, more than 1 MiB, unknown keys and wrong types (with line and column), impossible numbers.
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&input_path::read_text(path, LARGEST)?, path)
    }

    /// Parses the text of a phantom file; `place` is its path in error messages.
    ///
    /// # Errors
    /// As [`Phantom::read`].
    pub fn parse(text: &str, place: &Path) -> Result<Self> {
        let phantom: Self = serde_yaml::from_str(text).map_err(|error| {
            Error::input(place, error).hint(
                "a phantom file has the keys name, source, extent_mm, dimension, unit_mm, combine, jitter and shapes; \
                 see phantoms/*.yaml",
            )
        })?;
        phantom.check().map_err(|error| Error::input(place, error))?;
        Ok(phantom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "name: ball\nsource: a test\nextent_mm: 100\ndimension: 3\nshapes:\n\
        \x20 - ellipsoid:\n      semi_axes: [0.5, 0.5, 0.5]\n      density: 1\n";

    fn fault(text: &str) -> String {
        Phantom::parse(text, Path::new("ball.yaml")).unwrap_err().to_string()
    }

    #[test]
    fn shipped_phantoms_are_all_read_and_say_where_they_come_from() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("phantoms");
        let mut count = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let phantom = Phantom::read(&path).unwrap();
            assert_eq!(phantom.name, path.file_stem().unwrap().to_string_lossy(), "the name is the file's");
            assert!(phantom.source.len() > 40, "{}", path.display());
            assert!(
                phantom.bounding_radius() <= phantom.extent_mm / 2.0 * 3f64.sqrt(),
                "{} fits its box",
                path.display()
            );
            count += 1;
        }
        assert!(count >= 4);
    }

    #[test]
    fn an_unknown_key_of_a_shape_is_named_with_line_and_column() {
        let message = fault(&GOOD.replace("density", "densty"));
        assert!(message.contains("densty") && message.contains("line 8 column 7"), "{message}");
    }

    #[test]
    fn an_unknown_shape_and_an_unknown_top_key_are_named_with_line_and_column() {
        let message = fault(&GOOD.replace("ellipsoid", "elipsoid"));
        assert!(message.contains("elipsoid") && message.contains("line 6 column"), "{message}");
        let message = fault(&GOOD.replace("extent_mm", "extend_mm"));
        assert!(message.contains("extend_mm") && message.contains("line 3 column 1"), "{message}");
    }

    #[test]
    fn a_wrong_type_is_named_with_line_and_column() {
        let message = fault(&GOOD.replace("[0.5, 0.5, 0.5]", "[0.5, 0.5]"));
        assert!(message.contains("semi_axes") && message.contains("line 7 column"), "{message}");
    }

    #[test]
    fn impossible_numbers_are_named_with_their_key() {
        assert!(fault(&GOOD.replace("density: 1", "density: .nan")).contains("shapes[0].ellipsoid.density"));
        assert!(fault(&GOOD.replace("[0.5, 0.5, 0.5]", "[0.5, 0, 0.5]")).contains("shapes[0].ellipsoid.semi_axes"));
        assert!(fault(&GOOD.replace("extent_mm: 100", "extent_mm: -1")).contains("extent_mm"));
        assert!(fault(&GOOD.replace("dimension: 3", "dimension: 2")).contains("expected a 2-D shape"));
        assert!(fault(&GOOD.replace("dimension: 3", "dimension: 4")).contains("expected 2 or 3"));
    }

    #[test]
    fn files_that_are_no_phantoms_are_refused_with_one_message() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.yaml");
        assert!(Phantom::read(&path).unwrap_err().to_string().contains("no such file"));
        std::fs::write(&path, vec![b' '; (LARGEST + 1) as usize]).unwrap();
        assert!(Phantom::read(&path).unwrap_err().to_string().contains("at most"));
        std::fs::write(&path, [0xff, 0xfe, 0x00]).unwrap();
        assert!(Phantom::read(&path).unwrap_err().to_string().contains("UTF-8"));
        std::fs::write(&path, "").unwrap();
        assert!(Phantom::read(&path).is_err());
    }

    #[test]
    fn a_phantom_survives_being_written_and_read() {
        let phantom = Phantom::parse(GOOD, Path::new("ball.yaml")).unwrap();
        let text = serde_yaml::to_string(&phantom).unwrap();
        assert_eq!(Phantom::parse(&text, Path::new("again.yaml")).unwrap(), phantom);
    }
}
