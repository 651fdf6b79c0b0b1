//! Variables `${NAME}` in the paths of a suite: `${PHANTOMS}` is the folder of the phantoms that come with recon, other
//! names are environment variables. If the file or folder of a path with a variable does not exist, the setting is
//! skipped, and its rows tell the reason.

use super::builtin::PHANTOMS;
use crate::error::{Error, Result};
use crate::formats::atomic;
use crate::jobs::expanded;
use crate::pipeline::Config;
use std::cell::RefCell;
use std::path::{Path, PathBuf};

/// Values of the variables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables {
    /// Value of `${PHANTOMS}`.
    pub phantoms: PathBuf,
    /// Value of `${RECON_DATA}`; the environment variable counts if it is `None`.
    pub data: Option<PathBuf>,
}

impl Variables {
    /// Writes the phantoms that come with recon into their folder.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write_phantoms(&self) -> Result<()> {
        std::fs::create_dir_all(&self.phantoms).map_err(|error| Error::write(&self.phantoms, &error))?;
        PHANTOMS.iter().try_for_each(|(name, text)| {
            let path = self.phantoms.join(name);
            let there = std::fs::read(&path).is_ok_and(|bytes| bytes == text.as_bytes());
            if there { Ok(()) } else { atomic::write(&path, text.as_bytes()) }
        })
    }

    /// Replaces the variables in every path of the configuration; relative paths without a variable are resolved
    /// against `folder`. Returns the reason to skip the setting if a variable is not set or the file of a path with a
    /// variable does not exist.
    ///
    /// # Errors
    /// Never for a configuration that was read from YAML.
    pub fn apply(&self, config: &mut Config, folder: &Path) -> Result<Option<String>> {
        let absent = RefCell::new(None);
        let found = config.with_paths(|path| match self.expand(path) {
            None => folder.join(path),
            Some(Ok(found)) => {
                if !found.exists() && !found.starts_with(&self.phantoms) {
                    absent.borrow_mut().get_or_insert(format!("{} is not there: {}", path.display(), found.display()));
                }
                found
            }
            Some(Err(reason)) => {
                absent.borrow_mut().get_or_insert(reason);
                path.clone()
            }
        })?;
        *config = found;
        Ok(absent.into_inner())
    }

    /// The path with its variables replaced, or the reason why it cannot be; `None` for a path without a variable.
    fn expand(&self, path: &Path) -> Option<std::result::Result<PathBuf, String>> {
        let text = path.to_string_lossy();
        let value = |name: &str| match name {
            "PHANTOMS" => Some(self.phantoms.clone()),
            "RECON_DATA" => self.data.clone(),
            _ => None,
        };
        let found = expanded(&text, value).map_err(|name| {
            let how = if name == "RECON_DATA" {
                "--data DIR, or set it in the environment"
            } else {
                "set it in the environment"
            };
            format!("${{{name}}} is not set: {how}")
        });
        (found.as_deref() != Ok(&text)).then(|| found.map(PathBuf::from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_replaced_and_unknown_ones_are_a_reason() {
        let variables = Variables { phantoms: "p".into(), data: Some("/data".into()) };
        let expand = |path: &str| variables.expand(Path::new(path));
        assert_eq!(expand("${RECON_DATA}/a/b.nii"), Some(Ok("/data/a/b.nii".into())));
        assert_eq!(expand("${PHANTOMS}/head.yaml"), Some(Ok("p/head.yaml".into())));
        assert_eq!(expand("plain/${unclosed"), None);
        let reason = expand("${RECON_NO_SUCH_VARIABLE}/a").unwrap().unwrap_err();
        assert!(reason.contains("${RECON_NO_SUCH_VARIABLE} is not set"), "{reason}");
    }
}
