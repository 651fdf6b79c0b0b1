//! The suites that the binary knows by name, and the phantoms they scan.

/// A built-in suite.
#[derive(Debug, Clone, Copy)]
pub struct BuiltIn {
    /// Its name.
    pub name: &'static str,
    /// Its YAML.
    pub text: &'static str,
}

/// Every built-in suite.
pub const BUILT_IN: &[BuiltIn] = &[
    BuiltIn { name: "shepp-logan", text: include_str!("../../pipelines/bench/shepp-logan.yaml") },
    BuiltIn { name: "anatomy", text: include_str!("../../pipelines/bench/anatomy.yaml") },
    BuiltIn { name: "fields", text: include_str!("../../pipelines/bench/fields.yaml") },
];

/// File name and YAML of the phantoms in the folder that `${PHANTOMS}` stands for.
pub(super) const PHANTOMS: &[(&str, &str)] = &[
    ("shepp-logan.yaml", include_str!("../../phantoms/shepp-logan.yaml")),
    ("shepp-logan-2d.yaml", include_str!("../../phantoms/shepp-logan-2d.yaml")),
    ("forbild-head.yaml", include_str!("../../phantoms/forbild-head.yaml")),
    ("forbild-head-2d.yaml", include_str!("../../phantoms/forbild-head-2d.yaml")),
    ("forbild-thorax.yaml", include_str!("../../phantoms/forbild-thorax.yaml")),
];
