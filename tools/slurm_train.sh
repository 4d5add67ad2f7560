#!/usr/bin/env bash
# Train under Slurm, one process for each GPU.
#
#   GPUS=8 bash tools/slurm_train.sh PARTITION JOB_NAME CONFIG WORK_DIR [arguments of train.py]
#
# GPUS, GPUS_PER_NODE, CPUS_PER_TASK and SRUN_ARGS are read from the
# environment; PYTHON names another interpreter.
#
# Slurm sends USR1 120 seconds before the time limit. The run then saves and
# exits with 75, and this script starts it again with --resume: in a new
# allocation or, from a batch job, by requeueing the job. In an interactive
# allocation, which ends with it, it says how to go on. Ctrl-C and a signal to
# this script itself end both.
set -euo pipefail
USAGE='slurm_train.sh PARTITION JOB_NAME CONFIG WORK_DIR [...]'
PARTITION=${1:?partition is missing: $USAGE}
JOB_NAME=${2:?job name is missing: $USAGE}
CONFIG=${3:?config is missing: $USAGE}
WORK_DIR=${4:?work directory is missing: $USAGE}
GPUS=${GPUS:-8}
GPUS_PER_NODE=${GPUS_PER_NODE:-$((GPUS < 8 ? GPUS : 8))}
TOOLS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PYTHONPATH="$TOOLS/..${PYTHONPATH:+:$PYTHONPATH}"

AGAIN=75
STOPPED=
trap 'STOPPED=1' INT TERM

ARGUMENTS=("${@:5}")
if [ "${SLURM_RESTART_COUNT:-0}" != 0 ]; then  # a batch job, requeued
    ARGUMENTS+=(--resume)
fi
while true; do
    CODE=0
    # SRUN_ARGS is split into words on purpose
    srun -p "$PARTITION" \
        --job-name="$JOB_NAME" \
        --gres=gpu:"$GPUS_PER_NODE" \
        --ntasks="$GPUS" \
        --ntasks-per-node="$GPUS_PER_NODE" \
        --cpus-per-task="${CPUS_PER_TASK:-5}" \
        --kill-on-bad-exit=1 \
        --signal=USR1@120 \
        ${SRUN_ARGS:-} \
        "${PYTHON:-python}" -u "$TOOLS/train.py" "$CONFIG" \
        --work-dir="$WORK_DIR" --launcher=slurm "${ARGUMENTS[@]}" || CODE=$?
    if [ "$CODE" != "$AGAIN" ] || [ -n "$STOPPED" ]; then
        exit "$CODE"
    fi
    if [ -n "${SLURM_JOB_ID:-}" ]; then
        JOB=$(scontrol show job "$SLURM_JOB_ID" || true)
        if [[ $JOB == *BatchFlag=[1-9]* ]]; then  # 2: it was started again
            exec scontrol requeue "$SLURM_JOB_ID"
        fi
        echo "The run is saved in $WORK_DIR. This allocation is interactive," \
            "so it cannot be queued again: repeat the command with --resume" \
            "in a new one." >&2
        exit "$AGAIN"
    fi
    ARGUMENTS=("${@:5}" --resume)
done
