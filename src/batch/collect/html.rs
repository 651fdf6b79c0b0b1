//! Text of `table.html`: the results of a study as one HTML page that needs no network.

use super::{Collection, text, unit};
use crate::report::{html as report, numbers, ranking};
use maud::{Markup, html};

/// Largest number of tasks in the table of the worst ones.
const SHOWN: usize = 50;

pub(super) fn page(collection: &Collection) -> String {
    let figures: Vec<Vec<String>> = collection.figures.iter().map(|row| text::figure(collection, row)).collect();
    let body = html! {
        header {
            p.kicker { "recon study" }
            h1 { (collection.study) }
            p.lead { (text::headline(collection)) }
        }
        main {
            (failures(collection))
            section {
                h2 { "Methods over the cases" }
                (table(&text::figure_titles(collection), &figures))
                p.key { "Mean ± standard deviation over the cases in which the method completed." }
            }
            (pairs(collection))
            (worst(collection))
        }
        footer {
            "Made by recon " (env!("CARGO_PKG_VERSION")) ". For research: not a medical device, not for diagnosis. "
            "Every result: table.csv; the same for programs: table.json."
        }
    };
    report::document(&format!("{} · recon study", collection.study), &body)
}

fn failures(collection: &Collection) -> Markup {
    html! {
        @for failure in &collection.failures {
            div.banner.failed {
                strong { (failure.task) " failed" } " (exit code " (failure.exit_code) "): " (failure.reason)
            }
        }
        @if !collection.missing.is_empty() {
            div.banner.interrupted { strong { "Without a result: " } (collection.missing.join(", ")) }
        }
    }
}

fn pairs(collection: &Collection) -> Markup {
    let rows: Vec<Vec<String>> = collection.figures.iter().flat_map(|row| text::pairs(collection, row)).collect();
    let titles = ["setting", "method", "metric", "cases", "difference", "95 % interval", "Wilcoxon p"];
    html! {
        @if !rows.is_empty() {
            section {
                h2 { "Each method minus " (collection.first) ", case by case" }
                (table(&titles.map(String::from), &rows))
                p.key {
                    "Mean difference; percentile interval of 2,000 bootstrap resamples of the cases; two-sided p of \
                     Wilcoxon's signed-rank test, not corrected for the number of comparisons."
                }
            }
        }
    }
}

fn worst(collection: &Collection) -> Markup {
    let key = collection.metrics.first().map_or("", String::as_str);
    html! {
        @if !collection.worst.is_empty() {
            section {
                h2 { "The worst cases" }
                div.scroll {
                    table {
                        thead { tr { th scope="col" { "Task" } th.number scope="col" { (ranking::name(key)) } } }
                        tbody {
                            @for ranked in collection.worst.iter().take(SHOWN) {
                                tr {
                                    th scope="row" { a href=(ranked.report) { (ranked.task) } }
                                    td.number { (numbers::metric(ranked.value, unit(key))) }
                                }
                            }
                        }
                    }
                }
                p.key { "Mean over the methods of the task." }
            }
        }
    }
}

fn table(titles: &[String], rows: &[Vec<String>]) -> Markup {
    html! {
        div.scroll {
            table {
                thead { tr { @for title in titles { th scope="col" { (title) } } } }
                tbody { @for row in rows { tr { @for cell in row { td { (cell) } } } } }
            }
        }
    }
}
