# Everything people do here. Needs Python 3.11 or later, make and the package registry; the rest goes into .venv by itself.
.DEFAULT_GOAL := help
.PHONY: help run setup test test-browser soak check lint bench lighthouse screens messages clean
.DELETE_ON_ERROR:

VENV := .venv
PYTHON := $(VENV)/bin/python
PIP := $(PYTHON) -m pip install --quiet --disable-pip-version-check --no-input
CATALOGUES := $(patsubst %.po,%.mo,$(wildcard shop/translations/*/LC_MESSAGES/*.po))
PYTEST := $(PYTHON) -m pytest
# Two at a time, and whoever is done first takes from the other; what a process has compiled, the next one finds.
PYTEST2 := env -u PYTHONDONTWRITEBYTECODE $(PYTEST) -n 2 --dist worksteal

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/.run $(CATALOGUES) ## the shop with demo data on http://127.0.0.1:8000 (PORT=… moves it); Ctrl-C stops it
	@$(PYTHON) ops/run.py

setup: $(VENV)/.dev $(CATALOGUES) ## .venv with everything that tests, checks and benchmarks need

test: setup ## every test without a browser, on SQLite and PostgreSQL
	$(PYTEST2) -m "not browser and not soak"

test-browser: setup $(VENV)/pages/.installed ## buy, pay, refund and look around in Chromium (Debian: apt install chromium fonts-noto-cjk npm)
	$(PYTEST2) -m browser tests/chromium

soak: setup $(VENV)/pages/.installed ## the long tests: random shops, many buyers at once, every page read by axe-core
	$(PYTEST) --hypothesis-profile soak -m "soak or hypothesis"

lint: setup ## ruff and mypy
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

check: lint $(VENV)/pages/.installed ## ruff, mypy --strict, and every test but the soak
	$(PYTEST2) -m "not browser and not soak"
	$(PYTEST2) -m browser tests/chromium

bench: setup ## CPU per request, requests per second and bytes on the wire, beside a bare page
	$(PYTHON) -m bench

lighthouse: setup $(VENV)/lighthouse/.installed ## Lighthouse on home, shelves, product and cart, as on a telephone (Node 18.20 or later)
	$(PYTHON) -m bench.lighthouse

screens: setup ## take docs/screens/ again from the running shop
	$(PYTHON) tools/screens.py

messages: $(VENV)/.run ## bring the catalogues up to date with the words of code and templates; what is new then wants translating
	@$(VENV)/bin/pybabel --quiet extract --mapping-file=babel.cfg --keywords="lazy_gettext lazy_pgettext:1c,2" \
		--add-location=file --sort-output --no-wrap --output-file=shop/translations/messages.pot .
	@$(VENV)/bin/pybabel --quiet update --input-file=shop/translations/messages.pot --output-dir=shop/translations \
		--no-fuzzy-matching --ignore-obsolete --no-wrap
	@sed -i.bak -E '/^"(POT-Creation-Date|PO-Revision-Date|Report-Msgid-Bugs-To|Last-Translator|Language-Team|Generated-By): /d' \
		shop/translations/*/LC_MESSAGES/messages.po
	@rm -f shop/translations/messages.pot shop/translations/*/LC_MESSAGES/messages.po.bak

clean: ## forget .venv and caches; the database in instance/ stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis shop/translations/*/LC_MESSAGES/*.mo

# ── Made when missing or older than what it is made of ────────────────────────────────────────────────────────────────

$(VENV)/.base:
	@found=; for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
		if command -v $$name >/dev/null && $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$name; break; fi; \
	done; \
	if [ -z "$$found" ]; then echo "Python 3.11 or later is needed; python3 here is: $$(python3 --version 2>&1)" >&2; exit 1; fi; \
	if ! $$found -m venv $(VENV); then echo "$$found cannot make a virtual environment. On Debian: apt install python3-venv" >&2; exit 1; fi
	@touch $@

$(VENV)/.run: requirements.txt $(VENV)/.base
	@echo "Installing what the shop runs on …"
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements.txt $(VENV)/.base
	@echo "Installing what the shop, its tests, checks and benchmarks need …"
	@$(PIP) -r requirements-dev.txt
	@touch $@ $(VENV)/.run

# What reads our pages, from npm: tests/chromium/package.json and bench/lighthouse.json say which. `make test` needs none of it.
$(VENV)/pages/.installed: tests/chromium/package.json tests/chromium/package-lock.json $(VENV)/.base
	@mkdir -p $(@D) && cp tests/chromium/package.json tests/chromium/package-lock.json $(@D)
	@npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund --silent
	@touch $@

$(VENV)/lighthouse/.installed: bench/lighthouse.json $(VENV)/.base
	@mkdir -p $(@D) && cp bench/lighthouse.json $(@D)/package.json
	@npm install --prefix $(@D) --ignore-scripts --no-audit --no-fund --no-package-lock --silent
	@touch $@

%.mo: %.po | $(VENV)/.run
	@$(VENV)/bin/pybabel --quiet compile --input-file=$< --output-file=$@
