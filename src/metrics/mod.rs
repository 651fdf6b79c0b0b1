//! Stand-in until the metrics are merged.
#![allow(missing_docs, clippy::missing_errors_doc)]
use crate::data::{MetricDefinition, Volume};
#[derive(Clone, Copy)]
pub struct Comparison<'a> {
    pub truth: &'a Volume,
    pub found: &'a Volume,
    pub mask: Option<&'a [bool]>,
}
pub trait Metric: Sync {
    fn key(&self) -> &'static str;
    fn definition(&self, comparison: &Comparison) -> MetricDefinition;
    fn measure(&self, comparison: &Comparison) -> Result<Option<f64>, String>;
}
struct Rmse;
impl Metric for Rmse {
    fn key(&self) -> &'static str {
        "rmse_hu"
    }
    fn definition(&self, _: &Comparison) -> MetricDefinition {
        MetricDefinition { definition: "rmse".into(), data_range: None, unit: "HU".into(), mask: "all".into() }
    }
    fn measure(&self, c: &Comparison) -> Result<Option<f64>, String> {
        let sum: f64 = c.truth.as_slice().iter().zip(c.found.as_slice()).map(|(a, b)| f64::from(a - b).powi(2)).sum();
        Ok(Some((sum / c.truth.as_slice().len() as f64).sqrt()))
    }
}
pub fn by_name(key: &str) -> Option<&'static dyn Metric> {
    (key == "rmse_hu").then_some(&Rmse as &dyn Metric)
}
pub fn names() -> Vec<&'static str> {
    vec!["rmse_hu"]
}
