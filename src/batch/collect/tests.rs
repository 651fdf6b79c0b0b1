use super::*;
use crate::jobs::{Header, Label, Task};

/// Writes a study of `cases` cases at two settings into a folder; `record` gives the record of each task, if it has
/// one.
fn study(folder: &Path, cases: usize, record: impl Fn(&Label) -> Option<TaskRecord>) -> Ledger {
    let label = |index: usize| {
        let (case, views) = (format!("c{}", index / 2), ["20", "40"][index % 2]);
        Label { index, id: format!("{case}_views-{views}"), case, axes: vec![("views".into(), views.into())] }
    };
    let tasks: Vec<Task> =
        (0..2 * cases).map(|index| Task { label: label(index), config: serde_json::json!({}) }).collect();
    let header = Header { metrics: vec!["psnr_db".into(), "rmse_hu".into()], ..Header::example(tasks.len()) };
    let ledger = Ledger::freeze(folder, &header, "", &tasks).unwrap();
    for task in &tasks {
        let Some(record) = record(&task.label) else { continue };
        let folder = match record.status {
            Status::Complete => ledger.published(&task.label.id),
            _ => ledger.state(&task.label.id),
        };
        std::fs::create_dir_all(&folder).unwrap();
        let name = if record.status == Status::Complete { "task.json" } else { "failed.json" };
        std::fs::write(folder.join(name), serde_json::to_vec(&record).unwrap()).unwrap();
    }
    ledger
}

fn method(name: &str, psnr_db: f64) -> MethodRecord {
    MethodRecord {
        name: name.into(),
        algorithm: name.into(),
        status: Status::Complete,
        seconds: 2.0,
        peak_memory_bytes: Some(1 << 30),
        metrics: BTreeMap::from([("psnr_db".into(), Some(psnr_db)), ("rmse_hu".into(), None)]),
        reason: String::new(),
    }
}

fn complete(label: &Label) -> TaskRecord {
    let psnr = 20.0 + (label.index / 2) as f64;
    TaskRecord {
        label: label.clone(),
        status: Status::Complete,
        exit_code: 0,
        reason: String::new(),
        failures: 0,
        attempt: 1,
        host: "node".into(),
        device: "cpu".into(),
        threads: 1,
        seconds: 3.0,
        methods: vec![method("fdk", psnr), method("tv", psnr + 1.0 + 0.1 * (label.index / 2) as f64)],
    }
}

#[test]
fn figures_are_over_cases_pairs_are_case_by_case_and_the_worst_come_first() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = study(folder.path(), 4, |label| match label.index {
        6 => None,
        7 => Some(TaskRecord {
            status: Status::Failed,
            exit_code: 3,
            reason: "slice 7 is <missing> | gone".into(),
            methods: Vec::new(),
            ..complete(label)
        }),
        _ => Some(complete(label)),
    });
    let found = Collection::of(&ledger).unwrap();
    assert_eq!((found.tasks, found.done, found.missing.as_slice()), (8, 6, &["c3_views-20".to_string()][..]));
    assert_eq!((found.failures.len(), found.failures[0].task.as_str(), found.rows.len()), (1, "c3_views-40", 12));
    let tv = &found.figures[1];
    assert_eq!((tv.method.as_str(), tv.metrics["psnr_db"].count, tv.metrics["rmse_hu"].mean), ("tv", 3, None));
    assert!((tv.metrics["psnr_db"].mean.unwrap() - 22.1).abs() < 1e-12);
    let paired = tv.minus_first.as_ref().unwrap()["psnr_db"];
    assert!((paired.mean.unwrap() - 1.1).abs() < 1e-12 && paired.wilcoxon_p == Some(0.25), "{paired:?}");
    assert_eq!(found.worst.first().unwrap().task, "c0_views-20");
    found.write(folder.path()).unwrap();
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let (markdown, page, lines) = (read("table.md"), read("table.html"), read("table.csv"));
    let cells: Vec<Vec<&str>> = markdown.lines().map(|line| line.split(" | ").map(str::trim).collect()).collect();
    let tv = cells.iter().find(|row| row[0] == "| views-20" && row[1] == "tv").unwrap();
    assert_eq!(tv[2..], ["3", "22.10 ± 1.10", "–", "2.00 s |"], "{markdown}");
    assert!(markdown.contains("slice 7 is <missing> \\| gone"), "{markdown}");
    assert!(page.contains("slice 7 is &lt;missing&gt;") && page.contains("href=\"cases/c0_views-20\""), "{page}");
    assert_eq!(lines.lines().count(), 13);
    assert!(lines.starts_with("task,case,views,method,algorithm,status,psnr_db,rmse_hu,seconds,"), "{lines}");
    let json: serde_json::Value = serde_json::from_str(&read("table.json")).unwrap();
    assert_eq!(json.pointer("/rows/0/name"), Some(&"fdk".into()));
}

#[test]
fn a_study_of_which_nothing_is_done_has_its_page_too() {
    let folder = tempfile::tempdir().unwrap();
    let found = Collection::of(&study(folder.path(), 2, |_| None)).unwrap();
    assert!(!found.complete() && found.missing.len() == 4 && found.figures.is_empty());
    found.write(folder.path()).unwrap();
}

#[test]
fn a_finished_task_whose_record_is_damaged_is_a_failure_that_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = study(folder.path(), 1, |label| Some(complete(label)));
    std::fs::write(ledger.published("c0_views-20").join("task.json"), "{\"id\":").unwrap();
    let found = Collection::of(&ledger).unwrap();
    assert_eq!((found.done, found.missing.len(), found.failures.len()), (1, 0, 1));
    let failure = &found.failures[0];
    assert_eq!((failure.task.as_str(), failure.exit_code), ("c0_views-20", 3));
    let said = ["task.json: not the record of a task", "cases/c0_views-20; then `recon batch submit --resume`"];
    assert!(said.iter().all(|words| failure.reason.contains(words)), "{}", failure.reason);
}
