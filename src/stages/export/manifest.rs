//! `manifest.json`: what made the results and the hash of every input and output, so that `recon verify` can name a
//! changed byte.

use crate::context::{Context, InputFile, Machine, hash_file, layout, relative};
use crate::error::{Error, Result};
use crate::formats::atomic;
use crate::operators::xray::kernels::simd;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A file and its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileHash {
    /// Relative to the run folder.
    pub path: String,
    /// Hash of its bytes.
    pub blake3: String,
    /// Number of its bytes.
    pub bytes: u64,
}

/// What `manifest.json` holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of these keys.
    pub schema: u32,
    /// Version of recon, libtorch.
    pub versions: BTreeMap<String, String>,
    /// Device computed on, and why.
    pub device: String,
    /// SIMD level of the CPU kernels.
    pub simd: String,
    /// Threads of rayon and libtorch.
    pub threads: usize,
    /// Seed of all randomness.
    pub seed: u64,
    /// Files read.
    pub inputs: Vec<FileHash>,
    /// Files written, but for the manifest itself and the log.
    pub outputs: Vec<FileHash>,
}

impl Manifest {
    pub(super) fn new(context: &Context, inputs: &[InputFile], outputs: &[String]) -> Result<Self> {
        let input = |file: &InputFile| FileHash {
            path: relative(context.folder.root(), &file.path),
            blake3: file.blake3.clone(),
            bytes: file.bytes,
        };
        let mut manifest = Self {
            schema: 1,
            versions: Machine::versions().into_iter().collect(),
            device: context.machine.device_reason.clone(),
            simd: simd::level().name().to_string(),
            threads: context.machine.threads,
            seed: context.seed,
            inputs: inputs.iter().map(input).collect(),
            outputs: Vec::new(),
        };
        manifest.add_outputs(context, outputs)?;
        Ok(manifest)
    }

    pub(super) fn add_outputs(&mut self, context: &Context, paths: &[String]) -> Result<()> {
        for path in paths {
            let (blake3, bytes) = hash_file(&context.folder.path(path))?;
            self.outputs.push(FileHash { path: path.clone(), blake3, bytes });
        }
        Ok(())
    }

    pub(super) fn write(&self, context: &Context) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).map_err(|error| Error::resource(layout::MANIFEST, error))?;
        atomic::write(&context.folder.path(layout::MANIFEST), &text)
    }
}
