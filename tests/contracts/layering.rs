//! Checks which module may import which (docs/architecture.md: the rings), read from the source text: every path of
//! this crate in every file, who uses libtorch, who prints, who opens files, and where `unsafe` may stand. The test
//! `each_rule_can_fail` proves that each rule can fail.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// Top-level modules by ring, from the innermost outwards. A module may import every module of the rings further in;
/// what it may import of its own ring is given by `Beside`.
const RINGS: &[(&[&str], Beside)] = &[
    (
        &["error", "input_path", "memory", "progress", "registry", "random", "require", "yaml", "assignment"],
        Beside::All,
    ),
    (&["data"], Beside::None),
    (&["formats", "phantoms", "geometries", "cameras", "physics", "appearance", "metrics", "schedulers"], Beside::None),
    (&["tensors", "operators", "fields", "renderers", "optimizers", "algorithms"], Beside::Left),
    (&["context"], Beside::None),
    (&["report"], Beside::None),
    (&["stages"], Beside::None),
    (&["pipeline", "jobs", "benchmarks", "batch", "training", "commands"], Beside::Left),
    (&["terminal", "cli", "main"], Beside::Left),
];

/// What a module may import of its own ring.
#[derive(Clone, Copy, PartialEq)]
enum Beside {
    None,
    Left,
    All,
}

const TORCH: &[&str] = &["tensors", "operators", "fields", "renderers", "optimizers", "algorithms", "context"];
const PRINT: &[&str] = &["terminal", "main"];
/// Modules that may open files. tensors/device.rs reads the process's own memory map to find libtorch's folder;
/// tensors/cuda caches compiled kernels and looks for the parts of the compiler.
const FILES: &[&str] = &[
    "memory",
    "input_path",
    "formats",
    "phantoms",
    "schedulers",
    "context",
    "pipeline",
    "jobs",
    "benchmarks",
    "batch",
    "report",
    "training",
    "commands",
    "tensors/device.rs",
    "tensors/cuda/cache.rs",
    "tensors/cuda/compiler.rs",
];
const UNSAFE: &[&str] = &["tensors", "operators/xray/kernels/simd.rs"];
/// The stages of a pipeline; none of them imports another.
const STAGES: &[&str] = &["load", "acquire", "simulate", "reconstruct", "evaluate", "export"];
/// Modules that the outermost ring may import.
const SHELL_SEES: &[&str] = &["error", "progress", "pipeline", "commands", "terminal", "cli"];

/// A source file: its path under src/, and its code without comments and without its inline tests.
struct Source {
    path: String,
    code: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let lines: Vec<&str> = code.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
        Self { path: path.to_string(), code: lines.join("\n") }
    }

    /// Module path, such as `["stages", "load", "preparation"]`.
    fn module(&self) -> Vec<&str> {
        let stem = self.path.trim_end_matches(".rs");
        stem.trim_end_matches("/mod").split('/').collect()
    }

    fn top(&self) -> &str {
        self.module()[0]
    }

    fn within(&self, places: &[&str]) -> bool {
        places.iter().any(|place| self.path == *place || self.top() == *place)
    }

    /// Returns every path of this crate that the code names, from the crate's root.
    fn imports(&self) -> Vec<Vec<String>> {
        let mut found = Vec::new();
        for (start, word) in ["crate::", "recon::", "super::"].iter().flat_map(|word| self.code.match_indices(word)) {
            let before = self.code[..start].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '$') {
                continue;
            }
            let mut base: Vec<String> = self.module().iter().map(|part| (*part).to_string()).collect();
            let mut rest = &self.code[start..];
            if word == "super::" {
                while let Some(after) = rest.strip_prefix("super::") {
                    base.pop();
                    rest = after;
                }
            } else {
                base.clear();
                rest = &rest[word.len()..];
            }
            found.extend(leaves(rest).into_iter().map(|leaf| base.iter().cloned().chain(leaf).collect()));
        }
        found
    }
}

/// Returns the paths of `a::b`, `{a::b, c}` and `a::{b, c}` at the start of some code.
fn leaves(code: &str) -> Vec<Vec<String>> {
    if let Some(inner) = code.strip_prefix('{') {
        let mut depth = 1;
        let end = inner.find(|c| {
            depth += i32::from(c == '{') - i32::from(c == '}');
            depth == 0
        });
        let inner = &inner[..end.unwrap_or(inner.len())];
        return split_at_top(inner).into_iter().flat_map(|item| leaves(item.trim())).collect();
    }
    let name: String = code.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let below = code[name.len()..].strip_prefix("::").map(leaves).filter(|below| !below.is_empty());
    match below {
        _ if name.is_empty() => Vec::new(),
        None => vec![vec![name]],
        Some(below) => below.into_iter().map(|rest| std::iter::once(name.clone()).chain(rest).collect()).collect(),
    }
}

fn split_at_top(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut items) = (0, 0, Vec::new());
    for (i, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&list[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    items.push(&list[start..]);
    items
}

fn ring(module: &str) -> Option<(usize, usize)> {
    RINGS
        .iter()
        .enumerate()
        .find_map(|(ring, (names, _))| names.iter().position(|name| *name == module).map(|at| (ring, at)))
}

fn may_import(from: &str, to: &str) -> bool {
    let (Some((ring_from, at_from)), Some((ring_to, at_to))) = (ring(from), ring(to)) else { return false };
    if ring_from == RINGS.len() - 1 {
        return SHELL_SEES.contains(&to) && (ring_to < ring_from || at_to < at_from);
    }
    match RINGS[ring_from].1 {
        _ if ring_to != ring_from => ring_to < ring_from,
        Beside::All => true,
        Beside::Left => at_to < at_from,
        Beside::None => false,
    }
}

/// Returns every rule that a file breaks, in words.
fn violations(source: &Source) -> Vec<String> {
    let mut faults = Vec::new();
    let top = source.top();
    if ring(top).is_none() {
        faults.push(format!("{}: the module {top} has no ring: add it to RINGS and to docs", source.path));
    }
    for import in source.imports() {
        let target = import.first().map_or("", String::as_str);
        if target != top && ring(target).is_some() && !may_import(top, target) {
            faults.push(format!("{}: {top} may not import {}", source.path, import.join("::")));
        }
        if target == "stages"
            && let (Some(own), Some(other)) = (source.module().get(1), import.get(1))
            && top == "stages"
            && STAGES.contains(own)
            && STAGES.contains(&other.as_str())
            && own != other
        {
            faults.push(format!("{}: the stage {own} may not import its sibling {other}", source.path));
        }
    }
    let mut forbid = |places: &[&str], words: &[&str], what: &str| {
        if let Some(word) = words.iter().find(|word| names(&source.code, word) && !source.within(places)) {
            faults.push(format!("{}: `{word}`: {what}", source.path));
        }
    };
    forbid(TORCH, &["tch"], "libtorch is for ring 3 and context");
    forbid(PRINT, &["println", "print", "eprintln", "eprint"], "only main and terminal print");
    forbid(FILES, &["File", "fs", "OpenOptions"], "files are opened by those who are given paths");
    forbid(UNSAFE, &["unsafe"], "unsafe has named places");
    if ["operators/xray/kernels", "fields/kernels"].iter().any(|folder| source.path.starts_with(folder))
        && names(&source.code, "tch")
    {
        faults.push(format!("{}: kernels know no tensors", source.path));
    }
    if ["formats/", "phantoms/"].iter().any(|folder| source.path.starts_with(folder))
        && source.path != "formats/atomic.rs"
        && opens(&source.code)
    {
        faults.push(format!("{}: input files are opened by input_path, which refuses pipes and devices", source.path));
    }
    faults
}

/// Whether the code opens a file of the operating system by itself.
fn opens(code: &str) -> bool {
    let calls = code.match_indices("File::open(");
    calls.into_iter().any(|(at, _)| !code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_'))
}

/// Whether the code has this word as a path or macro (not as a part of another word, nor as a field or variable).
fn names(code: &str, word: &str) -> bool {
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back().unwrap_or(' ');
        let after = &code[at + word.len()..];
        let own = !(before.is_alphanumeric() || before == '_' || before == '.' || before == '"' || before == '`');
        own && match word {
            "unsafe" => after.starts_with([' ', '{']),
            "print" | "println" | "eprint" | "eprintln" => after.starts_with('!'),
            "File" | "OpenOptions" | "fs" | "tch" => {
                after.starts_with("::") || code[..at].ends_with("use ") || code[..at].ends_with("std::")
            }
            _ => true,
        }
    })
}

/// Returns for each source file the files that it imports. An import refers to the file with the longest module path
/// with which it begins. A `mod.rs` does not import the files of its own folder: it only lists and re-exports them.
fn imported(all: &[Source]) -> Vec<Vec<usize>> {
    let number: HashMap<Vec<&str>, usize> = all.iter().enumerate().map(|(i, source)| (source.module(), i)).collect();
    let file = |path: &[String]| {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        (1..=path.len()).rev().find_map(|length| number.get(&path[..length]).copied())
    };
    let edges = |source: &Source| {
        let own = source.module();
        let targets = source.imports().into_iter().filter_map(|path| file(&path));
        targets.filter(|&target| !all[target].module().starts_with(&own)).collect()
    };
    all.iter().map(edges).collect()
}

/// Returns the groups of files that import each other, directly or through other files.
fn circles(all: &[Source]) -> Vec<String> {
    let imports = imported(all);
    let reached: Vec<BTreeSet<usize>> = (0..all.len())
        .map(|start| {
            let (mut reached, mut open) = (BTreeSet::new(), imports[start].clone());
            while let Some(next) = open.pop() {
                if reached.insert(next) {
                    open.extend(&imports[next]);
                }
            }
            reached
        })
        .collect();
    let group = |i: usize| reached[i].iter().copied().filter(|&j| reached[j].contains(&i)).collect::<Vec<usize>>();
    let groups: BTreeSet<Vec<usize>> = (0..all.len()).map(group).filter(|group| group.len() > 1).collect();
    let names = |group: Vec<usize>| group.into_iter().map(|i| all[i].path.clone()).collect::<Vec<_>>().join(", ");
    groups.into_iter().map(names).collect()
}

fn sources(folder: &Path, root: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(sources(&entry, root));
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let path = entry.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
            found.push(Source::new(&path, &std::fs::read_to_string(&entry).unwrap()));
        }
    }
    found
}

#[test]
fn every_file_keeps_to_its_ring() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let all = sources(&root, &root);
    assert!(all.len() > 30, "expected the whole crate, found {} files", all.len());
    let faults: Vec<String> = all.iter().filter(|source| source.path != "lib.rs").flat_map(violations).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let found = circles(&sources(&root, &root));
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn a_circle_of_files_is_found_and_a_folder_that_lists_its_files_is_none() {
    let circle = [
        Source::new("a/mod.rs", "mod b;\nmod c;\npub use b::B;\npub struct A;"),
        Source::new("a/b.rs", "use super::A;\nuse super::c::C;"),
        Source::new("a/c.rs", "use crate::d::{D, E};"),
        Source::new("d.rs", "fn f() { crate::a::b::f(); }"),
    ];
    assert_eq!(circles(&circle), ["a/b.rs, a/c.rs, d.rs"]);
    assert_eq!(circles(&circle[..3]), Vec::<String>::new());
}

/// Returns every Rust and Markdown file below a folder.
fn texts(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let below = |path: PathBuf| {
        let kept = path.extension().is_some_and(|extension| extension == "rs" || extension == "md");
        if path.is_dir() { texts(&path) } else { Vec::from_iter(kept.then_some(path)) }
    };
    entries.flat_map(|entry| below(entry.unwrap().path())).collect()
}

/// Tables and code in Markdown may be wider: they cannot be wrapped.
#[test]
fn no_line_is_longer_than_120_characters() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["src", "tests", "examples", "benches", "docs"].map(|folder| root.join(folder));
    let pages = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"].map(|page| root.join(page));
    let mut long = Vec::new();
    let all: Vec<PathBuf> = folders.iter().flat_map(|folder| texts(folder)).chain(pages).collect();
    assert!(all.len() > 500, "expected every text of the project, found {} files", all.len());
    for path in all {
        let (page, mut code) = (path.extension().is_some_and(|extension| extension == "md"), false);
        for (number, line) in std::fs::read_to_string(&path).unwrap().lines().enumerate() {
            code ^= page && line.trim_start().starts_with("```");
            if line.chars().count() > 120 && !(page && (code || line.starts_with('|'))) {
                long.push(format!("{}:{}", path.display(), number + 1));
            }
        }
    }
    assert!(long.is_empty(), "\n{}", long.join("\n"));
}

#[test]
fn no_file_is_longer_than_four_hundred_lines() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let long: Vec<String> = sources(&root, &root)
        .iter()
        .map(|source| (source.path.clone(), std::fs::read_to_string(root.join(&source.path)).unwrap().lines().count()))
        .filter(|(_, lines)| *lines > 400)
        .map(|(path, lines)| format!("{path}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "\n{}", long.join("\n"));
}

#[test]
fn each_rule_can_fail() {
    let bad = [
        ("metrics/a.rs", "use crate::formats::nifti;", "may not import formats"),
        ("data/a.rs", "fn f() { crate::context::hash_bytes(b\"\"); }", "may not import context"),
        ("fields/a.rs", "use crate::{data::Grid, algorithms::Run};", "may not import algorithms"),
        ("stages/load/mod.rs", "use super::simulate::Simulate;", "sibling simulate"),
        ("stages/evaluate.rs", "use crate::stages::{flow::Acquisition, export::Export};", "sibling export"),
        ("context/a.rs", "use super::super::stages::Stage;", "may not import stages"),
        ("pipeline/a.rs", "use crate::commands::Output;", "may not import commands"),
        ("terminal.rs", "use crate::context::Context;", "may not import context"),
        ("main.rs", "use recon::data::Grid;", "may not import data"),
        ("metrics/a.rs", "use tch::Tensor;", "libtorch"),
        ("operators/xray/kernels/a.rs", "fn f(x: &tch::Tensor) {}", "kernels know no tensors"),
        ("fields/kernels/a.rs", "use tch::Tensor;", "kernels know no tensors"),
        ("algorithms/a.rs", "fn f() { println!(\"x\"); }", "only main and terminal print"),
        ("stages/export.rs", "fn f() { std::fs::write(\"a\", \"b\"); }", "files are opened"),
        ("fields/a.rs", "use std::fs::File;", "files are opened"),
        ("report/a.rs", "fn f() { unsafe { g() } }", "unsafe has named places"),
        ("novelty/a.rs", "", "has no ring"),
        ("formats/a.rs", "fn f(path: &Path) { std::fs::File::open(path); }", "opened by input_path"),
    ];
    for (path, code, expected) in bad {
        let faults = violations(&Source::new(path, code));
        assert!(faults.iter().any(|fault| fault.contains(expected)), "{path}: {code}: {faults:?}");
    }
    let good = [
        ("metrics/a.rs", "use crate::data::Volume;\n// crate::formats is not imported here\nuse super::Comparison;"),
        ("stages/load/mod.rs", "use super::flow::Object;\nuse crate::formats::nifti;\nmod preparation;"),
        (
            "algorithms/tv.rs",
            "use crate::operators::xray::build;\n#[cfg(test)]\nmod tests {\n use crate::context::Context; fn f() { \
             println!(\"x\"); }\n}",
        ),
        ("commands/run.rs", "use crate::pipeline::Pipeline;"),
        ("formats/a.rs", "fn f(path: &Path) { DicomFile::open(path); input_path::open(path); }"),
        ("geometries/a.rs", "let message = profile::files(offset.fs, \"unsafe \");"),
    ];
    for (path, code) in good {
        assert_eq!(violations(&Source::new(path, code)), Vec::<String>::new(), "{path}: {code}");
    }
}
