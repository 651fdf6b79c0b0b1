//! `manifest.json`: software and machine of the run, and the hashes of all inputs and outputs, so that `recon verify`
//! can detect a changed file.

use crate::context::{Context, InputFile, Machine, circumstances, hash_file, layout, relative};
use crate::error::{Error, Result};
use crate::formats::atomic;
use crate::formats::dicom::Identity;
use crate::operators::xray::kernels::simd;
use crate::progress;
use crate::report::{Repeat, RunFacts};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// A file and its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileHash {
    /// Path relative to the run folder.
    pub path: String,
    /// blake3 hash of its content, in hex.
    pub blake3: String,
    /// Length, bytes.
    pub bytes: u64,
}

/// Content of `manifest.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the format of this file.
    pub schema: u32,
    /// Versions of recon and libtorch, by name.
    pub versions: BTreeMap<String, String>,
    /// Date, machine and build of the run, as labels and values in order.
    #[serde(default)]
    pub circumstances: Vec<(String, String)>,
    /// The chosen device and the reason for the choice.
    pub device: String,
    /// SIMD level of the CPU kernels.
    pub simd: String,
    /// Number of threads of both rayon and libtorch.
    pub threads: usize,
    /// Seed of all random numbers.
    pub seed: u64,
    /// Whether the patient's identity was kept or dropped; if it was dropped, inputs are numbered instead of named.
    #[serde(default = "kept")]
    pub identity: Identity,
    /// Input files.
    pub inputs: Vec<FileHash>,
    /// Output files, except the manifest itself, the log and the cache records.
    pub outputs: Vec<FileHash>,
    /// Cache records of finished work, from which a run resumes.
    #[serde(default)]
    pub records: Vec<FileHash>,
    /// The log at the time when the manifest was written; later runs append to the log.
    #[serde(default)]
    pub log: Option<FileHash>,
}

/// The identity in manifests of earlier versions, which had no such key: they always kept it.
fn kept() -> Identity {
    Identity::Keep
}

impl Manifest {
    pub(super) fn new(context: &Context, identity: Identity, inputs: &[InputFile], outputs: &[String]) -> Result<Self> {
        let name = |file: &InputFile| match identity {
            Identity::Keep => relative(context.folder.root(), &file.path),
            Identity::Drop => progress::covered(&file.path.to_string_lossy()),
        };
        let input = |file: &InputFile| FileHash { path: name(file), blake3: file.blake3.clone(), bytes: file.bytes };
        let mut manifest = Self {
            schema: 1,
            versions: Machine::versions().into_iter().collect(),
            circumstances: circumstances(identity == Identity::Keep),
            device: context.machine.device_reason.clone(),
            simd: simd::level().name().to_string(),
            threads: context.machine.threads,
            seed: context.seed,
            inputs: inputs.iter().map(input).collect(),
            identity,
            outputs: Vec::new(),
            records: hashes(context, &context.records()?)?,
            log: None,
        };
        manifest.add_outputs(context, outputs)?;
        Ok(manifest)
    }

    pub(super) fn add_outputs(&mut self, context: &Context, paths: &[String]) -> Result<()> {
        self.outputs.extend(hashes(context, paths)?);
        Ok(())
    }

    /// The facts about the run that the report page shows.
    #[must_use]
    pub fn facts(&self) -> RunFacts {
        let hashes = |files: &[FileHash]| files.iter().map(|file| (file.path.clone(), file.blake3.clone())).collect();
        let machine = [
            ("device", self.device.clone()),
            ("threads", self.threads.to_string()),
            ("SIMD", self.simd.clone()),
            ("identity", self.identity.sentence().to_string()),
        ];
        let machine = machine.map(|(label, value)| (label.to_string(), value));
        RunFacts {
            versions: self.versions.clone().into_iter().collect(),
            machine: self.circumstances.iter().cloned().chain(machine).collect(),
            inputs: hashes(&self.inputs),
            outputs: hashes(&self.outputs),
            repeat: Repeat { threads: self.threads, named: self.identity == Identity::Keep },
        }
    }

    /// Updates the hash of an output file that was written again, and writes the manifest.
    ///
    /// # Errors
    /// Files that cannot be read or written.
    pub fn rewritten(&mut self, root: &Path, name: &str) -> Result<()> {
        let (blake3, bytes) = hash_file(&root.join(name))?;
        self.outputs.retain(|file| file.path != name);
        self.outputs.push(FileHash { path: name.to_string(), blake3, bytes });
        let text = serde_json::to_vec_pretty(self).map_err(|error| Error::resource(layout::MANIFEST, error))?;
        atomic::write(&root.join(layout::MANIFEST), &text)
    }

    pub(super) fn write(&mut self, context: &Context) -> Result<()> {
        self.log = hashes(context, &[layout::LOG.to_string()])?.pop();
        let text = serde_json::to_vec_pretty(self).map_err(|error| Error::resource(layout::MANIFEST, error))?;
        atomic::write(&context.folder.path(layout::MANIFEST), &text)
    }
}

/// Files in the run folder with their hashes.
fn hashes(context: &Context, paths: &[String]) -> Result<Vec<FileHash>> {
    let hash = |path: &String| {
        let (blake3, bytes) = hash_file(&context.folder.path(path))?;
        Ok(FileHash { path: path.clone(), blake3, bytes })
    };
    paths.iter().map(hash).collect()
}
