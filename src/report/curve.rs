//! `curve.csv`: the convergence of one method.

use super::csv::line;
use crate::data::CurvePoint;

/// The curve as CSV (RFC 4180) with the columns `step, seconds, loss` and then every other quantity in alphabetical
/// order. A value that is missing or not finite is an empty field.
#[must_use]
pub fn table(curve: &[CurvePoint]) -> String {
    let mut names: Vec<&String> = curve.iter().flat_map(|point| point.figures.keys()).collect();
    names.sort();
    names.dedup();
    let number = |value: Option<f64>| value.filter(|v| v.is_finite()).map_or_else(String::new, |v| v.to_string());
    let mut text =
        line(["step", "seconds", "loss"].map(String::from).into_iter().chain(names.iter().map(|&name| name.clone())));
    for point in curve {
        let fixed = [point.step.to_string(), number(Some(point.seconds)), number(Some(point.loss))];
        text += &line(fixed.into_iter().chain(names.iter().map(|&name| number(point.figures.get(name).copied()))));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn points_with_different_figures_share_one_header() {
        let point = |step, loss, figures: &[(&str, f64)]| CurvePoint {
            step,
            seconds: 0.5,
            loss,
            figures: figures.iter().map(|(name, value)| ((*name).to_string(), *value)).collect::<BTreeMap<_, _>>(),
        };
        let text = table(&[point(1, 0.25, &[("rate", 0.01)]), point(2, f64::NAN, &[("psnr_db", 20.0)])]);
        assert_eq!(text, "step,seconds,loss,psnr_db,rate\r\n1,0.5,0.25,,0.01\r\n2,0.5,,20,\r\n");
        assert_eq!(table(&[]), "step,seconds,loss\r\n");
    }
}
