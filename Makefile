.PHONY: quickstart test test-official lint

quickstart:
	bash tools/quickstart.sh

test:
	bash tools/run_tests.sh

test-official:
	bash tools/run_tests.sh --stack official

lint:
	bash tools/setup_env.sh full
	.venv/full/bin/ruff check .
