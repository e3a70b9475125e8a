# The search: an initial population, then breed, evaluate and select once a generation.


rule initialise:
    """Draw a pool's initial population for one run seed."""
    input:
        manifests=plan.search_manifests,
    output:
        candidates="results/{study}/search/pools/{pool}/seed{run_seed}/candidates.parquet",
        proposals="results/{study}/search/pools/{pool}/seed{run_seed}/proposals.parquet",
    log:
        "results/{study}/logs/initialise/{pool}_seed{run_seed}.log",
    benchmark:
        "results/{study}/benchmarks/initialise/{pool}_seed{run_seed}.tsv"
    conda:
        "../../envs/evoloss.yaml"
    params:
        code=code_of("initialise"),
        settings=plan.pool_settings,
        check=canonical_json(settings.search.functional_check),
        scale_matched=plan.scale_matched,
    shell:
        "python -m evoloss.steps.initialise --study {wildcards.study} --code {params.code} --pool {wildcards.pool} "
        "--run-seed {wildcards.run_seed} --settings {params.settings:q} "
        "--functional-check {params.check:q} {params.scale_matched} "
        "--manifests {input.manifests:q} --candidates {output.candidates:q} "
        "--proposals {output.proposals:q} > {log} 2>&1"


rule breed:
    """Let a method propose children, and filter them with the functional check."""
    input:
        population=plan.previous_population,
        manifests=plan.search_manifests,
    output:
        candidates="results/{study}/search/{method}/seed{run_seed}/generation{generation}/candidates.parquet",
        proposals="results/{study}/search/{method}/seed{run_seed}/generation{generation}/proposals.parquet",
    log:
        "results/{study}/logs/breed/{method}_seed{run_seed}/generation{generation}.log",
    benchmark:
        "results/{study}/benchmarks/breed/{method}_seed{run_seed}/generation{generation}.tsv"
    conda:
        "../../envs/evoloss.yaml"
    params:
        code=lambda wildcards: code_of("breed", f"search.{plan.algorithm(wildcards)}"),
        flags=plan.breed_flags,
    shell:
        "python -m evoloss.steps.breed --code {params.code} {params.flags} --manifests {input.manifests:q} "
        "--candidates {output.candidates:q} --proposals {output.proposals:q} > {log} 2>&1"


rule evaluate:
    """Train a network with each candidate of one batch."""
    input:
        candidates=plan.to_evaluate,
        tasks=plan.search_tasks,
        manifests=plan.search_manifests,
    output:
        "results/{study}/search/{folder}/evaluations/{batch}.parquet",
    log:
        "results/{study}/logs/evaluate/{folder}/{batch}.log",
    benchmark:
        "results/{study}/benchmarks/evaluate/{folder}/{batch}.tsv"
    conda:
        "../../envs/evoloss.yaml"
    resources:
        gpu=GPU,
    params:
        code=code_of("evaluate", *plan.search_networks),
        flags=plan.evaluate_flags,
        # Snakemake ignores changes of a param that depends on the output. How many candidates train at
        # once depends on the machine and changes no record.
        side_by_side=lambda wildcards, output: plan.side_by_side,
    shell:
        "python -m evoloss.steps.evaluate --code {params.code} {params.flags} {params.side_by_side} "
        "--candidates {input.candidates:q} --tasks {input.tasks:q} --output {output:q} > {log} 2>&1"


rule select:
    """Select the individuals that survive a generation."""
    input:
        previous=plan.previous_population,
        candidates=plan.candidates,
        evaluations=plan.evaluations,
        tasks=plan.search_tasks,
    output:
        population="results/{study}/search/{method}/seed{run_seed}/generation{generation}/population.parquet",
        scores="results/{study}/search/{method}/seed{run_seed}/generation{generation}/scores.parquet",
    log:
        "results/{study}/logs/select/{method}_seed{run_seed}/generation{generation}.log",
    benchmark:
        "results/{study}/benchmarks/select/{method}_seed{run_seed}/generation{generation}.tsv"
    conda:
        "../../envs/evoloss.yaml"
    params:
        code=lambda wildcards: code_of("select", f"search.{plan.algorithm(wildcards)}"),
        flags=plan.select_flags,
    shell:
        "python -m evoloss.steps.select --code {params.code} {params.flags} --tasks {input.tasks:q} "
        "--candidates {input.candidates:q} --scores {output.scores:q} --output {output.population:q} "
        "> {log} 2>&1"


rule summarise:
    """Write the ledger of a run: the cost and the best individual of every generation."""
    input:
        plan.populations,
    output:
        "results/{study}/search/{method}/seed{run_seed}/ledger.parquet",
    log:
        "results/{study}/logs/summarise/{method}_seed{run_seed}.log",
    benchmark:
        "results/{study}/benchmarks/summarise/{method}_seed{run_seed}.tsv"
    conda:
        "../../envs/evoloss.yaml"
    params:
        code=code_of("summarise"),
        population=lambda wildcards: settings.search.methods[wildcards.method].population,
        batches=plan.batches,
        pool=plan.pool_flag,
        alone=plan.trains_alone,
        run=plan.run_folder,
    shell:
        "python -m evoloss.steps.summarise --study {wildcards.study} --code {params.code} --method {wildcards.method} "
        "--run-seed {wildcards.run_seed} --population {params.population} "
        "--batches {params.batches:q} {params.pool} {params.alone} --run {params.run:q} "
        "--output {output:q} > {log} 2>&1"


rule rescore:
    """Train incumbents and finalists again, on fresh seeds and splits, and name the champion."""
    input:
        ledger="results/{study}/search/{method}/seed{run_seed}/ledger.parquet",
        population=plan.last_population,
        tasks=plan.search_tasks,
        manifests=plan.search_manifests,
    output:
        rescored="results/{study}/search/{method}/seed{run_seed}/rescored.parquet",
        champion="results/{study}/search/{method}/seed{run_seed}/champion.json",
    log:
        "results/{study}/logs/rescore/{method}_seed{run_seed}.log",
    benchmark:
        "results/{study}/benchmarks/rescore/{method}_seed{run_seed}.tsv"
    conda:
        "../../envs/evoloss.yaml"
    resources:
        gpu=GPU,
    params:
        code=code_of("rescore", *plan.search_networks),
        settings=canonical_json(settings.search.rescore),
        scale=plan.run_scale,
        device=settings.device,
        side_by_side=lambda wildcards, output: plan.side_by_side,
    shell:
        "python -m evoloss.steps.rescore --study {wildcards.study} --code {params.code} --method {wildcards.method} "
        "--run-seed {wildcards.run_seed} --settings {params.settings:q} {params.scale} "
        "--tasks {input.tasks:q} --data results/{wildcards.study}/data --ledger {input.ledger:q} "
        "--population {input.population:q} --device {params.device} {params.side_by_side} "
        "--output {output.rescored:q} --champion {output.champion:q} > {log} 2>&1"


rule audit:
    """Train some rejected or stopped candidates of a run in full, outside its budget."""
    input:
        populations=plan.populations,
        tasks=plan.search_tasks,
        manifests=plan.search_manifests,
    output:
        "results/{study}/search/{method}/seed{run_seed}/audit.parquet",
    log:
        "results/{study}/logs/audit/{method}_seed{run_seed}.log",
    benchmark:
        "results/{study}/benchmarks/audit/{method}_seed{run_seed}.tsv"
    conda:
        "../../envs/evoloss.yaml"
    resources:
        gpu=GPU,
    params:
        code=code_of("audit", *plan.search_networks),
        trainings=settings.search.audit_trainings,
        population=lambda wildcards: settings.search.methods[wildcards.method].population,
        batches=plan.batches,
        pool=plan.pool_flag,
        alone=plan.trains_alone,
        scale=plan.run_scale,
        rates=plan.rates,
        run=plan.run_folder,
        device=settings.device,
        side_by_side=lambda wildcards, output: plan.side_by_side,
    shell:
        "python -m evoloss.steps.audit --study {wildcards.study} --code {params.code} --method {wildcards.method} "
        "--run-seed {wildcards.run_seed} --trainings {params.trainings} --run {params.run:q} "
        "{params.pool} --population {params.population} --batches {params.batches:q} "
        "{params.alone} {params.scale} {params.rates} --tasks {input.tasks:q} "
        "--data results/{wildcards.study}/data --device {params.device} {params.side_by_side} "
        "--output {output:q} > {log} 2>&1"
