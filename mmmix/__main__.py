"""``mmmix COMMAND ...``: the tools, installed or in a checkout."""
import ast
import os
import re
import runpy
import sys
from pathlib import Path

from mmmix.environment import shipped

# a folder of tools: the heading of its commands, and what their names have
# before that of the file
GROUPS = {
    '.': ('train and test', ''),
    'visualization': ('pictures', ''),
    'analysis': ('what the papers measure', ''),
    'benchmarks': ('speed', ''),
    'model_converters': ('checkpoints', 'convert-'),
    'dataset_converters': ('data sets', 'convert-'),
    'reliability': ('reliability', ''),
}
# they make environments of a checkout, or run its tests
ONLY_IN_CHECKOUT = ('gpu.sh', 'quickstart.sh', 'run_tests.sh', 'setup_env.sh',
                    'transfer.sh')


def find_tools():
    """The tools of each group: ``{heading: {command: path}}``."""
    root = shipped('tools')
    return {
        heading: {
            prefix + path.stem.replace('_', '-'): path
            for path in sorted((root / folder).glob('*.*'))
            if path.suffix in ('.py',
                               '.sh') and path.name not in ONLY_IN_CHECKOUT
        }
        for folder, (heading, prefix) in GROUPS.items()
    }


def first_sentence(tool: Path) -> str:
    """What the first sentence of a tool's docstring or comment says of it."""
    text = tool.read_text(encoding='utf-8')
    if tool.suffix == '.py':
        text = ast.get_docstring(ast.parse(text))
    else:
        text = text.partition('\n')[2].replace('# ', '')
    return ' '.join(
        re.match(r'.*?(?=\.\s|\.$|\n\s*\n|\n#)', text, re.DOTALL)[0].split())


def usage() -> str:
    """All commands, with a line each."""
    lines = ['usage: mmmix COMMAND ...']
    for heading, tools in find_tools().items():
        lines += ['', f'{heading}:']
        lines += [
            f'  {command:<24}{first_sentence(path)}'
            for command, path in tools.items()
        ]
    return '\n'.join([
        *lines, '', 'mmmix COMMAND --help lists the arguments of one command, '
        'python -m mmmix is the same as mmmix.'
    ])


def main(arguments=None):
    """Run one tool with the remaining arguments, by default those of the
    command line."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or arguments[0] in ('-h', '--help'):
        print(usage())
        return
    command, *arguments = arguments
    tools = {
        name: path
        for group in find_tools().values()
        for name, path in group.items()
    }
    if command not in tools:
        sys.exit(f'{usage()}\n\nunknown command: {command}')
    tool = str(tools[command])
    if tool.endswith('.sh'):
        os.environ.setdefault('PYTHON', sys.executable)
        os.execvp('bash', ['bash', tool, *arguments])
    sys.argv = [tool, *arguments]
    sys.path.insert(0, os.path.dirname(tool))  # as `python TOOL` does
    runpy.run_path(tool, run_name='__main__')


if __name__ == '__main__':
    main()
