//! [`Generations`]: a method's checkpoints, the newest and the one before. `checkpoints.json` beside them holds the key
//! of the work and the hashes that count; it is written *before* the bytes it speaks of, so a process killed between
//! any two steps leaves at least one generation that loads.

use super::files::{hash_bytes, remove};
use super::folder::RunFolder;
use super::key::Key;
use super::layout;
use crate::error::{Error, Result};
use crate::formats::atomic;
use crate::progress::{self, Checkpoints};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// File names of the generations, newest first.
const NAMES: [&str; 2] = [layout::CHECKPOINT, layout::PREVIOUS_CHECKPOINT];

/// What says which of them count.
const LEDGER: &str = "checkpoints.json";

/// What the ledger holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Ledger {
    /// The work that the checkpoints belong to.
    key: Key,
    /// Hashes that count, newest first.
    hashes: Vec<String>,
    /// Seconds of work up to the newest.
    seconds: f64,
}

/// Keeps the newest two states of one method.
pub struct Generations {
    folder: PathBuf,
    ledger: RefCell<Ledger>,
    before: f64,
    begin: Instant,
}

impl Generations {
    pub(super) fn open(root: &RunFolder, name: &str, key: &Key, force: bool) -> Result<Self> {
        let folder = root.make(name)?;
        let ledger = if let Some(ledger) = read_ledger(&folder).filter(|ledger| ledger.key == *key && !force) {
            ledger
        } else {
            // Checkpoints of other work.
            NAMES.iter().chain(&[LEDGER]).try_for_each(|name| remove(&folder.join(name)))?;
            Ledger { key: key.clone(), hashes: Vec::new(), seconds: 0.0 }
        };
        Ok(Self { folder, before: ledger.seconds, ledger: RefCell::new(ledger), begin: Instant::now() })
    }

    /// Seconds that earlier runs had spent up to the state that was found.
    #[must_use]
    pub fn seconds_before(&self) -> f64 {
        self.before
    }
}

fn read_ledger(folder: &Path) -> Option<Ledger> {
    serde_json::from_slice(&std::fs::read(folder.join(LEDGER)).ok()?).ok()
}

impl Checkpoints for Generations {
    fn load(&self, accept: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<bool> {
        let known = self.ledger.borrow().hashes.clone();
        if known.is_empty() {
            return Ok(false);
        }
        for name in NAMES {
            let path = self.folder.join(name);
            let problem = match std::fs::read(&path) {
                Ok(bytes) if !known.contains(&hash_bytes(&bytes)) => {
                    "its bytes are not those that were written".to_string()
                }
                Ok(bytes) => match accept(&bytes) {
                    Ok(()) => return Ok(true),
                    Err(error) => error.to_string(),
                },
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => error.to_string(),
            };
            progress::warn("checkpoint_skipped", &format!("{}: {problem}; trying the one before", path.display()));
        }
        Ok(false)
    }

    fn save(&self, bytes: &[u8]) -> Result<()> {
        let mut ledger = self.ledger.borrow_mut();
        ledger.hashes.insert(0, hash_bytes(bytes));
        ledger.hashes.truncate(NAMES.len() + 1);
        ledger.seconds = self.before + self.begin.elapsed().as_secs_f64();
        let path = self.folder.join(LEDGER);
        let text = serde_json::to_vec(&*ledger).map_err(|error| Error::resource(path.display().to_string(), error))?;
        atomic::write(&path, &text)?;
        let [newest, previous] = NAMES.map(|name| self.folder.join(name));
        match std::fs::rename(&newest, &previous) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::write(&previous, &error)),
            _ => {}
        }
        atomic::write(&newest, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest(store: &Generations) -> Option<Vec<u8>> {
        let mut found = None;
        let loaded = store
            .load(&mut |bytes| {
                found = Some(bytes.to_vec());
                Ok(())
            })
            .unwrap();
        assert_eq!(loaded, found.is_some());
        found
    }

    #[test]
    fn a_damaged_generation_gives_way_to_the_one_before() {
        let temporary = tempfile::tempdir().unwrap();
        let root = RunFolder::open(temporary.path()).unwrap();
        let key = Key::of(&"work").unwrap();
        let open = |key: &Key, force| Generations::open(&root, "siren", key, force).unwrap();
        let store = open(&key, false);
        assert_eq!(newest(&store), None);
        for state in [b"one", b"two"] {
            store.save(state).unwrap();
        }
        assert_eq!(newest(&open(&key, false)).as_deref(), Some(&b"two"[..]));
        std::fs::write(root.path("siren/checkpoint.safetensors"), b"twi").unwrap();
        assert_eq!(newest(&open(&key, false)).as_deref(), Some(&b"one"[..]));
        std::fs::remove_file(root.path("siren/checkpoint.safetensors")).unwrap();
        assert_eq!(newest(&open(&key, false)).as_deref(), Some(&b"one"[..]));
        assert_eq!(newest(&open(&Key::of(&"other work").unwrap(), false)), None);
        assert_eq!(newest(&open(&key, true)), None);
    }

    #[test]
    fn a_state_that_is_not_accepted_gives_way_to_the_one_before() {
        let temporary = tempfile::tempdir().unwrap();
        let root = RunFolder::open(temporary.path()).unwrap();
        let store = Generations::open(&root, "siren", &Key::of(&1).unwrap(), false).unwrap();
        store.save(b"one").unwrap();
        store.save(b"two").unwrap();
        let refuse_two =
            &mut |bytes: &[u8]| if bytes == b"two" { Err(Error::input("checkpoint", "no")) } else { Ok(()) };
        assert!(store.load(refuse_two).unwrap());
    }
}
