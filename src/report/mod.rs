//! Stub until the report branch is merged.
#![allow(missing_docs)]
use crate::data::{Projections, Report, Volume};
use serde::{Deserialize, Serialize};
#[derive(Debug, Clone, Default)]
pub struct Gallery<'a> {
    pub truth: Option<&'a Volume>,
    pub methods: Vec<(String, &'a Volume)>,
    pub projections: Option<&'a Projections>,
    pub run: RunFacts,
}
pub type Fact = (String, String);
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunFacts {
    pub versions: Vec<Fact>,
    pub machine: Vec<Fact>,
    pub inputs: Vec<Fact>,
    pub outputs: Vec<Fact>,
}
pub mod html {
    pub fn page(report: &super::Report, _images: &super::Gallery) -> String {
        super::json::document(report)
    }
}
pub mod csv {
    pub fn table(_report: &super::Report) -> String {
        String::new()
    }
}
pub mod json {
    pub fn document(report: &super::Report) -> String {
        serde_json::to_string_pretty(report).unwrap_or_default()
    }
}
pub mod curve {
    pub fn table(_curve: &[crate::data::CurvePoint]) -> String {
        String::new()
    }
}
pub mod table {
    pub fn plain(report: &super::Report) -> String {
        report.name.clone()
    }
}
