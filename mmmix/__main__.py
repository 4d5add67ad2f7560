"""``python -m mmmix COMMAND ...``: the tools, installed or in a checkout."""
import runpy
import sys

from mmmix.environment import shipped

TOOLS = {
    'check': ('check.py', 'check a config and its data before a training'),
    'train': ('train.py', 'train the model of a config'),
    'test': ('test.py', 'evaluate a checkpoint'),
    'playground': ('visualization/playground.py', 'mix images in the browser'),
    'browse-mix': ('visualization/browse_mix.py', 'draw mixed images'),
    'show-predictions':
    ('visualization/show_predictions.py', 'draw segmentations and detections'),
    'benchmark': ('benchmarks/benchmark_mixers.py', 'time the mixers'),
}
USAGE = '\n'.join([
    'usage: python -m mmmix COMMAND ...', '', 'commands:',
    *(f'  {name:<18}{text}' for name, (_, text) in TOOLS.items()), '',
    'COMMAND --help lists the arguments of one command.'
])


def main(arguments):
    """Run one tool with the remaining arguments."""
    if not arguments or arguments[0] in ('-h', '--help'):
        print(USAGE)
        return
    command, *arguments = arguments
    if command not in TOOLS:
        sys.exit(f'{USAGE}\n\nunknown command: {command}')
    tool = str(shipped(f'tools/{TOOLS[command][0]}'))
    sys.argv = [tool, *arguments]
    runpy.run_path(tool, run_name='__main__')


if __name__ == '__main__':
    main(sys.argv[1:])
