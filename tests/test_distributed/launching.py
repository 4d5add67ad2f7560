"""Two processes: as a user starts them, by tools/dist_*.sh and from another
folder, or, where it is not the launcher that is tested, as forks of this one,
without the many seconds in which each would import everything anew."""
import multiprocessing
import os
import runpy
import socket
import subprocess
import sys
import tempfile
from multiprocessing.connection import wait
from pathlib import Path

from anew import start_anew

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
        PYTHONPATH=os.pathsep.join(
            filter(None, [str(HERE), os.environ.get('PYTHONPATH')])),
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


def run_forked(script, *arguments):
    """Run a script in two forks; the exit codes and what they printed."""
    with tempfile.TemporaryDirectory() as folder:
        logs = [Path(folder, f'{rank}.log') for rank in (0, 1)]
        codes = _run_both(script, arguments, logs)
        return codes, [log.read_text() for log in logs]


def _run_both(script, arguments, logs):
    port = free_port()
    processes = [
        multiprocessing.get_context('fork').Process(
            target=_run, args=(rank, port, log, script, arguments))
        for rank, log in enumerate(logs)
    ]
    for process in processes:
        process.start()
    running = processes
    while running and all(
            process.exitcode in (0, None) for process in processes):
        if not wait([process.sentinel for process in running], timeout=400):
            break
        running = [p for p in processes if p.exitcode is None]
    for process in processes:  # as a launcher does if one of them fails
        process.join(timeout=30)
        process.kill()
        process.join()
    return [process.exitcode for process in processes]


def fork(script, *arguments):
    """Run a script in two forks to its end; the first one's output."""
    codes, logs = run_forked(script, *arguments)
    assert codes == [0, 0], '\n'.join(log[-3000:] for log in logs)
    return logs[0]


def train(config, work_dir, *arguments):
    """Train in two forks; the first one's output."""
    return fork(TOOLS / 'train.py', config, '--launcher', 'pytorch',
                '--work-dir', work_dir, *arguments)


def _run(rank, port, log, script, arguments):
    """Be a process of a launcher."""
    os.environ.update(
        RANK=str(rank),
        LOCAL_RANK=str(rank),
        WORLD_SIZE='2',
        LOCAL_WORLD_SIZE='2',
        MASTER_ADDR='127.0.0.1',
        MASTER_PORT=str(port),
        OMP_NUM_THREADS='1')
    with log.open('w') as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.stdout = open(1, 'w', buffering=1, closefd=False)
    sys.stderr = open(2, 'w', buffering=1, closefd=False)
    start_anew()
    os.chdir(HERE.parent)
    sys.argv = [str(script), *map(str, arguments)]
    runpy.run_path(str(script), run_name='__main__')
