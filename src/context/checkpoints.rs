//! [`Generations`]: the newest and the previous checkpoint of a method. The file `checkpoints.json` beside them (the
//! ledger) holds the settings they belong to and the hashes of the valid checkpoints. It is written *before* the
//! checkpoint itself, so a process that is killed at any time leaves at least one checkpoint that loads.
//!
//! The checkpoints of an unfinished fit are never deleted silently. If the settings differ, a warning names the
//! differences and the checkpoints are moved to `METHOD/aside`, where they stay until the new fit has saved a
//! checkpoint. If the old settings come back before that, the old checkpoints are used again.

use super::files::{hash_bytes, remove};
use super::folder::RunFolder;
use super::layout;
use crate::error::{Error, Result};
use crate::formats::atomic;
use crate::progress::{self, Checkpoints};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// File names of the checkpoints, newest first.
const NAMES: [&str; 2] = [layout::CHECKPOINT, layout::PREVIOUS_CHECKPOINT];
/// File that lists the valid checkpoints.
const LEDGER: &str = "checkpoints.json";
/// Folder for the checkpoints of other settings.
const ASIDE: &str = "aside";
/// Largest number of changed settings that a message names.
const NAMED: usize = 6;

/// Content of the ledger file.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct CheckpointLedger {
    /// Everything that the state of the fit depends on: settings, data, seed. The number of threads is not part of it.
    facts: Value,
    /// Number of threads that the fit was begun with.
    threads: usize,
    /// Hashes of the valid checkpoints, newest first.
    hashes: Vec<String>,
    /// Computing time up to the newest checkpoint, seconds.
    seconds: f64,
}

/// Store of the two newest checkpoints of one method.
pub struct Generations {
    folder: PathBuf,
    ledger: RefCell<CheckpointLedger>,
    before: f64,
    begin: Instant,
}

impl Generations {
    pub(super) fn open(root: &RunFolder, name: &str, facts: Value, threads: usize, force: bool) -> Result<Self> {
        let folder = root.make(name)?;
        let aside = folder.join(ASIDE);
        let wanted = |ledger: &CheckpointLedger| ledger.facts == facts && !force;
        let found = match (read_ledger(&folder), read_ledger(&aside)) {
            (Some(ledger), _) if wanted(&ledger) => Some(ledger),
            (_, Some(ledger)) if wanted(&ledger) => {
                exchange(&folder)?;
                Some(ledger)
            }
            (other, _) => {
                set_aside(&folder, &reason(other.as_ref(), &facts, force))?;
                None
            }
        };
        if let Some(ledger) = found.as_ref().filter(|ledger| ledger.threads != threads && !ledger.hashes.is_empty()) {
            warn_of_threads(name, ledger.threads, threads);
        }
        let ledger = found.unwrap_or(CheckpointLedger { facts, threads, hashes: Vec::new(), seconds: 0.0 });
        Ok(Self { folder, before: ledger.seconds, ledger: RefCell::new(ledger), begin: Instant::now() })
    }

    /// Computing time of earlier runs up to the checkpoint that was found, seconds.
    #[must_use]
    pub fn seconds_before(&self) -> f64 {
        self.before
    }
}

/// Warns that a fit that was begun on another number of threads is continued.
fn warn_of_threads(name: &str, before: usize, now: usize) {
    let message = format!(
        "{name}: continues a fit begun on {before} threads, now on {now}: the result may differ in the last bits from \
         a fit on either number of threads"
    );
    progress::warn("other_threads", &message);
}

fn read_ledger(folder: &Path) -> Option<CheckpointLedger> {
    serde_json::from_slice(&std::fs::read(folder.join(LEDGER)).ok()?).ok()
}

/// Says, for a warning, why the checkpoints that were found cannot be used.
fn reason(found: Option<&CheckpointLedger>, facts: &Value, force: bool) -> String {
    match found {
        _ if force => "everything is done again (--force)".to_string(),
        None => "its settings are not recorded".to_string(),
        Some(ledger) => {
            let (before, now) = (flat(&ledger.facts), flat(facts));
            let keys: std::collections::BTreeSet<&String> = before.keys().chain(now.keys()).collect();
            let changed: Vec<&String> = keys.into_iter().filter(|key| before.get(*key) != now.get(*key)).collect();
            let text = |value: Option<&String>| value.map_or_else(|| "nothing".to_string(), Clone::clone);
            let one = |key: &&String| format!("{key} was {}, is {}", text(before.get(*key)), text(now.get(*key)));
            let more = changed.len().saturating_sub(NAMED);
            let named: Vec<String> = changed.iter().take(NAMED).map(one).collect();
            named.join("; ") + &if more > 0 { format!("; and {more} more") } else { String::new() }
        }
    }
}

/// Every value of nested maps with its path as the key, such as `neural_field.steps`.
fn flat(value: &Value) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut open = vec![(String::new(), value)];
    while let Some((path, value)) = open.pop() {
        match value {
            Value::Object(map) => {
                let below = |key: &String| if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                open.extend(map.iter().map(|(key, value)| (below(key), value)));
            }
            other => drop(all.insert(path, other.to_string())),
        }
    }
    all
}

/// Moves the checkpoints in `folder` to its `aside` folder, with a warning; replaces those that are already there.
/// Without any checkpoint it only removes the ledger.
fn set_aside(folder: &Path, why: &str) -> Result<()> {
    let there: Vec<&str> = NAMES.into_iter().filter(|name| folder.join(name).exists()).collect();
    if there.is_empty() {
        return remove(&folder.join(LEDGER));
    }
    let aside = folder.join(ASIDE);
    discard(&aside)?;
    move_all(folder, &aside)?;
    let message = format!(
        "{}: holds the state of another fit ({why}); it is kept in {ASIDE}/ until this fit has a state of its own",
        progress::place(folder)
    );
    progress::warn("checkpoint_set_aside", &message);
    Ok(())
}

/// Swaps the checkpoints in `folder` with those in its `aside` folder.
fn exchange(folder: &Path) -> Result<()> {
    let (aside, between) = (folder.join(ASIDE), folder.join(".aside"));
    discard(&between)?;
    std::fs::rename(&aside, &between).map_err(|error| Error::write(&aside, &error))?;
    if NAMES.into_iter().any(|name| folder.join(name).exists()) {
        move_all(folder, &aside)?;
    }
    move_all(&between, folder)?;
    discard(&between)
}

fn move_all(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to).map_err(|error| Error::write(to, &error))?;
    for name in NAMES.iter().chain(&[LEDGER]) {
        match std::fs::rename(from.join(name), to.join(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::write(to, &error)),
            _ => {}
        }
    }
    Ok(())
}

/// Removes the checkpoints and the ledger in a folder, and the folder itself if it is then empty.
fn discard(folder: &Path) -> Result<()> {
    NAMES.iter().chain(&[LEDGER]).try_for_each(|name| remove(&folder.join(name)))?;
    let _ = std::fs::remove_dir(folder);
    Ok(())
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
            let message = format!("{}: {problem}; trying the one before", progress::place(&path));
            progress::warn("checkpoint_skipped", &message);
        }
        set_aside(&self.folder, "none of its generations can be used")?;
        self.ledger.borrow_mut().hashes.clear();
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
        atomic::write(&newest, bytes)?;
        discard(&self.folder.join(ASIDE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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

    fn steps(steps: u64) -> Value {
        json!({"neural_field": {"steps": steps, "tv": 0.1}, "seed": 0})
    }

    #[test]
    fn a_damaged_generation_gives_way_to_the_one_before() {
        let temporary = tempfile::tempdir().unwrap();
        let root = RunFolder::open(temporary.path()).unwrap();
        let open = || Generations::open(&root, "siren", steps(1), 1, false).unwrap();
        let store = open();
        assert_eq!(newest(&store), None);
        for state in [b"one", b"two"] {
            store.save(state).unwrap();
        }
        assert_eq!(newest(&open()).as_deref(), Some(&b"two"[..]));
        std::fs::write(root.path("siren/checkpoint.safetensors"), b"twi").unwrap();
        assert_eq!(newest(&open()).as_deref(), Some(&b"one"[..]));
        std::fs::remove_file(root.path("siren/checkpoint.safetensors")).unwrap();
        assert_eq!(newest(&open()).as_deref(), Some(&b"one"[..]));
    }

    #[test]
    fn a_state_of_other_settings_is_kept_until_there_is_a_new_one_and_comes_back_with_them() {
        let temporary = tempfile::tempdir().unwrap();
        let root = RunFolder::open(temporary.path()).unwrap();
        let open = |count, threads, force| Generations::open(&root, "siren", steps(count), threads, force).unwrap();
        open(1, 1, false).save(b"one").unwrap();
        // Threads are no reason.
        assert_eq!(newest(&open(1, 2, false)).as_deref(), Some(&b"one"[..]));
        for (count, force) in [(2, false), (3, false), (1, true)] {
            assert_eq!(newest(&open(count, 1, force)), None);
            assert!(root.path("siren/aside/checkpoint.safetensors").exists());
        }
        assert_eq!(newest(&open(1, 1, false)).as_deref(), Some(&b"one"[..]));
        open(2, 1, false).save(b"two").unwrap();
        assert!(!root.path("siren/aside").exists());
        assert_eq!(newest(&open(1, 1, false)), None);
        assert_eq!(newest(&open(2, 1, false)).as_deref(), Some(&b"two"[..]));
    }

    #[test]
    fn the_settings_that_differ_are_named() {
        let ledger = CheckpointLedger { facts: steps(1), threads: 1, hashes: Vec::new(), seconds: 0.0 };
        assert_eq!(reason(Some(&ledger), &steps(2), false), "neural_field.steps was 1, is 2");
    }

    #[test]
    fn a_state_that_is_not_accepted_gives_way_to_the_one_before() {
        let temporary = tempfile::tempdir().unwrap();
        let root = RunFolder::open(temporary.path()).unwrap();
        let store = Generations::open(&root, "siren", steps(1), 1, false).unwrap();
        store.save(b"one").unwrap();
        store.save(b"two").unwrap();
        let refuse_two =
            &mut |bytes: &[u8]| if bytes == b"two" { Err(Error::input("checkpoint", "no")) } else { Ok(()) };
        assert!(store.load(refuse_two).unwrap());
        assert!(!store.load(&mut |_| Err(Error::input("checkpoint", "no"))).unwrap());
        assert!(root.path("siren/aside/checkpoint.previous.safetensors").exists());
    }
}
