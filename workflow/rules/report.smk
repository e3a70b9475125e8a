# Tables, figures and exported losses. Nothing here trains.

from evoloss.reporting.deliverables import FIGURES, TABLES


def runs():
    """Folders of all runs."""
    return [
        f"{RESULTS}/search/{method}/seed{seed}"
        for method in settings.search.methods
        for seed in settings.search.run_seeds
    ]


def described_runs():
    return {
        "methods": list(settings.search.methods),
        "run_seeds": settings.search.run_seeds,
        "tasks": settings.search.tasks,
        "reference_method": settings.report.reference_method,
    }


def retrained_files():
    return [
        f"{RESULTS}/retrain/{task}/{loss}/{block}.parquet"
        for task in settings.retrain.tasks
        for loss in settings.retrained()
        for block in range(len(settings.retrain.blocks()))
    ]


def described_retraining():
    champions = settings.champions() if settings.retrain.champions else {}
    return {
        "retrain_tasks": settings.retrain.tasks,
        "losses": settings.retrained(),
        "blocks": len(settings.retrain.blocks()),
        "confidence": settings.report.confidence,
        "curve_losses": settings.report.curve_losses,
        "champions": [{"loss": loss, "method": method} for loss, (method, _) in champions.items()],
    }


def described_shapes():
    formulas = settings.retrain.formulas()
    task = settings.search.tasks[0]
    return {
        "methods": list(settings.search.methods),
        "run_seeds": settings.search.run_seeds,
        "formulas": {name: formulas[name] for name in settings.report.curve_losses},
        "datasets": list(settings.datasets()),
        "classes_of": settings.tasks[task].dataset.name,
    }


# Kind of records -> the files it depends on, and what a table or figure is told about them.
RECORDS = {
    "runs": lambda: (
        [
            f"{run}/{name}"
            for run in runs()
            for name in ("ledger.parquet", "rescored.parquet", "champion.json")
        ]
        + SEARCH_TASKS,
        described_runs(),
    ),
    "retrained": lambda: (retrained_files(), described_retraining()),
    "datasets": lambda: (manifests(settings.tasks), {"datasets": list(settings.datasets())}),
    "shapes": lambda: (
        [f"{run}/champion.json" for run in runs()] + manifests(settings.tasks),
        described_shapes(),
    ),
    "parameters": lambda: ([], {"config": settings.model_dump(mode="json", exclude={"device"})}),
}


def files_for(kinds):
    """Every file that a table or figure reads."""
    return [path for kind in kinds for path in RECORDS[kind]()[0]]


def description_for(kinds):
    """What a table or figure is told, as JSON."""
    return canonical_json(
        {key: value for kind in kinds for key, value in RECORDS[kind]()[1].items()}
    )


def deliverables():
    """Everything that a complete study consists of."""
    return (
        [
            f"{RESULTS}/tables/{table}.{suffix}"
            for table in TABLES
            for suffix in ("csv", "tex", "md")
        ]
        + [
            f"{RESULTS}/figures/{figure}.{suffix}"
            for figure in FIGURES
            for suffix in ("pdf", "png")
        ]
        + [
            f"{RESULTS}/losses/{loss}.{suffix}"
            for loss in settings.champions()
            for suffix in ("py", "tex")
        ]
    )


rule tabulate:
    """Write a table as CSV, LaTeX and Markdown."""
    input:
        lambda wildcards: files_for(TABLES[wildcards.table]),
    output:
        csv=report(
            "results/{study}/tables/{table}.csv",
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "{table}"},
        ),
        tex="results/{study}/tables/{table}.tex",
        md="results/{study}/tables/{table}.md",
    log:
        "results/{study}/logs/tabulate/{table}.log",
    benchmark:
        "results/{study}/benchmarks/tabulate/{table}.tsv"
    wildcard_constraints:
        table="|".join(TABLES),
    conda:
        "../../envs/evoloss.yaml"
    params:
        code=lambda wildcards: code_of("tabulate", f"reporting.tables.{wildcards.table}"),
        description=lambda wildcards: description_for(TABLES[wildcards.table]),
    shell:
        "python -m evoloss.steps.tabulate --study {wildcards.study} --table {wildcards.table} "
        "--folder results/{wildcards.study} --description {params.description:q} "
        "--csv {output.csv:q} --tex {output.tex:q} --md {output.md:q} > {log} 2>&1"


rule plot:
    """Draw a figure as PDF and PNG."""
    input:
        lambda wildcards: files_for(FIGURES[wildcards.figure]),
    output:
        pdf="results/{study}/figures/{figure}.pdf",
        png=report(
            "results/{study}/figures/{figure}.png",
            caption="../report/figure.rst",
            category="Figures",
            labels={"figure": "{figure}"},
        ),
    log:
        "results/{study}/logs/plot/{figure}.log",
    benchmark:
        "results/{study}/benchmarks/plot/{figure}.tsv"
    wildcard_constraints:
        figure="|".join(FIGURES),
    conda:
        "../../envs/evoloss.yaml"
    params:
        code=lambda wildcards: code_of("plot", f"reporting.figures.{wildcards.figure}"),
        description=lambda wildcards: description_for(FIGURES[wildcards.figure]),
    shell:
        "python -m evoloss.steps.plot --study {wildcards.study} --figure {wildcards.figure} "
        "--folder results/{wildcards.study} --description {params.description:q} "
        "--pdf {output.pdf:q} --png {output.png:q} > {log} 2>&1"


rule export_loss:
    """Write a champion as a Python module that needs only torch."""
    input:
        champion="results/{study}/search/{method}/seed{run_seed}/champion.json",
        manifests=manifests(settings.tasks),
    output:
        python=report(
            "results/{study}/losses/{method}_seed{run_seed}.py",
            caption="../report/loss.rst",
            category="Losses",
            labels={"method": "{method}", "run seed": "{run_seed}"},
        ),
        tex="results/{study}/losses/{method}_seed{run_seed}.tex",
    log:
        "results/{study}/logs/export_loss/{method}_seed{run_seed}.log",
    benchmark:
        "results/{study}/benchmarks/export_loss/{method}_seed{run_seed}.tsv"
    conda:
        "../../envs/evoloss.yaml"
    params:
        code=code_of("export_loss"),
    shell:
        "python -m evoloss.steps.export_loss --study {wildcards.study} "
        "--champion {input.champion:q} --manifests {input.manifests:q} "
        "--python {output.python:q} --tex {output.tex:q} > {log} 2>&1"
