//! The suites that are compiled into the program, and the phantoms that they scan.

/// A built-in suite.
#[derive(Debug, Clone, Copy)]
pub struct BuiltIn {
    /// Name of the suite.
    pub name: &'static str,
    /// Text of its YAML file.
    pub text: &'static str,
}

/// Every built-in suite.
pub const BUILT_IN: &[BuiltIn] = &[
    BuiltIn { name: "shepp-logan", text: include_str!("../../pipelines/bench/shepp-logan.yaml") },
    BuiltIn { name: "anatomy", text: include_str!("../../pipelines/bench/anatomy.yaml") },
    BuiltIn { name: "fields", text: include_str!("../../pipelines/bench/fields.yaml") },
];

/// Names and texts of the phantom files in the folder `${PHANTOMS}`.
pub(super) const PHANTOMS: &[(&str, &str)] = &[
    ("shepp-logan.yaml", include_str!("../../phantoms/shepp-logan.yaml")),
    ("shepp-logan-2d.yaml", include_str!("../../phantoms/shepp-logan-2d.yaml")),
    ("forbild-head.yaml", include_str!("../../phantoms/forbild-head.yaml")),
    ("forbild-head-2d.yaml", include_str!("../../phantoms/forbild-head-2d.yaml")),
    ("forbild-thorax.yaml", include_str!("../../phantoms/forbild-thorax.yaml")),
];
