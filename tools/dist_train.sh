#!/usr/bin/env bash
# Train with several processes: one for each GPU, or, without a GPU, on CPUs.
#
#   bash tools/dist_train.sh CONFIG NUM_PROCESSES [arguments of train.py]
#
# Several machines: set NNODES, NODE_RANK, MASTER_ADDR and PORT. PYTHON names
# another interpreter, OMP_NUM_THREADS the threads of each process.
set -euo pipefail
USAGE='dist_train.sh CONFIG NUM_PROCESSES [...]'
CONFIG=${1:?config is missing: $USAGE}
GPUS=${2:?number of processes is missing: $USAGE}
TOOLS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
export PYTHONPATH="$TOOLS/..${PYTHONPATH:+:$PYTHONPATH}"

exec "${PYTHON:-python}" -m torch.distributed.run \
    --nnodes="${NNODES:-1}" \
    --node_rank="${NODE_RANK:-0}" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" \
    --master_port="${PORT:-29500}" \
    --nproc_per_node="$GPUS" \
    "$TOOLS/train.py" "$CONFIG" --launcher pytorch "${@:3}"
