// Runs the tasks of a study with Nextflow. First freeze the study, which starts no computation:
//   recon batch submit study.yaml --engine manifest --output runs/study
//   nextflow run pipelines/cluster/main.nf --study $PWD/runs/study --elements 24
// A task that is started again resumes; one that is finished ends at once.
params.study = null
params.elements = 1

process element {
    errorStrategy { task.exitStatus == 75 || task.attempt < 3 ? 'retry' : 'ignore' }
    maxRetries 20
    input:
    val index
    output:
    val index
    script:
    "recon task --study '${params.study}' --index ${index}"
}

process collect {
    input:
    val done
    script:
    "recon batch collect '${params.study}'"
}

workflow {
    element(Channel.of(0..<(params.elements as int)))
    collect(element.out.collect())
}
