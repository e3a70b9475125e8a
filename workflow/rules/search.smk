# The search: an initial population, then breed, evaluate and select once a generation.


def run_seed_of(wildcards):
    """The run seed in a folder such as egp/seed0/generation3."""
    return re.search(r"/seed(\d+)", wildcards.folder)[1]


rule initialise:
    """Draw a pool's initial population for one run seed."""
    input:
        manifests=SEARCH_MANIFESTS,
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
        settings=lambda wildcards: canonical_json(settings.search.pools[wildcards.pool]),
        check=canonical_json(settings.search.functional_check),
        scale_matched=SCALE_MATCHED,
    shell:
        "python -m evoloss.steps.initialise --study {wildcards.study} --pool {wildcards.pool} "
        "--run-seed {wildcards.run_seed} --settings {params.settings:q} "
        "--functional-check {params.check:q} {params.scale_matched} "
        "--manifests {input.manifests:q} --candidates {output.candidates:q} "
        "--proposals {output.proposals:q} > {log} 2>&1"


def previous_population(wildcards):
    """The population that a generation is bred from."""
    before = int(wildcards.generation) - 1
    return (
        f"{RESULTS}/search/{wildcards.method}/seed{wildcards.run_seed}"
        f"/generation{before}/population.parquet"
    )


def pool_folder(wildcards):
    """The folder of the pool that a run starts from."""
    pool = settings.search.methods[wildcards.method].pool
    return f"{RESULTS}/search/pools/{pool}/seed{wildcards.run_seed}"


def run_folder(wildcards):
    """The folder of a run."""
    return f"{RESULTS}/search/{wildcards.method}/seed{wildcards.run_seed}"


def generation_folder(wildcards, generation):
    """Where a generation's candidates lie; generation 0 is the pool."""
    run = run_folder(wildcards)
    return f"{run}/generation{generation}" if generation else pool_folder(wildcards)


def evaluations_of(wildcards, generation):
    """The evaluation files of a generation, one a batch."""
    folder = generation_folder(wildcards, generation)
    batches = settings.batches(wildcards.method, generation)
    return [f"{folder}/evaluations/{batch}.parquet" for batch in range(batches)]


rule breed:
    """Let a method propose children, and sift them with the functional check."""
    input:
        population=previous_population,
        pool=lambda wildcards: f"{pool_folder(wildcards)}/candidates.parquet",
        manifests=SEARCH_MANIFESTS,
    output:
        candidates="results/{study}/search/{method}/seed{run_seed}/generation{generation}/candidates.parquet",
        proposals="results/{study}/search/{method}/seed{run_seed}/generation{generation}/proposals.parquet",
    log:
        "results/{study}/logs/breed/{method}_seed{run_seed}/generation{generation}.log",
    benchmark:
        "results/{study}/benchmarks/breed/{method}_seed{run_seed}/generation{generation}.tsv"
    wildcard_constraints:
        generation="[1-9][0-9]*",
    conda:
        "../../envs/evoloss.yaml"
    params:
        code=lambda wildcards: code_of("breed", f"search.{algorithm_of(wildcards)}"),
        algorithm=algorithm_of,
        settings=method_settings,
        space=lambda wildcards: canonical_json(pool_of(wildcards.method).space),
        check=canonical_json(settings.search.functional_check),
        scale_matched=SCALE_MATCHED,
        target=(
            ""
            if settings.search.target_fitness is None
            else f"--target-fitness {settings.search.target_fitness}"
        ),
        run=run_folder,
    shell:
        "python -m evoloss.steps.breed --study {wildcards.study} --method {wildcards.method} "
        "--algorithm {params.algorithm} --run-seed {wildcards.run_seed} "
        "--generation {wildcards.generation} --settings {params.settings:q} "
        "--space {params.space:q} --functional-check {params.check:q} {params.scale_matched} "
        "{params.target} --manifests {input.manifests:q} --population {input.population:q} "
        "--pool-candidates {input.pool:q} --run {params.run:q} "
        "--candidates {output.candidates:q} --proposals {output.proposals:q} > {log} 2>&1"


rule evaluate:
    """Train a network with each candidate of one batch."""
    input:
        candidates="results/{study}/search/{folder}/candidates.parquet",
        tasks=SEARCH_TASKS,
        manifests=SEARCH_MANIFESTS,
        images=ancient(SEARCH_IMAGES),
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
        code=code_of("evaluate", *networks(settings.search.tasks)),
        run_seed=run_seed_of,
        batch_size=settings.search.batch_size,
        device=settings.device,
    shell:
        "python -m evoloss.steps.evaluate --study {wildcards.study} --run-seed {params.run_seed} "
        "--candidates {input.candidates:q} --tasks {input.tasks:q} "
        "--data results/{wildcards.study}/data --batch {wildcards.batch} "
        "--batch-size {params.batch_size} --device {params.device} --output {output:q} > {log} 2>&1"


def previous_if_any(wildcards):
    """The population before, for every generation but the first."""
    return previous_population(wildcards) if int(wildcards.generation) else []


rule select:
    """Decide who survives a generation."""
    input:
        previous=previous_if_any,
        candidates=lambda wildcards: (
            f"{generation_folder(wildcards, int(wildcards.generation))}/candidates.parquet"
        ),
        evaluations=lambda wildcards: evaluations_of(wildcards, int(wildcards.generation)),
        tasks=SEARCH_TASKS,
    output:
        "results/{study}/search/{method}/seed{run_seed}/generation{generation}/population.parquet",
    log:
        "results/{study}/logs/select/{method}_seed{run_seed}/generation{generation}.log",
    benchmark:
        "results/{study}/benchmarks/select/{method}_seed{run_seed}/generation{generation}.tsv"
    conda:
        "../../envs/evoloss.yaml"
    params:
        code=lambda wildcards: code_of("select", f"search.{algorithm_of(wildcards)}"),
        algorithm=algorithm_of,
        settings=method_settings,
        previous=lambda wildcards, input: f"--previous {input.previous}" if input.previous else "",
    shell:
        "python -m evoloss.steps.select --study {wildcards.study} --method {wildcards.method} "
        "--algorithm {params.algorithm} --run-seed {wildcards.run_seed} "
        "--generation {wildcards.generation} --settings {params.settings:q} "
        "--tasks {input.tasks:q} {params.previous} --candidates {input.candidates:q} "
        "--evaluations {input.evaluations:q} --output {output:q} > {log} 2>&1"


def generations():
    """All generations, from the initial population on."""
    return range(settings.search.generations + 1)


rule summarise:
    """Write the ledger of a run: what every generation cost, and who led."""
    input:
        populations=lambda wildcards: [
            f"{run_folder(wildcards)}/generation{g}/population.parquet" for g in generations()
        ],
        plans=lambda wildcards: [
            f"{generation_folder(wildcards, g)}/{table}.parquet"
            for g in generations()
            for table in ("candidates", "proposals")
        ],
        evaluations=lambda wildcards: [
            path for g in generations() for path in evaluations_of(wildcards, g)
        ],
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
        batches=lambda wildcards: canonical_json(
            [settings.batches(wildcards.method, g) for g in generations()]
        ),
        pool=pool_folder,
        run=run_folder,
    shell:
        "python -m evoloss.steps.summarise --study {wildcards.study} --method {wildcards.method} "
        "--run-seed {wildcards.run_seed} --population {params.population} "
        "--batches {params.batches:q} --pool {params.pool:q} --run {params.run:q} "
        "--output {output:q} > {log} 2>&1"


rule rescore:
    """Train incumbents and finalists again, on fresh seeds and splits, and name the champion."""
    input:
        ledger="results/{study}/search/{method}/seed{run_seed}/ledger.parquet",
        population=lambda wildcards: (
            f"{run_folder(wildcards)}/generation{settings.search.generations}/population.parquet"
        ),
        tasks=SEARCH_TASKS,
        manifests=SEARCH_MANIFESTS,
        images=ancient(SEARCH_IMAGES),
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
        code=code_of("rescore", *networks(settings.search.tasks)),
        settings=canonical_json(settings.search.rescore),
        device=settings.device,
    shell:
        "python -m evoloss.steps.rescore --study {wildcards.study} --method {wildcards.method} "
        "--run-seed {wildcards.run_seed} --settings {params.settings:q} "
        "--tasks {input.tasks:q} --data results/{wildcards.study}/data --ledger {input.ledger:q} "
        "--population {input.population:q} --device {params.device} "
        "--output {output.rescored:q} --champion {output.champion:q} > {log} 2>&1"
