#!/usr/bin/env bash
# Test with several processes: one for each GPU, or, without a GPU, on CPUs.
#
#   bash tools/dist_test.sh CONFIG CHECKPOINT NUM_PROCESSES [arguments of test.py]
#
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT. PYTHON names
# another interpreter, OMP_NUM_THREADS the threads of each process.
set -euo pipefail
USAGE='dist_test.sh CONFIG CHECKPOINT NUM_PROCESSES [...]'
CONFIG=${1:?config is missing: $USAGE}
CHECKPOINT=${2:?checkpoint is missing: $USAGE}
GPUS=${3:?number of processes is missing: $USAGE}
TOOLS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
export PYTHONPATH="$TOOLS/..${PYTHONPATH:+:$PYTHONPATH}"

exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    --nproc_per_node="$GPUS" \
    "$TOOLS/test.py" "$CONFIG" "$CHECKPOINT" --launcher pytorch "${@:4}"
