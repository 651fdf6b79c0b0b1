//! Choice of the device to compute on. libtorch's CUDA library is opened only if a GPU may be used, and before
//! libtorch's first call, because libtorch looks for its CUDA functions only once; a machine without a GPU never loads
//! it.

use super::cuda::{self, Card, Compiler, Libraries};
use crate::error::{Error, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use tch::Device;

/// The device that the user requested: `auto | cpu | cuda | cuda:N`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceRequest {
    /// The first GPU if it can be used, otherwise the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// The GPU with this number; an error if it cannot be used.
    Cuda(usize),
}

/// The chosen device and the reason for it.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// The device.
    pub device: Device,
    /// The reason, such as `cpu (auto): no CUDA driver (libcuda.so.1) on this machine`.
    pub reason: String,
}

/// Version of the libtorch this binary was built for.
#[must_use]
pub fn libtorch_version() -> &'static str {
    "2.11.0"
}

/// Chooses the device. To be called once, before any tensor is created.
///
/// # Errors
/// When a requested GPU cannot be used, with the reason.
pub fn choose(request: DeviceRequest) -> Result<Chosen> {
    let cpu = |reason: String| Chosen { device: Device::Cpu, reason };
    match request {
        DeviceRequest::Cpu => Ok(cpu("cpu, as asked".to_string())),
        DeviceRequest::Auto => Ok(match open_cuda(0) {
            Ok(()) => Chosen { device: Device::Cuda(0), reason: "cuda:0 (auto)".to_string() },
            Err(why) => cpu(format!("cpu (auto): {}", reason(&why))),
        }),
        DeviceRequest::Cuda(index) => {
            open_cuda(index).map_err(|error| named(error, index))?;
            Ok(Chosen { device: Device::Cuda(index), reason: format!("cuda:{index}, as asked") })
        }
    }
}

/// The first line of an error's message.
fn reason(error: &Error) -> String {
    error.to_string().lines().next().unwrap_or_default().trim_start_matches("cuda: ").to_string()
}

/// The error with the number of the requested GPU.
fn named(error: Error, index: usize) -> Error {
    match error {
        Error::Resource { place, problem, hint } if place == "cuda" => {
            Error::Resource { place: format!("cuda:{index}"), problem, hint }
        }
        other => other,
    }
}

/// Opens a GPU with all it needs, and libtorch's CUDA library.
fn open_cuda(index: usize) -> Result<()> {
    let folder = torch_folder();
    let half = folder.as_deref().map_or_else(|| PathBuf::from("libtorch_cuda.so"), |f| f.join("libtorch_cuda.so"));
    let libraries = Libraries {
        driver: "libcuda.so.1".to_string(),
        compilers: Compiler::places(folder.as_deref()),
        stream: half.to_string_lossy().into_owned(),
        cache: cuda::cache_folder(),
    };
    Card::open_once(&libraries, index)?;
    if tch::Cuda::is_available() && tch::Cuda::device_count() > index as i64 {
        return Ok(());
    }
    Err(Error::resource("cuda", format!("libtorch does not list GPU {index}, although the driver does"))
        .hint("check CUDA_VISIBLE_DEVICES and that libtorch's CUDA libraries are those of version 2.11"))
}

/// Folder from which libtorch_cpu.so was loaded, which also contains libtorch's CUDA library.
fn torch_folder() -> Option<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let line = maps.lines().find(|line| line.ends_with("/libtorch_cpu.so"))?;
    Path::new(&line[line.find('/')?..]).parent().map(Path::to_path_buf)
}

impl FromStr for DeviceRequest {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let refuse = || Error::config("device", format!("expected auto, cpu, cuda or cuda:N, got `{text}`"));
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => text.strip_prefix("cuda:").and_then(|n| n.parse().ok()).map(Self::Cuda).ok_or_else(refuse),
        }
    }
}

impl fmt::Display for DeviceRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => write!(f, "auto"),
            Self::Cpu => write!(f, "cpu"),
            Self::Cuda(0) => write!(f, "cuda"),
            Self::Cuda(index) => write!(f, "cuda:{index}"),
        }
    }
}

impl Serialize for DeviceRequest {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DeviceRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| serde::de::Error::custom(format!("expected auto, cpu, cuda or cuda:N, got `{text}`")))
    }
}

impl JsonSchema for DeviceRequest {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "device".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^(auto|cpu|cuda(:[0-9]+)?)$",
            "description": "auto, cpu, cuda or cuda:N"
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_read_back_what_they_print() {
        for text in ["auto", "cpu", "cuda", "cuda:1"] {
            assert_eq!(text.parse::<DeviceRequest>().unwrap().to_string(), text);
        }
        assert!("gpu".parse::<DeviceRequest>().is_err());
        assert!("cuda:-1".parse::<DeviceRequest>().is_err());
    }

    #[test]
    fn auto_always_gives_a_device_and_says_why() {
        let chosen = choose(DeviceRequest::Auto).unwrap();
        assert!(!chosen.reason.is_empty());
    }
}
