"""Kill a small training again and again, also while it saves, and compare it
with the same training left alone."""
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch

from mmmix.checkpoint import check_checkpoint, read_checkpoint
from mmmix.cli import add_quiet, command_parser
from mmmix.progress import Progress

TOOLS = Path(__file__).resolve().parents[1]
CONFIG = 'vanilla/vit-xs_vanilla_1xb64-10e_synthetic.py'
SMALL = [
    'train_dataloader.batch_size=32', 'train_dataloader.num_workers=1',
    'train_dataloader.dataset.num_images=256', 'train_cfg.max_epochs=4'
]
SAVED = ('state_dict', 'optimizer', 'param_schedulers', 'rank_states')


def parse_args():
    parser = command_parser(__doc__)
    parser.add_argument('--kills', type=int, default=20)
    add_training(parser, 'kill_runs')
    add_quiet(parser)
    return parser.parse_args()


def add_training(parser, name):
    """Add which training is run, how, how long, and where."""
    parser.add_argument(
        '--minutes',
        type=float,
        default=10,
        help='begin nothing new after this time')
    parser.add_argument(
        '--processes', type=int, default=1, help='of the training')
    parser.add_argument(
        '--config', default=CONFIG, help='which training; small, please')
    parser.add_argument(
        '--seed', type=int, default=0, help='of what is drawn at random')
    parser.add_argument(
        '--work-dir',
        type=Path,
        default=Path('work_dirs') / name,
        help='must be new')
    parser.add_argument(
        '--cfg-options',
        nargs='*',
        default=[],
        help='settings of the training, KEY=VALUE, in the place of those '
        'that make it short')


def command(args, folder):
    """A training that saves every second iteration and logs all losses."""
    train = [
        str(TOOLS / 'train.py'), args.config, '--work-dir',
        str(folder), '--resume', '--no-preflight', '--no-validate',
        '--cfg-options', 'default_hooks.checkpoint.by_epoch=False',
        'default_hooks.checkpoint.interval=2',
        'default_hooks.checkpoint.max_keep_ckpts=3',
        'default_hooks.logger.interval=1', 'log_processor.window_size=1',
        'randomness.seed=0', *(args.cfg_options or SMALL)
    ]
    if args.processes == 1:
        return [sys.executable, *train]
    return [
        sys.executable, '-m', 'torch.distributed.run', '--standalone',
        f'--nproc_per_node={args.processes}', train[0], *train[1:],
        '--launcher', 'pytorch'
    ]


def start(args, folder):
    with (folder.parent / f'{folder.name}.log').open('a') as log:
        return subprocess.Popen(
            command(args, folder),
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=dict(os.environ, CUDA_VISIBLE_DEVICES='', OMP_NUM_THREADS='1'))


def finish(process):
    if process.wait():
        sys.exit(f'The training failed with exit code {process.returncode}; '
                 'its log is in the work directory.')


def losses(folder):
    """The noted losses, by iteration: a set, in which an exact run has one."""
    noted = {}
    for log in sorted(folder.glob('*/vis_data/scalars.json')):
        for line in log.read_text().splitlines():
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:  # the run was killed as it wrote
                continue
            if 'loss' in entry:
                noted.setdefault(entry['step'], set()).add(entry['loss'])
    return noted


def wait_and_kill(process, folder, rng, saving):
    """Kill at a random moment of the training.

    Args:
        saving (bool): While it saves: when the file beside a checkpoint, or
            the checkpoint itself, has appeared.

    Returns:
        str: Where it was: ``saving``, ``training``, or ``ended``.
    """
    before = set(folder.glob('*/vis_data/scalars.json'))

    def lines():
        return sum(
            len(path.read_text().splitlines())
            for path in set(folder.glob('*/vis_data/scalars.json')) - before)

    steps = rng.randrange(1, 8)
    while process.poll() is None and lines() < steps:
        time.sleep(.01)
    part = []
    if saving:
        while process.poll() is None and not part:
            part = list(folder.glob('*.part'))
    else:
        time.sleep(rng.random() * .5)
    if process.poll() is not None:
        return 'ended'
    kill(process, rng)
    part = list(folder.glob('*.part'))
    for path in part:  # else the next kill would seem to be in a save
        path.unlink()
    return 'saving' if part else 'training'


def kill(process, rng):
    """Kill the training, or one of its processes, and wait for its end."""
    children = Path(f'/proc/{process.pid}/task/{process.pid}/children')
    ranks = children.read_text().split() if '-m' in process.args else []
    try:
        if ranks:
            os.kill(int(rng.choice(ranks)), signal.SIGKILL)
        else:
            os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:  # it has just ended
        pass
    process.wait()


def same(one, other):
    """Whether two contents are equal to the last bit."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(
            same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return torch.equal(one, other) if torch.is_tensor(one) else one == other


def outcome(folder):
    """What a training noted, and what it saved at last."""
    saved = read_checkpoint((folder / 'last_checkpoint').read_text())
    return losses(folder), [saved.get(part) for part in SAVED]


def main():
    args = parse_args()
    args.work_dir.mkdir(parents=True)
    rng = random.Random(args.seed)
    whole = args.work_dir / 'whole'
    finish(start(args, whole))
    expected = outcome(whole)
    end = time.time() + 60 * args.minutes
    killed = dict(training=0, saving=0)
    runs = exact = damaged = kills = 0
    progress = Progress('killing', args.kills, 'kills')
    while kills < args.kills and time.time() < end:
        runs += 1
        folder = args.work_dir / f'run_{runs}'
        folder.mkdir()
        process = start(args, folder)
        while kills < args.kills and time.time() < end:
            where = wait_and_kill(process, folder, rng, kills % 3 == 0)
            if where == 'ended':
                break
            killed[where] += 1
            kills += 1
            progress.advance()
            for path in folder.glob('*.pth'):
                try:
                    check_checkpoint(path, whole=True)
                except ValueError:
                    damaged += 1
            process = start(args, folder)
        finish(process)
        exact += same(outcome(folder), expected)
        progress.say(f'{kills} kills, {exact} of {runs} runs exact')
    print('| processes | kills while training | while saving | damaged files '
          '| runs | exact |\n|---|---|---|---|---|---|')
    print(f'| {args.processes} | {killed["training"]} | {killed["saving"]} | '
          f'{damaged} | {runs} | {exact} |')
    sys.exit(exact < runs)


if __name__ == '__main__':
    main()
