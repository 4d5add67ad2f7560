"""Write the page of the model zoo: each config with its published results and
ours.

Models, parameters, FLOPs and published results are read from the metafiles
that model-index.yml names, our own numbers from the files docs/results/*.json
that have a list 'measured', with entries such as

    {"config": "configs/smmix/vit-xs_smmix_1xb128-15e_tiny-imagenet-25.py",
     "metrics": {"Top 1 Accuracy": 31.5},
     "what": "10 epochs, mean of 2 seeds",
     "page": "methods-tiny-imagenet-25.md"}

example: python .dev_scripts/model_zoo.py --write docs/model_zoo.md
"""
import json
import re
from collections import defaultdict
from pathlib import Path

import yaml

from mmmix.cli import command_parser, user_errors
from mmmix.errors import MmmixError

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = ('config', 'data', 'params (M)', 'FLOPs (G)', 'published', 'here',
           'command')
HEAD = """\
# Model zoo

Written by `python .dev_scripts/model_zoo.py --write docs/model_zoo.md` from
the metafiles in `configs/` and the measurements in `docs/results/`. What
stands under *here* was run with the config of its row, and the link says how;
what stands under *published* is somebody else's number; an empty cell is a
number that is not known here. FLOPs are multiply-adds for one image."""


def read_models(root):
    """The collections by name, and the models of each in the index's order.

    Raises:
        FileNotFoundError: If a metafile that the index names is missing.
    """
    index = yaml.safe_load((root / 'model-index.yml').read_text())
    collections, models = {}, defaultdict(list)
    for name in index['Import']:
        metafile = yaml.safe_load((root / name).read_text())
        for entry in metafile['Collections']:
            collections[entry['Name']] = entry
        for entry in metafile['Models']:
            models[entry['In Collection']].append(entry)
    return collections, models


def read_measured(root, configs):
    """Our measurements, by config.

    Args:
        root (Path): The root of the checkout.
        configs (set[str]): All configs.

    Raises:
        MmmixError: If a measurement names a config that does not exist.
    """
    measured = defaultdict(list)
    for path in sorted((root / 'docs/results').glob('*.json')):
        for entry in json.loads(path.read_text()).get('measured', []):
            if entry['config'] not in configs:
                raise MmmixError(f'{path.name} has a measurement of '
                                 f'{entry["config"]}, which is not in a '
                                 'metafile: correct one of them.')
            measured[entry['config']].append(entry)
    return measured


def command_of(config):
    """How to train a config, with the number of processes in its name."""
    found = re.search(r'_(\d+)xb\d+', config)
    processes = int(found[1]) if found else 1
    if processes == 1:
        return f'python tools/train.py {config}'
    return f'bash tools/dist_train.sh {config} {processes}'


def numbers(metrics):
    """Metrics with their names, except a top-1 accuracy on its own."""
    if list(metrics) == ['Top 1 Accuracy']:
        return f'{metrics["Top 1 Accuracy"]}'
    return ', '.join(f'{name} {value}' for name, value in metrics.items())


def row_of(entry, measured):
    """The cells of a model, in the order of COLUMNS."""
    data = entry['Metadata']
    by_source = defaultdict(dict)  # a detector has a result for each task
    for result in entry.get('Results', []):
        metrics = result['Metrics']
        other = result['Dataset']
        if other != data.get('Training Data'):
            metrics = {
                f'{other} {name}'.removesuffix(' Top 1 Accuracy'): value
                for name, value in metrics.items()
            }
        by_source[result['Source']].update(metrics)
    published = '; '.join(f'{numbers(metrics)} ({source})'
                          for source, metrics in by_source.items())
    here = '; '.join(
        f'{numbers(one["metrics"])} ([{one["what"]}](results/{one["page"]}))'
        for one in measured)
    flops = data.get('FLOPs')
    return (f'[{entry["Name"]}](../{entry["Config"]})',
            data.get('Training Data', ''), f'{data["Parameters"] / 1e6:.2f}',
            f'{flops / 1e9:.2f}' if flops else '', published, here,
            f'`{command_of(entry["Config"])}`')


def page(root):
    """The whole page.

    Args:
        root (Path): The root of the checkout.
    """
    collections, models = read_models(root)
    every = [entry for entries in models.values() for entry in entries]
    measured = read_measured(root, {entry['Config'] for entry in every})
    parts = [
        HEAD,
        f'{len(every)} configs; {len(measured)} of them were trained here.'
    ]
    for name, entries in models.items():
        readme = collections[name].get('README')
        parts.append(f'## [{name}](../{readme})' if readme else f'## {name}')
        lines = [
            COLUMNS, ['--:' if c.endswith(')') else ':--' for c in COLUMNS]
        ]
        lines += [row_of(one, measured[one['Config']]) for one in entries]
        parts.append('\n'.join(f'| {" | ".join(line)} |' for line in lines))
    return '\n\n'.join(parts) + '\n'


def parse_args():
    parser = command_parser(__doc__)
    parser.add_argument(
        '--write',
        metavar='FILE',
        help='write the page here, not to the terminal')
    return parser.parse_args()


def main():
    args = parse_args()
    with user_errors():
        text = page(ROOT)
    if args.write:
        Path(args.write).write_text(text)
        print(f'written: {args.write}')
    else:
        print(text, end='')


if __name__ == '__main__':
    main()
