#!/usr/bin/env bash
# Trains without mixing, with CutMix and with SMMix on the built-in data, and
# compares them.
# Arguments are passed to tools/quickstart.py.
set -euo pipefail
cd "$(dirname "$0")/.."
bash tools/setup_env.sh quick
exec .venv/quick/bin/python tools/quickstart.py "$@"
