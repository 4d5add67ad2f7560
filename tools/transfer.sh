#!/usr/bin/env bash
# Pretrains a small model on the built-in data, and fine-tunes it for
# segmentation and detection from these and from random weights.
# Arguments are passed to tools/transfer.py.
set -euo pipefail
cd "$(dirname "$0")/.."
bash tools/setup_env.sh full
exec .venv/full/bin/python tools/transfer.py "$@"
