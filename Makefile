# Two commands do it all: `make run` and `make test`. Nothing outside this folder is changed (`make test` may install
# a browser for its tests).

SHELL := /bin/sh
PYTHON ?= $(shell for each in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	$$each -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$each && break; done)
PY := .venv/bin/python
# Named after the lock: a changed lock installs anew, an unchanged one costs nothing.
INSTALLED := .venv/installed-$(shell cksum < requirements.lock | tr -s ' \t' '--')
TESTED := DJANGO_SETTINGS_MODULE=tests.settings $(PY)

.PHONY: help install setup run test check bench doctor format lock clean

help:
	@echo 'make run      everything, at http://127.0.0.1:8000 (PORT=8001 make run for another port)'
	@echo 'make test     all tests, also against PostgreSQL and Redis where they answer'
	@echo 'make check    format, lint, types, imports between rooms, migrations, translations, lock'
	@echo 'make bench    what each stage costs, as JSON'
	@echo 'make doctor   what is installed, reachable or missing here'
	@echo 'make clean    remove what can be made again; recordings and database stay'

install: $(INSTALLED)

$(INSTALLED):
	@test -n '$(PYTHON)' || { echo 'Python 3.11 or newer is needed; none was found.'; exit 1; }
	@$(PYTHON) clinic/config/install.py .venv
	@rm -f .venv/installed-*
	@touch $@

setup: install
	@$(PY) clinic/config/first_env.py
	@$(PY) manage.py prepare

run: setup
	@exec $(PY) manage.py up

test: install
	@$(PY) -m tests

check: install
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy clinic emotion interviews reports
	.venv/bin/lint-imports --no-cache
	$(TESTED) manage.py makemigrations --check --dry-run
	$(TESTED) manage.py messages check
	$(PY) -m pytest -q tests/test_install.py tests/test_shape.py

bench: install
	@$(TESTED) -m tests.bench

doctor: install
	@$(PY) manage.py doctor

format: install
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

# torch's and gTTS's declared needs are overridden in pyproject.toml; the output names no host.
lock: install
	$(PY) -m uv pip compile pyproject.toml --extra dev --no-emit-package anamnesis --no-header \
		--python-version 3.11 --quiet -o requirements.lock

clean:
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache var/static var/npm var/run
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
