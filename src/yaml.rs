//! Reads YAML text into a typed config. Errors name the place (`FILE:line:column: key: what`), show the line with a
//! caret, and suggest the closest known word. The text is parsed straight into the target type, because a detour
//! through a generic value would lose the position.

use crate::error::{Error, Result};
use serde::de::DeserializeOwned;

/// Longest YAML text that is parsed, bytes: longer than any real config, short enough to bound the cost of hostile
/// text.
pub(crate) const LONGEST: usize = 1 << 20;

/// Reads the config in `text`; `origin` is the file's name for messages.
///
/// # Errors
/// Text over 1 MiB, text that is not YAML or not a `T`, numbers that are not finite.
pub(crate) fn parse<T: DeserializeOwned>(text: &str, origin: &str) -> Result<T> {
    if text.len() > LONGEST {
        return Err(Error::config(origin, format!("expected at most {LONGEST} bytes of YAML, got {}", text.len())));
    }
    let parsed = serde_yaml::from_str(text).map_err(|error| explain(&error, Some((text, origin))))?;
    let plain: serde_yaml::Value = serde_yaml::from_str(text).map_err(|error| explain(&error, Some((text, origin))))?;
    match not_finite(&plain) {
        Some(key) => Err(Error::config(format!("{origin}: {key}"), "expected a finite number")),
        None => Ok(parsed),
    }
}

/// Reads the config in a JSON value; errors name the key, but no line and column.
///
/// # Errors
/// A value that is not a `T`.
pub(crate) fn from_value<T: DeserializeOwned>(value: &serde_json::Value) -> Result<T> {
    if let Ok(read) = T::deserialize(value) {
        return Ok(read);
    }
    // serde_yaml's errors name the wrong key, those of serde_json do not.
    let text = serde_yaml::to_string(value).map_err(|error| explain(&error, None))?;
    serde_yaml::from_str(&text).map_err(|error| explain(&error, None))
}

/// Reads the YAML of one value, such as `[64, 64]` or `hann`.
///
/// # Errors
/// Text that is not YAML, or holds a number that is not finite.
pub(crate) fn scalar(text: &str) -> Result<serde_json::Value> {
    let plain: serde_yaml::Value = serde_yaml::from_str(text).map_err(|error| explain(&error, None))?;
    if not_finite(&plain).is_some() {
        return Err(Error::config("", format!("expected finite numbers, got `{text}`")));
    }
    serde_json::to_value(plain).map_err(|error| Error::config("", error))
}

/// Advice for a mistyped word: the closest of `known`, or the whole list if none is close.
#[must_use]
pub fn did_you_mean<S: AsRef<str>>(word: &str, known: &[S]) -> String {
    // The beginning of a word counts as close: `psnr` is meant for `psnr_db`.
    let distance =
        |k: &str| if word.len() > 2 && k.starts_with(word) { 1 } else { strsim::damerau_levenshtein(word, k) };
    let closest = known.iter().map(|k| (distance(k.as_ref()), k.as_ref())).min();
    match closest {
        Some((distance, best)) if distance <= 1 + word.chars().count() / 3 => format!("did you mean `{best}`?"),
        Some(_) => format!(
            "expected one of {}",
            known.iter().map(|k| format!("`{}`", k.as_ref())).collect::<Vec<_>>().join(", ")
        ),
        None => "no keys are expected here".to_string(),
    }
}

/// The key of the first number that is not finite.
fn not_finite(value: &serde_yaml::Value) -> Option<String> {
    use serde_yaml::Value;
    let below = |key: String, inner: &Value| {
        not_finite(inner)
            .map(|rest| if rest.is_empty() || rest.starts_with('[') { key + &rest } else { format!("{key}.{rest}") })
    };
    match value {
        Value::Number(number) if number.as_f64().is_some_and(|x| !x.is_finite()) => Some(String::new()),
        Value::Sequence(items) => items.iter().enumerate().find_map(|(i, item)| below(format!("[{i}]"), item)),
        Value::Mapping(map) => {
            map.iter().find_map(|(key, inner)| below(key.as_str().unwrap_or("?").to_string(), inner))
        }
        Value::Tagged(tagged) => not_finite(&tagged.value),
        _ => None,
    }
}

/// Turns an error of serde_yaml into one of this crate: position, full key, what was expected and found, advice.
fn explain(error: &serde_yaml::Error, source: Option<(&str, &str)>) -> Error {
    let mut message = error.to_string();
    let place = error.location().zip(source);
    if let Some(at) = message.rfind(" at line ") {
        message.truncate(at);
    }
    let (key, problem) = split_key(&message);
    let tab = place.as_ref().is_some_and(|(at, (text, _))| begins_with_tab(text, at.line()));
    let (key, problem) = match unknown_key(problem) {
        _ if tab => (key.to_string(), "expected spaces, got a tab: YAML is indented with spaces".to_string()),
        Some((bad, known)) => (join(key, bad), format!("unknown key, {}", did_you_mean(bad, &known))),
        None => (key.to_string(), reword(problem)),
    };
    match place {
        None => Error::config(key, problem),
        Some((at, (text, origin))) => {
            let position = format!("{origin}:{}:{}", at.line(), at.column());
            let label = if key.is_empty() { position } else { format!("{position}: {key}") };
            Error::config(label, format!("{problem}{}", excerpt(text, at.line(), at.column())))
        }
    }
}

/// Splits `a.b[1]: rest` into (`a.b[1]`, `rest`); the key is empty if the message has none.
fn split_key(message: &str) -> (&str, &str) {
    match message.split_once(": ") {
        Some((key, rest)) if key.chars().all(|c| c.is_alphanumeric() || "._-[]?".contains(c)) && !key.contains(' ') => {
            (key.trim_start_matches('.'), rest)
        }
        _ => ("", message),
    }
}

fn join(parent: &str, key: &str) -> String {
    if parent.is_empty() { key.to_string() } else { format!("{parent}.{key}") }
}

/// The unknown key and the list of known ones from serde's "unknown field `x`, expected one of `a`, `b`".
fn unknown_key(problem: &str) -> Option<(&str, Vec<&str>)> {
    let rest = problem.strip_prefix("unknown field `")?;
    let (bad, rest) = rest.split_once('`')?;
    Some((bad, rest.split('`').skip(1).step_by(2).collect()))
}

/// Whether the indentation of a line, or of the line before it, contains a tab (the parser may report the line after).
fn begins_with_tab(text: &str, line: usize) -> bool {
    let blank = |line: &str| line.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t');
    text.lines().skip(line.saturating_sub(2)).take(2).any(blank)
}

/// Rewords serde's "unknown variant `x`, expected one of `a`, `b`" and suggests the value that was probably meant.
fn unknown_value(problem: &str) -> Option<String> {
    let rest = problem.strip_prefix("unknown variant `")?;
    let (bad, rest) = rest.split_once('`')?;
    let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
    Some(format!("unknown value `{bad}`, {}", did_you_mean(bad, &known)))
}

/// Rewords a message of serde as "expected ..., got ...", without names of Rust types.
fn reword(problem: &str) -> String {
    if let Some(told) = unknown_value(problem) {
        return told;
    }
    let Some((got, expected)) = problem
        .strip_prefix("invalid type: ")
        .or_else(|| problem.strip_prefix("invalid value: "))
        .and_then(|rest| rest.rsplit_once(", expected "))
    else {
        return problem.replace("missing field", "missing key");
    };
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        other => other.strip_prefix("struct ").map_or(other, |_| "a map of keys"),
    };
    format!("expected {expected}, got {}", got.replace("unit value", "nothing"))
}

/// The given line of the text (the first 160 characters) with a caret under the column.
fn excerpt(text: &str, line: usize, column: usize) -> String {
    let Some(content) = text.lines().nth(line.saturating_sub(1)) else { return String::new() };
    let shown: String = content.chars().take(160).collect();
    let margin = " ".repeat(line.to_string().len());
    let indent = " ".repeat(column.saturating_sub(1).min(160));
    format!("\n {margin} |\n {line} | {shown}\n {margin} | {indent}^")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Outer {
        #[serde(default)]
        inner: Vec<Inner>,
        #[serde(default)]
        rate: f64,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Inner {
        steps: u32,
    }

    fn message(text: &str) -> String {
        parse::<Outer>(text, "a.yaml").unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_key_is_shown_where_it_stands() {
        let shown = message("rate: 1\ninner:\n  - {steps: 3}\n  - {setps: 3}\n");
        assert!(shown.starts_with("a.yaml:4:6: inner[1].setps: unknown key, did you mean `steps`?"), "{shown}");
        assert!(shown.ends_with(" 4 |   - {setps: 3}\n   |      ^"), "{shown}");
    }

    #[test]
    fn a_wrong_type_says_expected_and_got() {
        let shown = message("inner:\n  - {steps: lots}\n");
        assert!(shown.contains("inner[0].steps: expected a whole number, 0 or more, got string \"lots\""), "{shown}");
        assert!(message("inner: [{}]").contains("missing key `steps`"));
        assert!(message("rate: 1\nrate: 2\n").contains("duplicate"));
    }

    #[test]
    fn a_tab_and_a_value_that_is_none_of_its_list_are_told() {
        #[derive(Debug, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        enum Filter {
            Hann,
            RamLak,
        }
        let shown = message("inner:\n\t- steps: 3\n");
        assert!(shown.contains("got a tab") && shown.contains("a.yaml:2:"), "{shown}");
        let shown = parse::<Vec<Filter>>("[hann, ramlak]", "b.yaml").unwrap_err().to_string();
        assert!(shown.contains("unknown value `ramlak`, did you mean `ram-lak`?"), "{shown}");
        assert!(matches!(parse::<Vec<Filter>>("[hann, ram-lak]", "b").unwrap()[..], [Filter::Hann, Filter::RamLak]));
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused_with_their_key() {
        for number in [".nan", ".inf", "-.inf", "1e999"] {
            let shown = message(&format!("rate: {number}"));
            assert!(shown.contains("rate"), "{shown}");
        }
        assert!(scalar("[1, .inf]").is_err());
    }

    #[test]
    fn hostile_text_is_refused_quickly() {
        assert!(message(&"#".repeat(LONGEST + 1)).contains("at most"));
        let line = |i: usize| format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 10].join(", "));
        let bomb: String =
            std::iter::once("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_string()).chain((1..12).map(line)).collect();
        assert!(serde_yaml::from_str::<serde_yaml::Value>(&bomb).unwrap_err().to_string().contains("repetition limit"));
        assert!(!message(&bomb).is_empty());
        assert!(!message(&format!("inner: {}", "[".repeat(10_000))).is_empty());
        assert!(!message("inner:\n\t- 1").is_empty());
        assert!(!message("- a").is_empty() && !message("--- {}\n--- {}").is_empty());
    }
}
