//! Text of the status table that is redrawn while jobs run: headline, one line per group, lists.

use super::counts::{Counts, Group};
use crate::progress::clock;
use std::fmt::Write;

/// Most lines of a list; further entries are only counted.
const LISTED: usize = 12;
/// Longest line of a list, characters. Narrower terminals cut lines further (`terminal.rs`).
pub const WIDTH: usize = 110;

/// The first line, such as `heads of 9 tasks: 3 done, 2 running, 4 not begun, about 1:05 left`, with `noun` = `tasks`.
#[must_use]
pub fn headline(name: &str, noun: &str, counts: &Counts, seconds_left: Option<f64>) -> String {
    let parts = counts.named().into_iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts.map(|(count, word)| format!("{count} {word}")).collect();
    let left = seconds_left.map_or(String::new(), |seconds| format!(", about {} left", clock(seconds)));
    format!("{name} of {} {noun}: {}{left}", counts.tasks, parts.join(", "))
}

/// A line of titles and one line per group, each with a line break before it. There is a column for each state that any
/// job is in. Empty if there are fewer than two groups.
#[must_use]
pub fn grid(heading: &str, groups: &[Group]) -> String {
    if groups.len() < 2 {
        return String::new();
    }
    let titles = Counts::default().named().map(|(_, word)| word);
    let used = |column: &usize| groups.iter().any(|group| group.counts.named()[*column].0 > 0);
    let used: Vec<usize> = (0..titles.len()).filter(used).collect();
    let names = groups.iter().map(|group| group.setting.as_str()).chain([heading]);
    let widest = names.map(|name| name.chars().count()).max().unwrap_or(0);
    let words: Vec<String> = used.iter().map(|&column| format!("  {:>9}", titles[column])).collect();
    let lines = groups.iter().map(|group| {
        let counts = group.counts.named();
        let numbers: Vec<String> = used.iter().map(|&column| format!("  {:>9}", counts[column].0)).collect();
        let time = group.mean_seconds.map_or("-".to_string(), clock);
        format!("{:<widest$}{}  {time:>9}", group.setting, numbers.concat())
    });
    format!("\n{heading:<widest$}{}  mean time{}", words.concat(), listed(lines.collect(), &format!("more {heading}s")))
}

/// The entries of a list, each with a line break before it, cut at [`WIDTH`] characters. Entries beyond the first lines
/// are only counted, as `and N {rest}`.
#[must_use]
pub fn listed(lines: Vec<String>, rest: &str) -> String {
    let count = lines.len();
    let shown = if count > LISTED { LISTED - 1 } else { count };
    let mut text = String::new();
    for line in lines.iter().take(shown) {
        let _ = write!(text, "\n{}", cut(line));
    }
    if count > shown {
        let _ = write!(text, "\nand {} {rest}", count - shown);
    }
    text
}

fn cut(line: &str) -> String {
    if line.chars().count() <= WIDTH {
        return line.to_string();
    }
    line.chars().take(WIDTH - 1).chain(['…']).collect()
}
