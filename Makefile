# make            set everything up, run the study, write the report
# make report     the report as an archive, report.zip
# make test       format, lint and all tests
# make CONFIG=config/smoke.yaml    another configuration, merged over the default
# make estimate CONFIG=...         what that would cost on this machine

PYTHON ?= python3
CONFIG ?=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OVERLAY := $(if $(CONFIG),--configfile $(CONFIG))
STUDY = $(shell $(BIN)/python -m evoloss.settings --study config/config.yaml $(CONFIG))
REPORT = results/$(STUDY)/report.html

.DEFAULT_GOAL := run
.PHONY: run report estimate setup test format lint unit workflow-tests schema lock clean

run: setup
	$(BIN)/snakemake --cores all --resources gpu=1 $(OVERLAY)
	@test $(REPORT) -nt results/$(STUDY)/tables/accuracy.csv \
		&& test -z "$$(find results/$(STUDY)/tables results/$(STUDY)/figures results/$(STUDY)/losses -newer $(REPORT))" \
		|| $(BIN)/snakemake --report $(REPORT) $(OVERLAY)
	@cat results/$(STUDY)/chapter/verdict.txt
	@echo "Tables, figures, losses, chapter/ and report.html lie in results/$(STUDY)/"

# Everything with captions in one archive that needs no network.
report: run
	$(BIN)/snakemake --report results/$(STUDY)/report.zip $(OVERLAY)
	@echo "results/$(STUDY)/report.zip holds it; unpack it and open report.html"

estimate: setup
	$(BIN)/python -m evoloss.estimate $(OVERLAY)

setup: $(READY)

$(READY): envs/requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "evoloss needs Python 3.11 or newer; name one: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r envs/requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Two workers: the longest workflow test runs on one core, beside everything else.
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
	$(BIN)/python -m evoloss.settings > workflow/schemas/config.schema.json

# New pins from the ranges, in a throw-away environment.
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
