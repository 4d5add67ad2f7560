#!/usr/bin/env bash
# Sets up the whole environment, compiled mmcv ops included, and runs the
# tests, one process for each core up to four; arguments are passed to pytest.
#
#   bash tools/run_tests.sh [PYTEST ARGUMENTS]
#   bash tools/run_tests.sh --stack quick [...]      the classification core, in
#                                          an environment that compiles nothing
#   bash tools/run_tests.sh --stack official [...]   classification on the
#                                          OpenMMLab packages of 2024
set -euo pipefail
cd "$(dirname "$0")/.."
kind=full
selection=()
if [ "${1:-}" = --stack ]; then
    kind=${2:?--stack needs a name: full, quick or official}
    shift 2
fi
case $kind in
    quick) selection=(-m 'not downstream and not slow') ;;
    official) selection=(-m 'not downstream') ;;
esac
bash tools/setup_env.sh "$kind"
# short trainings flush thousands of small files to the disk: keep them in
# memory where it has 8 GB to spare
if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ] &&
    [ "$(df -k --output=avail /dev/shm | tail -n 1)" -gt 8000000 ]; then
    export TMPDIR=/dev/shm
fi
exec ".venv/$kind/bin/python" -m pytest --numprocesses auto --maxprocesses 4 \
    --dist worksteal "${selection[@]}" "$@"
