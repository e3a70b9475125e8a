# make                             set everything up, run the study, write the report
# make report                      the report as an archive, report.zip
# make test                        format, lint and all tests
# make CONFIG=config/smoke.yaml    another configuration, merged over the default
# make estimate CONFIG=...         what a study costs on this machine
# make reproduce STUDY=digits      can a finished study be reproduced?
# make archive STUDY=digits        a study in one file, with checksums
# make verify ARCHIVE=file         is an archive as it was packed? (unpack ARCHIVE=file unpacks it)
# make redraw STUDY=digits         tables and figures anew, from the records alone
# make test-cluster                a study through Slurm
# make clean                       remove the environment and Snakemake's memory; results stay

PYTHON ?= python3
CONFIG ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OVERLAY := $(if $(CONFIG),--configfile $(CONFIG))
STUDY ?= $(shell $(BIN)/python -m evoloss.study.configuration --study config/config.yaml $(CONFIG))
REPORT = results/$(STUDY)/report.html

REPORTING = tabulate plot export_loss chapter compile_chapter

.DEFAULT_GOAL := run
.PHONY: help run report reproduce archive verify unpack redraw test-cluster estimate setup test format lint unit workflow-tests schema lock clean

run: setup
	$(BIN)/snakemake --cores all --resources gpu=1 $(OVERLAY)
	@test $(REPORT) -nt results/$(STUDY)/tables/accuracy.csv \
		&& test -z "$$(find results/$(STUDY)/tables results/$(STUDY)/figures results/$(STUDY)/losses -newer $(REPORT))" \
		|| $(BIN)/snakemake --report $(REPORT) $(OVERLAY)
	@cat results/$(STUDY)/chapter/verdict.txt
	@echo "Tables, figures, losses, chapter/ and report.html lie in results/$(STUDY)/"

# All tables and figures with captions, in one archive that needs no network.
report: run
	$(BIN)/snakemake --report results/$(STUDY)/report.zip $(OVERLAY)
	@echo "results/$(STUDY)/report.zip holds it; unpack it and open report.html"

# Check a finished study: all its records, and two of its jobs, which run again.
reproduce: setup
	$(BIN)/python -m evoloss.study.reproduce $(STUDY) $(if $(SEED),--seed $(SEED))

# A study in one file with checksums; `verify` and `unpack` take ARCHIVE=file.
archive: setup
	$(BIN)/python -m evoloss.study.archive pack $(STUDY)

verify unpack: setup
	$(BIN)/python -m evoloss.study.archive $@ $(ARCHIVE)

# Tables, figures and losses of a study anew, from its records alone: nothing is trained.
redraw: setup
	$(BIN)/snakemake --cores all --configfile results/$(STUDY)/configuration.yaml --allowed-rules $(REPORTING) --forcerun $(REPORTING)

# The smoke study through a Slurm of two nodes on this machine; as root, with Debian's slurm-wlm and munge.
# The plugin stays out of the environment, where it would slow every start of Snakemake.
test-cluster: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target .slurm-plugin \
		snakemake-executor-plugin-slurm==2.8.0 snakemake-executor-plugin-slurm-jobstep==0.6.1 throttler==1.2.3
	EVOLOSS_SLURM_PLUGIN=$(CURDIR)/.slurm-plugin $(BIN)/python tests/cluster/run.py

estimate: setup
	$(BIN)/python -m evoloss.study.estimate $(OVERLAY)

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

setup: $(READY)

$(READY): envs/requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "evoloss needs Python 3.11 or newer; name one: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r envs/requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Two workers: the longest workflow test runs on one core while all others run on the second.
test: setup format lint
	$(BIN)/python -m pytest -n 2 --dist worksteal tests/workflow/test_resumption.py tests

format: setup
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile workflow/rules

lint: setup
	$(BIN)/ruff check .
	$(BIN)/snakemake --lint

unit: setup
	$(BIN)/python -m pytest tests/unit

workflow-tests: setup
	$(BIN)/python -m pytest tests/workflow

# The JSON schema for editors, from the typed settings.
schema: setup
	$(BIN)/python -m evoloss.study.configuration > .schema.tmp
	mv .schema.tmp workflow/schemas/config.schema.json

# Pin new versions within the ranges, in a temporary environment.
lock:
	rm -rf .venv-lock
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet torch==2.13.0 torchvision==0.28.0 setuptools \
		-r envs/requirements.txt -r envs/requirements-dev.txt
	.venv-lock/bin/python -m pip freeze --all | sed 's/+cpu$$//; /^pip==/d; /^nvidia-/d; /^triton==/d' \
		> envs/requirements.lock
	rm -rf .venv-lock

clean:
	rm -rf $(VENV) .snakemake
