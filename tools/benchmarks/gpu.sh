#!/usr/bin/env bash
# On a machine with a GPU, in one go: the tests that need one, then a table of
# speed, memory and step ratios of every method.
#
#   bash tools/benchmarks/gpu.sh [arguments of benchmark_gpu.py]
#
# MINUTES is for both (default: 9): the tests may take a third of it. TESTS=
# (empty) leaves them out, and SLOW=1 adds those that compile, for as long as
# they take. PYTHON names another interpreter, OUT the files of the table
# (default: work_dirs/gpu).
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}"
python=${PYTHON:-python}
out=${OUT:-work_dirs/gpu}
seconds=$(( ${MINUTES:-9} * 60 ))
failed=0

"$python" -c 'import torch; raise SystemExit(not torch.cuda.is_available())' || {
    echo 'gpu.sh needs a GPU: torch.cuda.is_available() is False.' >&2
    exit 1
}
SECONDS=0
if [ -n "${TESTS-1}" ]; then
    # an interrupt lets pytest say what was reached
    timeout --signal=INT --kill-after=20 "$(( seconds / 3 ))" \
        "$python" -m pytest -q -rfE -p no:cacheprovider tests/gpu \
        -m 'not slow' || failed=1
fi
minutes=$(awk "BEGIN { print ($seconds - $SECONDS) / 60 }")
"$python" tools/benchmarks/benchmark_gpu.py --cuda-graphs --out "$out" \
    --minutes "$minutes" "$@" || failed=1
if [ -n "${SLOW-}" ]; then
    "$python" -m pytest -q -rfE -p no:cacheprovider tests/gpu -m slow || failed=1
fi
exit "$failed"
