# Tables, figures and exported losses. Nothing here trains.

import shutil

from evoloss.reporting.deliverables import FIGURES, TABLES, category_of


rule tabulate:
    """Write a table as CSV, LaTeX and Markdown."""
    input:
        lambda wildcards: plan.records_of(TABLES[wildcards.table]),
    output:
        csv=report(
            "results/{study}/tables/{table}.csv",
            caption="../report/table.rst",
            category=lambda wildcards: category_of(wildcards.table),
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
        caption=lambda wildcards: plan.caption_of("table", wildcards.table),
    shell:
        "python -m evoloss.steps.tabulate --study {wildcards.study} --code {params.code} --table {wildcards.table} "
        "--folder results/{wildcards.study} --description {params.description:q} "
        "--caption {params.caption:q} --csv {output.csv:q} --tex {output.tex:q} --md {output.md:q} > {log} 2>&1"


rule plot:
    """Draw a figure as PDF and PNG."""
    input:
        lambda wildcards: plan.records_of(FIGURES[wildcards.figure]),
    output:
        pdf="results/{study}/figures/{figure}.pdf",
        png=report(
            "results/{study}/figures/{figure}.png",
            caption="../report/figure.rst",
            category=lambda wildcards: category_of(wildcards.figure),
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
        "python -m evoloss.steps.plot --study {wildcards.study} --code {params.code} --figure {wildcards.figure} "
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
        "python -m evoloss.steps.export_loss --study {wildcards.study} --code {params.code} "
        "--champion {input.champion:q} {params.scale_matched} --manifests {input.manifests:q} "
        "--python {output.python:q} --tex {output.tex:q} > {log} 2>&1"


rule chapter:
    """Write the study as a LaTeX chapter, with every number of its text as a macro."""
    input:
        tables=[*plan.table_files("csv"), *plan.table_files("tex")],
    output:
        chapter="results/{study}/chapter/chapter4.tex",
        macros="results/{study}/chapter/macros.tex",
        document="results/{study}/chapter/standalone.tex",
        verdict="results/{study}/chapter/verdict.txt",
    log:
        "results/{study}/logs/chapter.log",
    benchmark:
        "results/{study}/benchmarks/chapter.tsv"
    conda:
        "../../envs/evoloss.yaml"
    params:
        code=code_of("chapter"),
        description=plan.chapter_description(),
    shell:
        "python -m evoloss.steps.chapter --study {wildcards.study} --code {params.code} "
        "--folder results/{wildcards.study} --description {params.description:q} "
        "--chapter {output.chapter:q} --macros {output.macros:q} "
        "--document {output.document:q} --verdict {output.verdict:q} > {log} 2>&1"


rule compile_chapter:
    """Compile the chapter, or write that pdflatex is not installed."""
    input:
        chapter=rules.chapter.output.chapter,
        macros=rules.chapter.output.macros,
        document=rules.chapter.output.document,
        tables=plan.table_files("tex"),
        figures=plan.figure_files("pdf"),
    output:
        "results/{study}/chapter/compiled.txt",
    log:
        "results/{study}/logs/compile_chapter.log",
    benchmark:
        "results/{study}/benchmarks/compile_chapter.tsv"
    conda:
        "../../envs/evoloss.yaml"
    params:
        code=code_of("compile_chapter"),
        pdflatex=shutil.which("pdflatex") or "",
    shell:
        "python -m evoloss.steps.compile_chapter --study {wildcards.study} --code {params.code} "
        "--document {input.document:q} --pdflatex {params.pdflatex:q} "
        "--output {output:q} > {log} 2>&1"
