# Everything a developer does here. The first use of any target installs what is missing into the checkout.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
PY := .venv/bin/python
export PYTHONPATH := layers/paidonce/python:functions:.
export CDK_DISABLE_CLI_TELEMETRY := true
export STRIPE_CLI_TELEMETRY_OPTOUT := 1
# CDK warns about Node 20's age on every line it prints; package.json says what we were tested with.
# jsii and cdk keep their caches in the checkout, not in the home directory.
export JSII_RUNTIME_PACKAGE_CACHE_ROOT := $(CURDIR)/.local/cache/jsii
export CDK_HOME := $(CURDIR)/.local/cache/cdk
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20

.PHONY: help setup demo up down token test iam check format bench synth conformance prove drill soak measure pictures

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: .venv/.installed .venv/bin/paidonce .venv/cloud/.installed node_modules/.installed ## install everything into the checkout

.venv/.installed: requirements.txt constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Paid Once needs Python 3.11 or newer as '$(PYTHON)': install it, or name another with 'make PYTHON=python3.12 …'." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' || { echo "$(PYTHON) lacks venv: on Debian, apt-get install python3-venv." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt -c constraints.txt
	@touch $@

# Beside the tools that it runs with: `source .venv/bin/activate`, then `paidonce --help`.
.venv/bin/paidonce: ops/paidonce.in .venv/.installed
	sed 's|@CHECKOUT@|$(CURDIR)|g' $< >$@
	@chmod +x $@

.venv/cloud/.installed: local/requirements.txt .venv/.installed
	$(PYTHON) -m venv .venv/cloud
	.venv/cloud/bin/pip install --quiet --disable-pip-version-check -r local/requirements.txt
	@touch $@

node_modules/.installed: package.json package-lock.json
	@command -v node >/dev/null && node -e 'process.exit(+(process.versions.node.split(".")[0] < 20))' || { echo "Paid Once needs Node 20 or newer ('node' and 'npm' on the PATH)." >&2; exit 1; }
	# Not `npm ci`: it wants the Stripe CLI's binaries of every other platform in the lock file.
	npm install --no-save --no-audit --no-fund --loglevel=error
	@touch $@

demo: setup ## start the local cloud, deploy, tell the story and check it, stop
	$(PY) -m local.demo

up: setup ## start the local cloud and deploy (again: deploy what changed)
	$(PY) -m local up

down: ## stop the local cloud
	@test ! -x $(PY) || $(PY) -m local down

token: setup ## print a JWT: make token [SCOPES="payments:read …"] [SUB=user]
	@$(PY) -m local token --scopes "$(SCOPES)" --sub "$(SUB)"

test: setup ## every test, 10 minutes at most
	$(PY) -m pytest -n 2 -m 'not cloud and not iam'
	# In one process, so that the cloud is started once.
	$(PY) -m pytest -m cloud

iam: setup ## the demo where every call needs a policy that allows it
	$(PY) -m pytest -m iam

check: setup ## format, lint, types, import rules, synth
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy layers/paidonce/python/paidonce functions infra local ops app.py tests bench
	.venv/bin/lint-imports
	$(MAKE) --no-print-directory synth

synth: setup ## the templates of prod, by the pinned cdk
	npx cdk synth -c stage=prod --quiet --no-notices

format: setup ## let ruff format and mend
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

drill: setup ## rotate secrets while payments are taken, then stand forged webhooks
	$(PY) -m local.drill

soak: setup ## 5,000 events in random order, workers killed under load, a weekend without webhooks; 7 minutes
	$(PY) -m local.soak

conformance: setup ## the stand-in Stripe against Stripe's own command line
	$(PY) -m local.stripe.conformance

prove: setup ## schedules of the simulation (N=20000), then every planted bug
	$(PY) -m tests.simulation.prove --schedules $(or $(N),20000) $(if $(SEED),--seed $(SEED))
	$(PY) -m tests.simulation.plant

measure: setup ## count what payments take on the running local cloud, for `paidonce cost`
	$(PY) -m local.measure

pictures: setup ## draw the documents' pictures anew
	$(PY) docs/pictures/make.py

bench: setup ## the performance table
	$(PY) bench/table.py
