# The final retraining: every loss at its own best learning rate. Only these rules use the test images.
# `code_of` (evoloss/study/source_closure.py) digests the code of a step and of the task's network: an edit reruns the job.


rule choose_rate:
    """Find the best learning rate of one loss."""
    input:
        task="results/{study}/tasks/{task}.json",
        champion=plan.champion,
        manifest=lambda wildcards: plan.manifests([wildcards.task]),
        images=lambda wildcards: ancient(plan.images([wildcards.task], "train", "validation")),
    output:
        "results/{study}/retrain/{task}/{loss}/learning_rate.parquet",
    log:
        "results/{study}/logs/choose_rate/{task}/{loss}.log",
    benchmark:
        "results/{study}/benchmarks/choose_rate/{task}/{loss}.tsv"
    conda:
        "../../envs/evoloss.yaml"
    resources:
        gpu=GPU,
    params:
        code=lambda wildcards: code_of(
            "choose_rate", *plan.networks([wildcards.task]), *plan.loss_code(wildcards)
        ),
        loss=plan.loss_flag,
        device=settings.device,
    shell:
        "python -m evoloss.steps.choose_rate --study {wildcards.study} --code {params.code} --loss {wildcards.loss} "
        "{params.loss:q} --task {input.task:q} --data results/{wildcards.study}/data "
        "--device {params.device} --output {output:q} > {log} 2>&1"


rule retrain:
    """Train with one loss on a block of seeds, and test the networks."""
    input:
        task="results/{study}/tasks/{task}.json",
        champion=plan.champion,
        learning_rate="results/{study}/retrain/{task}/{loss}/learning_rate.parquet",
        manifest=lambda wildcards: plan.manifests([wildcards.task]),
        images=lambda wildcards: ancient(
            plan.images([wildcards.task], "train", "validation", "test")
        ),
    output:
        "results/{study}/retrain/{task}/{loss}/{block}.parquet",
    log:
        "results/{study}/logs/retrain/{task}/{loss}/{block}.log",
    benchmark:
        "results/{study}/benchmarks/retrain/{task}/{loss}/{block}.tsv"
    conda:
        "../../envs/evoloss.yaml"
    resources:
        gpu=GPU,
    params:
        code=lambda wildcards: code_of(
            "retrain", *plan.networks([wildcards.task]), *plan.loss_code(wildcards)
        ),
        loss=plan.loss_flag,
        training_seeds=plan.block,
        device=settings.device,
    shell:
        "python -m evoloss.steps.retrain --study {wildcards.study} --code {params.code} --loss {wildcards.loss} "
        "{params.loss:q} --task {input.task:q} --learning-rate {input.learning_rate:q} "
        "--training-seeds {params.training_seeds} --data results/{wildcards.study}/data "
        "--device {params.device} --output {output:q} > {log} 2>&1"
