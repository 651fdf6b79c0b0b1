//! [`expanded`]: replaces variables `${NAME}` in the paths of suites and studies.

use std::path::PathBuf;

/// Replaces every `${NAME}` in `text` by the path that `value` returns for the name or, if it returns `None`, by the
/// environment variable of that name. An absolute path at the beginning of a path component replaces everything before
/// it, as with `Path::join`. A `${` without a `}` stays as it is.
///
/// # Errors
/// The name of the first variable that has no value.
pub fn expanded(text: &str, value: impl Fn(&str) -> Option<PathBuf>) -> Result<String, String> {
    let (mut done, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, after)) = after.split_once('}') else { break };
        let found = value(name).or_else(|| std::env::var_os(name).map(PathBuf::from));
        let found = found.ok_or_else(|| name.to_string())?;
        done += before;
        if found.is_absolute() && (done.is_empty() || done.ends_with('/')) {
            done.clear();
        }
        done += &found.to_string_lossy();
        rest = after;
    }
    Ok(done + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_is_replaced_and_the_first_unknown_one_is_named() {
        let value = |name: &str| (name == "DATA").then(|| PathBuf::from("/data"));
        assert_eq!(expanded("${DATA}/a-${DATA}.nii", value), Ok("/data/a-/data.nii".to_string()));
        assert_eq!(expanded("/folder/of/${DATA}/a.nii", value), Ok("/data/a.nii".to_string()));
        assert_eq!(expanded("plain/${unclosed", value), Ok("plain/${unclosed".to_string()));
        assert_eq!(expanded("${DATA}/${RECON_NO_SUCH_VARIABLE}", value), Err("RECON_NO_SUCH_VARIABLE".to_string()));
    }
}
