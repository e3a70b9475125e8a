# Tables, figures and exported losses. Nothing here trains.

from evoloss.reporting.deliverables import FIGURES, TABLES


rule tabulate:
    """Write a table as CSV, LaTeX and Markdown."""
    input:
        lambda wildcards: plan.records_of(TABLES[wildcards.table]),
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
        description=lambda wildcards: plan.description_of(TABLES[wildcards.table]),
    shell:
        "python -m evoloss.steps.tabulate --study {wildcards.study} --table {wildcards.table} "
        "--folder results/{wildcards.study} --description {params.description:q} "
        "--csv {output.csv:q} --tex {output.tex:q} --md {output.md:q} > {log} 2>&1"


rule plot:
    """Draw a figure as PDF and PNG."""
    input:
        lambda wildcards: plan.records_of(FIGURES[wildcards.figure]),
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
        code=lambda wildcards: code_of(
            "plot",
            f"reporting.figures.{wildcards.figure}",
            *plan.code_of_records(FIGURES[wildcards.figure]),
        ),
        description=lambda wildcards: plan.description_of(FIGURES[wildcards.figure]),
    shell:
        "python -m evoloss.steps.plot --study {wildcards.study} --figure {wildcards.figure} "
        "--folder results/{wildcards.study} --description {params.description:q} "
        "--pdf {output.pdf:q} --png {output.png:q} > {log} 2>&1"


rule export_loss:
    """Write a champion as a Python module that needs only torch."""
    input:
        champion="results/{study}/search/{method}/seed{run_seed}/champion.json",
        manifests=plan.manifests(settings.used_tasks()),
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
        scale_matched=plan.tasks_matched,
    shell:
        "python -m evoloss.steps.export_loss --study {wildcards.study} "
        "--champion {input.champion:q} {params.scale_matched} --manifests {input.manifests:q} "
        "--python {output.python:q} --tex {output.tex:q} > {log} 2>&1"
