#!/usr/bin/env bash
# Tries the wheel as a user has it: builds wheel and source distribution,
# installs the wheel with the extra of the classification stack into an
# environment of its own, away from the checkout, and runs there what the
# README prints: the lines of plain PyTorch, and a training.
#
#   bash .dev_scripts/try_wheel.sh [FOLDER]      default: a temporary one
#
# It needs the network (or a package index that pip knows) and 8 GiB; PYTHON
# names the interpreter. Beside the script's own environment nothing changes.
set -euo pipefail
cd "$(dirname "$0")/.."
unset PYTHONPATH PYTHONHOME
root=$PWD
folder=${1:-$(mktemp -d)}
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
export PIP_DISABLE_PIP_VERSION_CHECK=1
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}  # enough for so small a model

step() { printf '\n== %s\n' "$1"; }

step "environments in $folder"
"${PYTHON:-python3}" -m venv --clear "$folder/build"
"${PYTHON:-python3}" -m venv --clear "$folder/user"

step 'build and check the metadata'
"$folder/build/bin/pip" install -q build "$(grep ^twine requirements/pins.txt)"
rm -rf "$folder/dist"
"$folder/build/bin/python" -m build -o "$folder/dist" "$root"
"$folder/build/bin/twine" check --strict "$folder"/dist/*

step 'install the wheel with the classification stack'
wheel=$(echo "$folder"/dist/*.whl)
"$folder/user/bin/pip" install -q "mmmix[onedl,timm] @ file://$wheel"
"$folder/user/bin/pip" check

mkdir -p "$folder/work"
cd "$folder/work"
step "the README's lines of plain PyTorch"
"$folder/user/bin/python" - "$root/README.md" >plain.py <<'PY'
import re
import sys

text = open(sys.argv[1], encoding='utf-8').read()
for block in re.findall(r'```python\n(import .*?)```', text, re.S):
    print(block)
PY
"$folder/user/bin/python" plain.py

step 'the commands'
"$folder/user/bin/mmmix" --help
"$folder/user/bin/mmmix" train smmix/vit-xs_smmix_1xb64-10e_synthetic.py \
    --cfg-options train_cfg.max_epochs=2
test -f work_dirs/vit-xs_smmix_1xb64-10e_synthetic/epoch_2.pth

printf '\ntry_wheel: all of it works, in %s\n' "$folder"
