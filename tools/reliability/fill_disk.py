"""Let a small training fill a small disk, again and again, make room and
resume it, and compare it with the same training on a large one."""
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

from kill_runs import add_training, finish, losses, outcome, same, start

from mmmix.checkpoint import check_checkpoint
from mmmix.cli import command_parser

ROOM = 2**30
INSIDE = 'MMMIX_OWN_MOUNTS'


def parse_args():
    parser = command_parser(__doc__)
    parser.add_argument('--runs', type=int, default=10)
    add_training(parser, 'fill_disk')
    return parser.parse_args()


def mount(folder, size, *options):
    """Mount a disk in memory; False where that is not permitted."""
    options = ','.join([f'size={size}', *options])
    return not subprocess.run(
        ['mount', '-t', 'tmpfs', '-o', options, 'tmpfs',
         str(folder)],
        capture_output=True).returncode


def may_mount(folder):
    """Try, in a name space of this process where it is needed."""
    if mount(folder, 2**16):
        subprocess.run(['umount', str(folder)], check=True)
        return True
    if INSIDE in os.environ:
        return False
    probe = ['unshare', '--map-root-user', '--mount']
    try:
        allowed = not subprocess.run([*probe, 'true'],
                                     capture_output=True).returncode
    except FileNotFoundError:
        return False
    if allowed:
        folder.rmdir()
        folder.parent.rmdir()
        os.environ[INSIDE] = '1'
        os.execvp(probe[0], [*probe, sys.executable, *sys.argv])
    return False


def fill(process, folder, rng):
    """Write a file at a random moment of the training that leaves nothing, or
    a few blocks."""
    steps = rng.randrange(1, 24)
    while process.poll() is None and len(losses(folder)) < steps:
        time.sleep(.02)
    ballast = folder / 'ballast'
    with ballast.open('wb', buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
        size = file.tell() - 4096 * rng.randrange(3)
        os.truncate(ballast, max(size, 0))


def message(log):
    """The last message of a training, empty if it is not one to the user."""
    lines = log.read_text(errors='replace').splitlines()
    found = [line for line in lines if line.startswith('error: ')]
    return found[-1] if found else ''


def named(text, folder):
    """What could not be written, and whether path and space are named."""
    path = re.search(rf'{re.escape(str(folder))}[^ ]*', text)
    kind = 'nothing'
    if path:
        name = Path(path[0]).name
        kind = 'a checkpoint' if name.endswith('.pth') else name
    return kind, bool(path) and ' left' in text


def damaged(folder):
    """How many checkpoints are not whole, or named but absent."""
    count = len([*folder.glob('*.part')])
    noted = folder / 'last_checkpoint'
    paths = {*folder.glob('*.pth')}
    if noted.exists():
        paths.add(Path(noted.read_text()))
    for path in paths:
        try:
            check_checkpoint(str(path), whole=True)
        except (ValueError, FileNotFoundError):
            count += 1
    return count


def fill_and_resume(args, folder, needed, rng, by_file):
    """One training on a small disk.

    Returns:
        tuple: What could not be written, whether it was named, how many files
        are damaged and how many checkpoints there were; and the outcome of the
        resumed training.
    """
    folder.mkdir()
    size = ROOM if by_file else rng.randrange(2**14, needed)
    log = folder.parent / f'{folder.name}.log'
    if not mount(folder, size):
        sys.exit('error: the disk could not be mounted.')
    try:
        process = start(args, folder)
        if by_file:
            mount(folder, needed, 'remount')
            fill(process, folder, rng)
        process.wait()
        kind, says = named(message(log), folder)
        result = kind, says, damaged(folder), len([*folder.glob('*.pth')])
        mount(folder, ROOM, 'remount')
        (folder / 'ballast').unlink(missing_ok=True)
        finish(start(args, folder))
        return result, outcome(folder)
    finally:
        subprocess.run(['umount', str(folder)], check=True)


def main():
    args = parse_args()
    whole = args.work_dir / 'whole'
    whole.mkdir(parents=True)
    if not may_mount(whole):
        print('Skipped: no disk can be mounted here, neither by this user nor '
              'in a name space (unshare).')
        return
    args.work_dir = args.work_dir.resolve()
    whole = args.work_dir / 'whole'
    rng = random.Random(args.seed)
    finish(start(args, whole))
    expected = outcome(whole)
    needed = sum(f.stat().st_size for f in whole.rglob('*') if f.is_file())
    end = time.time() + 60 * args.minutes
    rows = defaultdict(Counter)
    for number in range(1, args.runs + 1):
        if time.time() > end:
            break
        folder = args.work_dir / f'run_{number}'
        (kind, says, bad, saved), found = fill_and_resume(
            args, folder, needed, rng, by_file=number % 2 == 0)
        exact = same(found, expected)
        rows[kind].update(
            runs=1, says=says, bad=bad, saved=bool(saved), exact=exact)
        print(
            f'run {number}: {kind} did not fit, after {saved} checkpoints; '
            f'resumed {"exactly" if exact else "with other numbers"}',
            file=sys.stderr,
            flush=True)
    print('| did not fit | runs | named, with the space left | damaged files '
          '| a checkpoint was kept | resumed exactly |\n'
          '|---|---|---|---|---|---|')
    for kind, row in sorted(rows.items()):
        print(f'| {kind} | {row["runs"]} | {row["says"]} | {row["bad"]} | '
              f'{row["saved"]} | {row["exact"]} |')
    total = sum(rows.values(), Counter())
    sys.exit(total['exact'] < total['runs'] or total['bad'] > 0
             or total['says'] < total['runs'])


if __name__ == '__main__':
    main()
