//! [`Manifest`]: files for other systems, which the user submits: a Kubernetes Indexed Job and an AWS Batch array job.
//! An element reads its number from an environment variable (`JOB_COMPLETION_INDEX`, `AWS_BATCH_JOB_ARRAY_INDEX`).

use super::script::quoted;
use super::{Array, Queue, Scheduler, Submitted};
use crate::error::{Error, Result};
use crate::progress::{self, StopSignal};
use serde_json::{Value, json};

/// Scheduler that only writes files for other systems.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Manifest;

/// Largest number of elements in an array of AWS Batch.
const MOST_AWS: usize = 10_000;

impl Scheduler for Manifest {
    fn submit(&self, array: &Array, _stop: &dyn StopSignal) -> Result<Submitted> {
        let files = files(array)?;
        for (name, text) in &files {
            let path = array.folder.join(name);
            std::fs::write(&path, text).map_err(|error| Error::write(&path, &error))?;
        }
        let said = files.iter().map(|(name, text)| format!("# {}\n{text}", array.folder.join(name).display()));
        Ok(Submitted { said: said.collect::<Vec<_>>().join("\n"), ran: false })
    }

    fn preview(&self, array: &Array) -> Result<String> {
        Ok(files(array)?.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("\n"))
    }

    fn status(&self, _array: &Array) -> Queue {
        Queue::Unknown("the jobs of a manifest are another system's".to_string())
    }

    fn cancel(&self, _array: &Array) -> Result<()> {
        Ok(())
    }
}

/// Names and texts of the files. An array that is too long for AWS Batch has no file for it.
fn files(array: &Array) -> Result<Vec<(&'static str, String)>> {
    let (mut files, count) = (vec![("kubernetes.yaml", kubernetes(array)?)], count(array));
    if count > MOST_AWS {
        let message = format!(
            "AWS Batch takes at most {MOST_AWS} elements in an array, this one has {count}: aws-batch.json is left \
             out; with `--chunk` a new study has fewer elements"
        );
        progress::warn("too_long_for_aws", &message);
    } else {
        files.push(("aws-batch.json", format!("{:#}\n", aws(array))));
    }
    Ok(files)
}

/// Number of elements to start. These systems number the elements from 0 without gaps, so all elements up to the last
/// one in the array are started; elements whose tasks are done end at once.
fn count(array: &Array) -> usize {
    array.elements.iter().max().map_or(0, |last| last + 1)
}

fn command(array: &Array) -> Vec<String> {
    let words = ["task".to_string(), "--study".to_string(), array.folder.display().to_string()];
    array.program.iter().cloned().chain(words).collect()
}

fn image(array: &Array) -> String {
    array.resources.image.clone().unwrap_or_else(|| "IMAGE".to_string())
}

/// Text of the Kubernetes job. Exit codes 2 and 3 mean that the case is invalid, so its index fails at once. A pod that
/// is lost with its node does not count as an attempt. After any other exit code, 75 included, the index is tried
/// again, up to 3 times. `podReplacementPolicy: Failed` starts no second pod of an index while the first one still
/// runs.
///
/// # Errors
/// Never for valid resources.
fn kubernetes(array: &Array) -> Result<String> {
    let resources = &array.resources;
    let mut limits = serde_json::Map::new();
    limits.extend(resources.cpus.map(|cpus| ("cpu".to_string(), json!(cpus.to_string()))));
    limits.extend(resources.memory.as_ref().map(|memory| ("memory".to_string(), json!(quantity(memory)))));
    limits.extend((resources.gpus > 0).then(|| ("nvidia.com/gpu".to_string(), json!(resources.gpus.to_string()))));
    let job = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": array.name},
        "spec": {
            "completionMode": "Indexed",
            "completions": count(array),
            "parallelism": resources.array_limit.map_or(count(array), std::num::NonZeroUsize::get),
            "backoffLimitPerIndex": 3,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": {"rules": [
                {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                {"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [2, 3]}},
            ]},
            "template": {"spec": {
                "restartPolicy": "Never",
                "containers": [{
                    "name": "recon",
                    "image": image(array),
                    "command": command(array),
                    "env": environment(array),
                    "resources": {"limits": limits},
                    "volumeMounts": [{"name": "study", "mountPath": array.folder.display().to_string()}],
                }],
                "volumes": [{"name": "study", "persistentVolumeClaim": {"claimName": "CLAIM"}}],
            }},
        },
    });
    serde_yaml::to_string(&job).map_err(|error| Error::resource("kubernetes.yaml", error))
}

/// A memory as Kubernetes writes it: `8Gi` for `8G`, and `8000Mi` for `8000`, which means megabytes to sbatch. Units of
/// sbatch are powers of 1024. Text of another form stays as it is.
fn quantity(memory: &str) -> String {
    let digits = memory.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = memory.split_at(digits);
    match unit.to_ascii_uppercase().as_str() {
        "" | "M" | "MB" => format!("{number}Mi"),
        "K" | "KB" => format!("{number}Ki"),
        "G" | "GB" => format!("{number}Gi"),
        "T" | "TB" => format!("{number}Ti"),
        _ => memory.to_string(),
    }
}

/// The environment variables for the program, as both systems write them.
fn environment(array: &Array) -> Value {
    array.environment.iter().map(|(name, value)| json!({"name": name, "value": value})).collect()
}

/// The AWS Batch job. AWS allows 2 to [`MOST_AWS`] elements in an array: a single element is a job without an array,
/// which is told its number. An element that fails is tried up to 3 times, unless its exit code (2 or 3) means that its
/// case is invalid.
fn aws(array: &Array) -> Value {
    let evaluate = |code: &str, action: &str| json!({"onExitCode": code, "action": action});
    let (mut command, count) = (command(array), count(array));
    if count < 2 {
        command.extend(["--index", "0"].map(String::from));
    }
    let mut job = json!({
        "jobName": array.name,
        "jobQueue": "QUEUE",
        "jobDefinition": "DEFINITION",
        "retryStrategy": {
            "attempts": 3,
            "evaluateOnExit": [evaluate("2", "EXIT"), evaluate("3", "EXIT"), evaluate("*", "RETRY")],
        },
        "containerOverrides": {"command": command, "environment": environment(array)},
        "tags": {"command": command.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")},
    });
    if count > 1 {
        job["arrayProperties"] = json!({"size": count});
    }
    job
}

#[cfg(test)]
mod tests {
    use super::super::Resources;
    use super::*;

    fn array(elements: Vec<usize>) -> Array {
        Array {
            environment: vec![("GOMP_SPINCOUNT".into(), "5000".into())],
            name: "recon-0123456789ab".into(),
            folder: "/study".into(),
            cancelled: "/study/cancelled".into(),
            program: vec!["recon".into()],
            elements,
            resources: Resources { memory: Some("8G".into()), gpus: 1, ..Resources::default() },
        }
    }

    #[test]
    fn every_element_has_an_index_and_bad_cases_are_not_tried_again() {
        let array = array(vec![0, 5]);
        let job: Value = serde_yaml::from_str(&kubernetes(&array).unwrap()).unwrap();
        assert_eq!(job.pointer("/spec/completions"), Some(&6.into()));
        assert_eq!(job.pointer("/spec/podFailurePolicy/rules/1/onExitCodes/values"), Some(&json!([2, 3])));
        let container = job.pointer("/spec/template/spec/containers/0").unwrap();
        assert_eq!(container["command"], json!(["recon", "task", "--study", "/study"]));
        assert_eq!(container["resources"]["limits"], json!({"memory": "8Gi", "nvidia.com/gpu": "1"}));
        assert_eq!(aws(&array).pointer("/arrayProperties/size"), Some(&6.into()));
        let variables = json!([{"name": "GOMP_SPINCOUNT", "value": "5000"}]);
        assert_eq!(container["env"], variables);
        assert_eq!(aws(&array).pointer("/containerOverrides/environment"), Some(&variables));
    }

    #[test]
    fn an_array_of_one_is_a_single_job_for_aws_and_one_too_long_is_left_out() {
        let job = aws(&array(vec![0]));
        assert_eq!(job.get("arrayProperties"), None);
        let words = json!(["recon", "task", "--study", "/study", "--index", "0"]);
        assert_eq!(job.pointer("/containerOverrides/command"), Some(&words));
        let names =
            |last: usize| files(&array(vec![last])).unwrap().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(9_999), ["kubernetes.yaml", "aws-batch.json"]);
        assert_eq!(names(10_000), ["kubernetes.yaml"]);
    }

    #[test]
    fn memory_has_the_units_of_kubernetes() {
        let quantities = ["8G", "8000", "512m", "8GB", "8Gi", "2T", "100K", "1.5G"].map(quantity);
        assert_eq!(quantities, ["8Gi", "8000Mi", "512Mi", "8Gi", "8Gi", "2Ti", "100Ki", "1.5G"]);
    }
}
