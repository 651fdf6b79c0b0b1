//! Checks the tables of the documentation that are generated from the code: every key of every method, with its default
//! and its meaning.

use recon::algorithms::AlgorithmKind;
use recon::registry::Kinds;
use serde_json::Value;
use std::fmt::Write;
use std::path::Path;

const BEGIN: &str = "<!-- keys: begin";
const END: &str = "<!-- keys: end -->";

/// Returns the first paragraph of a description, escaped for a cell of a table.
fn meaning(property: &Value) -> String {
    let text = property["description"].as_str().unwrap_or_default();
    text.split("\n\n").next().unwrap_or_default().replace('\n', " ").replace('|', "\\|")
}

fn default(property: &Value) -> String {
    match &property["default"] {
        Value::Null => String::new(),
        Value::Object(_) => "see the schema".to_string(),
        other => format!("`{}`", other.to_string().trim_matches('"')),
    }
}

/// Returns one table per method.
fn tables() -> String {
    let mut settings = schemars::generate::SchemaSettings::draft07();
    settings.inline_subschemas = true;
    let mut text = String::new();
    for (name, schema) in AlgorithmKind::schemas(&mut settings.into_generator()) {
        let schema = schema.to_value();
        writeln!(text, "\n### `{name}`\n\n| key | default | meaning |\n|---|---|---|").unwrap();
        for (key, property) in schema["properties"].as_object().unwrap_or_else(|| panic!("{name} has no keys")) {
            writeln!(text, "| `{key}` | {} | {} |", default(property), meaning(property)).unwrap();
        }
    }
    text
}

#[test]
fn the_table_of_every_methods_keys_is_what_the_schema_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/algorithms.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let begin = page.find(BEGIN).and_then(|at| page[at..].find('\n').map(|end| at + end + 1)).expect("the first mark");
    let end = page.find(END).expect("the second mark");
    let wanted = format!("{}{}\n{}", &page[..begin], tables(), &page[end..]);
    if std::env::var("RECON_UPDATE_DOCS").is_ok_and(|value| value == "1") {
        std::fs::write(&path, &wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap();
    assert!(found == wanted, "docs/algorithms.md is out of date: run this test with RECON_UPDATE_DOCS=1");
    assert!(["`tgv`", "`volume`", "`held_out`"].iter().all(|key| found.contains(key)));
}
