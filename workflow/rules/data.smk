# Images to Parquet, and tasks tuned with cross entropy.


rule prepare_dataset:
    """Read, split and store a data set's images."""
    output:
        train="results/{study}/data/{dataset}/train.parquet",
        validation="results/{study}/data/{dataset}/validation.parquet",
        test="results/{study}/data/{dataset}/test.parquet",
        manifest="results/{study}/data/{dataset}/manifest.json",
    log:
        "results/{study}/logs/prepare_dataset/{dataset}.log",
    benchmark:
        "results/{study}/benchmarks/prepare_dataset/{dataset}.tsv"
    conda:
        "../../envs/evoloss.yaml"
    threads: 2
    params:
        code=code_of("prepare_dataset"),
        settings=plan.dataset_settings,
        source_state=lambda wildcards: plan.source_states[wildcards.dataset],
        folder=lambda wildcards, output: str(Path(output.manifest).parent),
        # Snakemake ignores changes of a param that depends on the output. Where the files lie is not
        # part of the experiment; what they are is in source_state.
        place=lambda wildcards, output: str(settings.datasets()[wildcards.dataset].place()),
    shell:
        "python -m evoloss.steps.prepare_dataset --study {wildcards.study} --code {params.code} "
        "--settings {params.settings:q} --place={params.place:q} "
        "--source-state {params.source_state:q} --readers {threads} --folder {params.folder:q} 3>&2 > {log} 2>&1"


rule tune:
    """Find the best learning rate of cross entropy on a task."""
    input:
        manifest=lambda wildcards: plan.manifests([wildcards.task]),
        images=lambda wildcards: ancient(plan.images([wildcards.task], "train", "validation")),
    output:
        task="results/{study}/tasks/{task}.json",
        sweep="results/{study}/tasks/{task}.learning_rate.parquet",
    log:
        "results/{study}/logs/tune/{task}.log",
    benchmark:
        "results/{study}/benchmarks/tune/{task}.tsv"
    conda:
        "../../envs/evoloss.yaml"
    resources:
        gpu=GPU,
    params:
        code=lambda wildcards: code_of("tune", *plan.networks([wildcards.task])),
        settings=plan.task_settings,
        labels=plan.label_file,
        held_out_curve=plan.held_out_curve,
        device=settings.device,
    shell:
        "python -m evoloss.steps.tune --study {wildcards.study} --code {params.code} --task {wildcards.task} "
        "--settings {params.settings:q} {params.labels} {params.held_out_curve} "
        "--data results/{wildcards.study}/data "
        "--device {params.device} --sweep {output.sweep:q} --output {output.task:q} > {log} 2>&1"
