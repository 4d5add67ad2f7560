"""Start processes as a user would: by tools/dist_*.sh, from another folder."""
import os
import socket
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
TOOLS = HERE.parents[1] / 'tools'


def free_port():
    """A port that nobody listens at."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        return free.getsockname()[1]


def start(script, *arguments, port, **environment):
    """Start a script on CPUs; does not wait."""
    defaults = dict(
        PYTHON=sys.executable,
        PORT=str(port),
        OMP_NUM_THREADS='1',
        PYTHONPATH=str(HERE),
        CUDA_VISIBLE_DEVICES='')
    return subprocess.Popen(['bash', TOOLS / script, *map(str, arguments)],
                            env={
                                **os.environ,
                                **defaults,
                                **environment
                            },
                            cwd=HERE.parent,
                            stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE,
                            text=True)


def finish(*processes):
    """Wait for all; the first one's output."""
    outputs = []
    try:
        for process in processes:
            output, errors = process.communicate(timeout=400)
            assert process.returncode == 0, errors[-3000:]
            outputs.append(output)
    finally:
        for process in processes:
            process.kill()
    return outputs[0]


def launch(script, *arguments):
    """Run a script to its end; its output."""
    return finish(start(script, *arguments, port=free_port()))
