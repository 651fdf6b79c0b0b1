//! [`Inputs`]: all files that a configuration names, with their hashes. The hashes enter the cache key and the
//! manifest, and they show whether a file changed while it was read.

use super::files::{InputFile, hash_file};
use crate::error::{Error, Result};
use crate::formats;
use crate::input_path;
use crate::progress;
use serde::Serialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Largest depth of subfolders that are searched below a folder that a configuration names.
const MAX_DEPTH: usize = 16;
/// Largest number of files in one folder and its subfolders.
const MAX_FILES: usize = 200_000;

/// The input files of a configuration. Its contribution to a cache key is the configuration without its paths and, for
/// each path, the hashes of its files with their names relative to that path; moving the files does not change the key.
#[derive(Debug, Clone, Serialize)]
pub struct Inputs {
    config: Value,
    hashes: Vec<Vec<(PathBuf, String)>>,
    #[serde(skip)]
    paths: Vec<PathBuf>,
    #[serde(skip)]
    files: Vec<InputFile>,
}

impl Inputs {
    /// Hashes every file that a configuration names, at any depth: a single file, both files of a `.hdr` and `.img`
    /// pair, or all files in a folder and its subfolders.
    ///
    /// # Errors
    /// A file or folder that cannot be read.
    pub fn of(config: &impl Serialize) -> Result<Self> {
        let paths = input_path::paths(config)?;
        let config = input_path::rewritten(config, |_| PathBuf::new())?;
        let groups = paths.iter().map(|path| group(path)).collect::<Result<Vec<_>>>()?;
        for (path, files) in paths.iter().zip(&groups) {
            progress::cover_files(path, files.iter().map(|file| file.path.as_path()));
        }
        let name = |path: &Path, file: &InputFile| file.path.strip_prefix(path).map(Path::to_path_buf);
        let entry = |path: &Path, file: &InputFile| (name(path, file).unwrap_or_default(), file.blake3.clone());
        let hashes =
            paths.iter().zip(&groups).map(|(path, files)| files.iter().map(|file| entry(path, file)).collect());
        Ok(Self { config, hashes: hashes.collect(), files: groups.concat(), paths })
    }

    /// The files with their hashes.
    #[must_use]
    pub fn files(&self) -> &[InputFile] {
        &self.files
    }

    /// Checks that the files are still those that were hashed. Call it after reading them, so that a result is never
    /// stored under the key of a different content.
    ///
    /// # Errors
    /// A file that changed, appeared or went away.
    pub fn check_unchanged(&self) -> Result<()> {
        let now = self.paths.iter().map(|path| group(path)).collect::<Result<Vec<_>>>()?.concat();
        let changed = now.iter().find(|file| !self.files.contains(file));
        let gone = self.files.iter().find(|file| !now.contains(file));
        match changed.or(gone) {
            None => Ok(()),
            Some(file) => Err(Error::input(&file.path, "the file changed while it was read")
                .hint("wait until whoever writes it has finished, then run the same command again")),
        }
    }
}

/// The files that belong to one path, sorted by name.
fn group(path: &Path) -> Result<Vec<InputFile>> {
    let mut paths = Vec::new();
    if path.is_dir() {
        below(path, 0, &mut paths)?;
    } else {
        paths.extend(formats::parts(path));
    }
    paths.sort();
    paths.dedup();
    let describe = |path: PathBuf| hash_file(&path).map(|(blake3, bytes)| InputFile { path, blake3, bytes });
    paths.into_iter().map(describe).collect()
}

/// Collects all files in a folder and its subfolders. Symbolic links to folders are not followed, as in the readers.
fn below(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    let listed = std::fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
    for entry in listed.map_err(|error| Error::read(folder, &error))? {
        let path = entry.path();
        let kind = entry.file_type().map_err(|error| Error::read(&path, &error))?;
        if kind.is_dir() && depth < MAX_DEPTH {
            below(&path, depth + 1, files)?;
        } else if kind.is_file() || (kind.is_symlink() && path.is_file()) {
            files.push(path);
        }
        if files.len() > MAX_FILES {
            return Err(
                Error::input(folder, format!("more than {MAX_FILES} files")).hint("give the folder of one series")
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Key;
    use crate::input_path::InputPath;

    #[derive(Serialize)]
    struct Config {
        path: InputPath,
        depth: u32,
    }

    fn key(path: &Path) -> Key {
        Key::of(&Inputs::of(&Config { path: path.into(), depth: 1 }).unwrap()).unwrap()
    }

    #[test]
    fn a_changed_byte_a_new_file_and_a_new_name_below_a_folder_change_the_key_and_a_move_does_not() {
        let temporary = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| temporary.path().join(name));
        let write = |folder: &Path, name: &str, bytes: &[u8]| {
            std::fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
            std::fs::write(folder.join(name), bytes).unwrap();
        };
        for folder in [&a, &b] {
            write(folder, "study/series/1.dcm", b"one");
            write(folder, "2.dcm", b"two");
        }
        let first = key(&a);
        assert_eq!(first, key(&b));
        write(&b, "study/series/1.dcm", b"One");
        assert_ne!(first, key(&b));
        write(&b, "study/series/1.dcm", b"one");
        write(&b, "study/3.dcm", b"");
        assert_ne!(first, key(&b));
        std::fs::remove_file(b.join("study/3.dcm")).unwrap();
        std::fs::rename(b.join("2.dcm"), b.join("0.dcm")).unwrap();
        assert_ne!(first, key(&b));
    }

    #[test]
    fn both_files_of_a_pair_count_whichever_is_named() {
        let temporary = tempfile::tempdir().unwrap();
        let [header, data] = ["v.hdr", "v.img"].map(|name| temporary.path().join(name));
        std::fs::write(&header, b"header").unwrap();
        std::fs::write(&data, b"voxels").unwrap();
        let before = [key(&header), key(&data)];
        std::fs::write(&data, b"Voxels").unwrap();
        assert!(before[0] != key(&header) && before[1] != key(&data));
    }

    #[test]
    fn a_file_that_changes_while_it_is_read_is_refused_with_exit_code_3() {
        let temporary = tempfile::tempdir().unwrap();
        let file = temporary.path().join("a.nii");
        std::fs::write(&file, b"one").unwrap();
        let inputs = Inputs::of(&InputPath::from(&file)).unwrap();
        inputs.check_unchanged().unwrap();
        std::fs::write(&file, b"two").unwrap();
        assert_eq!(inputs.check_unchanged().unwrap_err().exit_code(), 3);
    }
}
