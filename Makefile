.PHONY: quickstart test test-fast test-official test-gpu docs fuzz lint format

quickstart:
	bash tools/quickstart.sh

test:
	bash tools/run_tests.sh

# the classification core, in the quick environment: about 2 minutes
test-fast:
	bash tools/run_tests.sh --stack quick

test-official:
	bash tools/run_tests.sh --stack official

# on a GPU: the tests that need one, those that compile included
test-gpu:
	bash tools/setup_env.sh full
	.venv/full/bin/python -m pytest -q -rs tests/gpu

# the site, into docs/_build/html; a warning is an error
docs:
	bash tools/setup_env.sh full
	rm -rf docs/api/generated
	.venv/full/bin/python -m sphinx -W --keep-going -q -j auto -c docs \
	    -d docs/_build/doctrees . docs/_build/html
	@echo 'open docs/_build/html/index.html'

# random inputs; COUNT for each family, from SEED: make fuzz SEED=2 COUNT=500
SEED = 1
COUNT = 10000
fuzz:
	bash tools/setup_env.sh full
	FUZZ_COUNT=$(COUNT) .venv/full/bin/python -m pytest -q tests/test_fuzz \
	    --hypothesis-seed=$(SEED)

lint:
	bash tools/setup_env.sh full
	.venv/full/bin/ruff check .
	.venv/full/bin/isort --check .
	.venv/full/bin/yapf --diff -r .dev_scripts configs docs mmmix tests tools
	.venv/full/bin/mypy

format:
	.venv/full/bin/yapf -i -r .dev_scripts configs docs mmmix tests tools
	.venv/full/bin/isort .
	.venv/full/bin/ruff check --fix .
