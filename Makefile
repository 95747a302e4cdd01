# Every command works from a fresh clone: each target first makes what it needs.
.DEFAULT_GOAL := help
SHELL := /bin/sh
# Nothing of the caller's environment may trace, redirect or replace what happens here.
unexport RBTRACE_ENABLED RBTRACE_DIR RBTRACE_DETAIL RBTRACE_SAMPLER RBTRACE_SAMPLE_INTERVAL_MS
unexport RBTRACE_ARM RBTRACE_PAIR RBTRACE_ORDER RBTRACE_PARAMS RBTRACE_RUN_ID
unexport OTEL_SDK_DISABLED OTEL_TRACES_EXPORTER OTEL_METRICS_EXPORTER OTEL_EXPORTER_OTLP_ENDPOINT
unexport OTEL_EXPORTER_OTLP_TRACES_ENDPOINT OTEL_EXPORTER_OTLP_METRICS_ENDPOINT
unexport PYTHONPATH PYTHONHOME
# rustybt's optimizers import matplotlib, which keeps a font cache in the home directory.
export MPLCONFIGDIR := $(CURDIR)/build/matplotlib

PYTHON := .venv/bin/python
RBTRACE := .venv/bin/rbtrace
STAGE := @.ci/stage
DEMO := rbtrace-demo
PAIRS ?= 10
TIMES ?= 1
# Recording, analysis and programs are tested on another Python, too.
export OTHER_PYTHON ?= 3.13
FUZZ_RUNS ?= 100000
SPANS ?= 1000000
SIZES ?= 100000 1000000
SECONDS ?= 60
STUDIES ?= build/studies
HARMLESS ?= docs/results/harmless.md
# A process for each core; whichever has nothing left to do takes tests from the others, since some
# tests take a minute and most take none.
PYTEST := $(PYTHON) -m pytest --numprocesses=logical --dist=worksteal
# Named after what the environment is made from, so that a change of it installs again.
MADE_FROM := pyproject.toml rbtrace/version.py rbtrace/recording/engines/rbtrace.pth \
	rbtrace/recording/engines/rbtrace.start rbtrace/recording/engines/entry.py \
	$(wildcard rbtrace/_system.c rbtrace/recording/hot/_fasthot*.[ch]) \
	$(wildcard rbtrace/analysis/readers/_spanscan*.[ch]) hatch_build.py .ci/set-up \
	$(wildcard .ci/tested-*.txt)
STAMP := .venv/made-from-$(shell cat $(MADE_FROM) | cksum | cut -d ' ' -f 1)

.PHONY: help
help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F '|' '{printf "make %-16s %s\n", $$1, $$2}'

.PHONY: demo
demo: $(STAMP) ## Trace real backtests and searches, print the report, save it in rbtrace-demo/
	@rm -rf $(DEMO)
	$(STAGE) demo env RBTRACE_ENABLED=1 RBTRACE_DIR=$(DEMO)/traces \
		$(PYTHON) -m rbtrace.studies.demo --output $(DEMO)
	@for format in markdown:md html:html json:json; do \
		$(RBTRACE) analyze $(DEMO)/traces \
			--format "$${format%:*}" -o "$(DEMO)/report.$${format#*:}" || exit; \
	done
	@$(RBTRACE) analyze $(DEMO)/traces --format terminal
	@echo "The report is also in $(DEMO)/report.md, .html and .json; the traces are in $(DEMO)/traces"

.PHONY: test
test: lint ## Run every check, and of every kind of test those that take no long time
	$(STAGE) tests $(PYTEST) --basetemp=build/pytest -m 'not slow and not collector' --durations=10

.PHONY: test-all
test-all: lint ## Run every check and every test, with coverage, programs and the stack included
	$(STAGE) "all tests" $(PYTEST) --basetemp=build/pytest --ignore=tests/stack \
		--ignore=tests/harmless -m 'not collector' --cov --cov-report=term --durations=10
	$(MAKE) test-harmless test-stack

.PHONY: test-durability
test-durability: $(STAMP) ## Lose nothing: every worker, crash, fork and outage, as a table (TIMES=20)
	@collector/build otelcol || echo "The cases that need a collector are left out"
	$(STAGE) durability $(PYTHON) -m pytest tests/durability --basetemp=build/pytest \
		--times $(TIMES) --durability-report docs/results/durability.md

.PHONY: test-harmless
test-harmless: $(STAMP) ## Change nothing: programs in awkward corners, untraced and traced, as a table (TIMES=10)
	$(STAGE) harmless $(PYTHON) -m pytest tests/harmless --basetemp=build/pytest-harmless \
		--times $(TIMES) --harmless-report $(HARMLESS)

.PHONY: lint
lint: $(STAMP) ## Check style, types and the layers of the imports
	$(STAGE) "ruff check" $(PYTHON) -m ruff check
	$(STAGE) "ruff format" $(PYTHON) -m ruff format --check
	$(STAGE) mypy $(PYTHON) -m mypy
	$(STAGE) import-linter .venv/bin/lint-imports

.PHONY: format
format: $(STAMP) ## Rewrite the sources in the project's style
	$(PYTHON) -m ruff check --fix
	$(PYTHON) -m ruff format

.PHONY: bench-overhead
bench-overhead: $(STAMP) ## Measure what tracing costs on a real backtest (PAIRS=10)
	$(STAGE) overhead $(PYTHON) -m tests.benchmarks.overhead --pairs $(PAIRS) \
		--report docs/results/overhead.md
	@cat docs/results/overhead.md

.PHONY: bench-sampling
bench-sampling: $(STAMP) ## Measure how true samplers are, and what they cost (SECONDS=60 PAIRS=10)
	$(STAGE) sampling $(PYTHON) -m tests.benchmarks.sampling --pairs $(PAIRS) \
		--seconds $(SECONDS) --report docs/results/sampling.md

.PHONY: flamegraph-pictures
flamegraph-pictures: $(STAMP) ## Take pictures of the flame graphs of a real search (needs Chromium)
	$(STAGE) pictures $(PYTHON) docs/flamegraph_pictures.py

.PHONY: collector
collector: ## Build the collector from pinned sources; the last line is the binary's path
	$(STAGE) collector collector/build otelcol
	@collector/build otelcol

.PHONY: jaeger
jaeger: ## Build Jaeger from pinned sources; the last line is the binary's path
	$(STAGE) jaeger collector/build jaeger
	@collector/build jaeger

.PHONY: stack
stack: collector jaeger ## Run the collector and Jaeger until Ctrl-C, without Docker
	@exec "$$(.ci/find-python)" collector/stack.py \
		"$$(collector/build otelcol)" "$$(collector/build jaeger)"

.PHONY: test-stack
test-stack: $(STAMP) collector jaeger ## Test with the real collector and the real Jaeger
	$(STAGE) compose collector/build compose
	$(STAGE) prometheus collector/build prometheus
	$(STAGE) "stack tests" $(PYTHON) -m pytest --basetemp=build/pytest-stack tests/stack
	$(STAGE) "collector tests" $(PYTHON) -m pytest --basetemp=build/pytest-stack \
		tests/durability tests/profiling -m collector

.PHONY: bench-stack
bench-stack: $(STAMP) collector jaeger ## Measure what the collector takes; see docs/production.md (SPANS=1000000)
	$(STAGE) "stack load" $(PYTHON) -m collector.bench "$$(collector/build otelcol)" \
		"$$(collector/build jaeger)" --spans $(SPANS) --write

.PHONY: pictures
pictures: $(STAMP) collector jaeger ## Take the pictures of Jaeger in docs/images (needs Node and Chromium)
	$(STAGE) "Jaeger's pages" collector/build-ui
	$(STAGE) pictures $(PYTHON) docs/pictures.py

.PHONY: evidence
evidence: $(STAMP) ## Compare real backtests that differ as is known, for an hour; see docs/results/evidence.md
	$(STAGE) evidence $(PYTHON) -m tests.benchmarks.evidence -o build/evidence \
		--report docs/results/evidence.md

.PHONY: studies
studies: $(STAMP) ## Study every heavy operation in full, for an hour and a half; goes on where it was interrupted
	$(STAGE) studies $(RBTRACE) scenario all -o $(STUDIES)
	@cd $(STUDIES) && tar -cf - EXTENDED_OPERATIONS_PROFILING_REPORT.md */*.svg \
		| tar -xf - -C "$(CURDIR)/docs/results"
	@echo "The report is docs/results/EXTENDED_OPERATIONS_PROFILING_REPORT.md"

.PHONY: bench-analyze
bench-analyze: $(STAMP) ## Measure what analyzing costs, with PEERS=1 beside other analyzers (SIZES="100000 1000000")
	$(if $(PEERS),$(STAGE) peers $(PYTHON) -m tests.benchmarks.analyzing.peers.install \
		$(if $(CRISP),--crisp $(CRISP)) $(if $(JAEGER_UI),--jaeger-ui $(JAEGER_UI)))
	$(STAGE) analyzing $(PYTHON) -m tests.benchmarks.analyzing.bench \
		$(addprefix --spans ,$(SIZES)) --report docs/results/analyzing.md
	@cat docs/results/analyzing.md

.PHONY: fuzz
fuzz: $(STAMP) ## Fuzz every reader, guided by coverage (FUZZ_RUNS=100000 each)
	$(STAGE) fuzzing env FUZZ_RUNS=$(FUZZ_RUNS) $(PYTHON) -m pytest tests/fuzzing -s

.PHONY: set-up
set-up: $(STAMP) ## Make .venv with all the demo and the tests need

.PHONY: changelog
changelog: $(STAMP) ## Move the fragments of docs/changes/ into CHANGELOG.md, for a release
	.venv/bin/towncrier build --yes --version \
		"$$($(PYTHON) -c 'from rbtrace.version import __version__; print(__version__)')"

.PHONY: upgrade
upgrade: ## Make .venv of the newest version of every dependency, and keep those for the set-up
	$(STAGE) upgrade .ci/set-up --newest
	$(STAGE) "upgrade of the other Python" $(PYTHON) -m tests.support.interpreters

$(STAMP):
	$(STAGE) set-up .ci/set-up
	@rm -f .venv/made-from-*
	@touch $@

.PHONY: clean
clean: ## Remove what the other targets made, the environment included
	rm -rf .venv build dist htmlcov $(DEMO) .coverage .coverage.* \
		.hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
