//! Seconds of each stage. A stage that runs inside another one, such as a load that is needed late, counts only for
//! itself.

use crate::data::StageReport;
use std::time::Instant;

#[derive(Default)]
pub(super) struct Timings {
    stages: Vec<StageReport>,
    /// Running stages, outermost first: index, begin, seconds of the stages inside.
    running: Vec<(usize, Instant, f64)>,
}

impl Timings {
    pub(super) fn begin(&mut self, name: &str) {
        let known = self.stages.iter().position(|stage| stage.name == name);
        let index = known.unwrap_or_else(|| {
            self.stages.push(StageReport { name: name.to_string(), seconds: 0.0, cached: true });
            self.stages.len() - 1
        });
        self.running.push((index, Instant::now(), 0.0));
    }

    /// Ends the innermost stage and returns its own seconds, without those of the stages inside.
    pub(super) fn end(&mut self) -> f64 {
        let Some((index, begin, inside)) = self.running.pop() else { return 0.0 };
        let whole = begin.elapsed().as_secs_f64();
        if let Some((_, _, outer)) = self.running.last_mut() {
            *outer += whole;
        }
        self.stages[index].seconds += whole - inside;
        whole - inside
    }

    /// Marks the innermost stage as not cached.
    pub(super) fn fresh(&mut self) {
        if let Some((index, ..)) = self.running.last() {
            self.stages[*index].cached = false;
        }
    }

    /// All stages; for those that still run, the seconds so far.
    pub(super) fn report(&self) -> Vec<StageReport> {
        let mut stages = self.stages.clone();
        for (index, begin, inside) in &self.running {
            stages[*index].seconds += begin.elapsed().as_secs_f64() - inside;
        }
        stages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inner_stage_counts_for_itself_and_keeps_its_place() {
        let mut timings = Timings::default();
        timings.begin("load");
        timings.end();
        timings.begin("simulate");
        timings.begin("load");
        timings.fresh();
        std::thread::sleep(std::time::Duration::from_millis(20));
        timings.end();
        timings.end();
        let report = timings.report();
        let shown: Vec<(&str, bool)> = report.iter().map(|stage| (stage.name.as_str(), stage.cached)).collect();
        assert_eq!(shown, [("load", false), ("simulate", true)]);
        assert!(report[0].seconds >= 0.02 && report[1].seconds < report[0].seconds);
    }
}
