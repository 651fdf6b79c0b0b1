//! [`Manifest`]: files for other systems, which the user submits: a Kubernetes Indexed Job and an AWS Batch array job.
//! An element reads its number from an environment variable (`JOB_COMPLETION_INDEX`, `AWS_BATCH_JOB_ARRAY_INDEX`).

use super::script::quoted;
use super::{Array, Queue, Scheduler, Submitted};
use crate::error::{Error, Result};
use crate::progress::StopSignal;
use serde_json::{Value, json};

/// Scheduler that only writes files for other systems.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Manifest;

impl Scheduler for Manifest {
    fn submit(&self, array: &Array, _stop: &dyn StopSignal) -> Result<Submitted> {
        let files = [("kubernetes.yaml", kubernetes(array)?), ("aws-batch.json", format!("{:#}\n", aws(array)))];
        for (name, text) in &files {
            let path = array.folder.join(name);
            std::fs::write(&path, text).map_err(|error| Error::write(&path, &error))?;
        }
        let said = files.map(|(name, text)| format!("# {}\n{text}", array.folder.join(name).display()));
        Ok(Submitted { said: said.join("\n"), ran: false })
    }

    fn preview(&self, array: &Array) -> Result<String> {
        Ok(format!("{}\n{:#}", kubernetes(array)?, aws(array)))
    }

    fn status(&self, _array: &Array) -> Queue {
        Queue::Unknown("the jobs of a manifest are another system's".to_string())
    }

    fn cancel(&self, _array: &Array) -> Result<()> {
        Ok(())
    }
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
    limits.extend(resources.memory.as_ref().map(|memory| ("memory".to_string(), json!(format!("{memory}i")))));
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
                    "resources": {"limits": limits},
                    "volumeMounts": [{"name": "study", "mountPath": array.folder.display().to_string()}],
                }],
                "volumes": [{"name": "study", "persistentVolumeClaim": {"claimName": "CLAIM"}}],
            }},
        },
    });
    serde_yaml::to_string(&job).map_err(|error| Error::resource("kubernetes.yaml", error))
}

/// The AWS Batch job. AWS allows 2 to 10,000 elements in an array. An element that fails is tried up to 3 times, unless
/// its exit code (2 or 3) means that its case is invalid.
fn aws(array: &Array) -> Value {
    let evaluate = |code: &str, action: &str| json!({"onExitCode": code, "action": action});
    json!({
        "jobName": array.name,
        "jobQueue": "QUEUE",
        "jobDefinition": "DEFINITION",
        "arrayProperties": {"size": count(array).max(2)},
        "retryStrategy": {
            "attempts": 3,
            "evaluateOnExit": [evaluate("2", "EXIT"), evaluate("3", "EXIT"), evaluate("*", "RETRY")],
        },
        "containerOverrides": {"command": command(array)},
        "tags": {"command": command(array).iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")},
    })
}

#[cfg(test)]
mod tests {
    use super::super::Resources;
    use super::*;

    #[test]
    fn every_element_has_an_index_and_bad_cases_are_not_tried_again() {
        let array = Array {
            environment: Vec::new(),
            name: "recon-0123456789ab".into(),
            folder: "/study".into(),
            program: vec!["recon".into()],
            elements: vec![0, 5],
            resources: Resources { memory: Some("8G".into()), gpus: 1, ..Resources::default() },
        };
        let job: Value = serde_yaml::from_str(&kubernetes(&array).unwrap()).unwrap();
        assert_eq!(job.pointer("/spec/completions"), Some(&6.into()));
        assert_eq!(job.pointer("/spec/podFailurePolicy/rules/1/onExitCodes/values"), Some(&json!([2, 3])));
        let container = job.pointer("/spec/template/spec/containers/0").unwrap();
        assert_eq!(container["command"], json!(["recon", "task", "--study", "/study"]));
        assert_eq!(container["resources"]["limits"], json!({"memory": "8Gi", "nvidia.com/gpu": "1"}));
        assert_eq!(aws(&array).pointer("/arrayProperties/size"), Some(&6.into()));
    }
}
