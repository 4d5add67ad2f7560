"""Write the README's table of methods.

Methods and published accuracies are read from the metafiles that
model-index.yml names, our own numbers from docs/results/small-data.json.

example: python .dev_scripts/method_table.py --write README.md
"""
import json
from pathlib import Path

from generated import page_to_write, publish
from model_zoo import read_models

from mmmix.cli import user_errors
from mmmix.visualization import markdown_table

ROOT = Path(__file__).resolve().parents[1]
NAME = 'method table'
METRIC = 'Top 1 Accuracy'
# columns of published accuracies: data set, and how its configs begin
PUBLISHED = {
    'DeiT-S, ImageNet-1k': ('ImageNet-1k', 'deit-small_'),
    'ResNet-18, Tiny-ImageNet': ('Tiny-ImageNet', 'resnet18-cifar_'),
}
MEASURED = 'small ViT, 5,000 images of CIFAR-10'
# names of docs/results/small-data.json that are not those of a collection
RUNS = {'Vanilla': 'vanilla', 'Mixup+CutMix': 'Mixup + CutMix'}


def published(entries, method, dataset, start):
    """The accuracy of a method's config, and whose number it is: preferably
    that of the method's own paper."""
    found = [(entry['Config'], result) for entry in entries
             for result in entry.get('Results', ())
             if Path(entry['Config']).name.startswith(start)
             and '/ablations/' not in entry['Config']
             and result['Dataset'] == dataset and METRIC in result['Metrics']]
    if not found:
        return ''
    found.sort(key=lambda pair: not pair[1]['Source'].startswith(method))
    config, result = found[0]
    source = result['Source'].partition(',')[0].replace(' paper', '')
    source = source.replace("'s benchmark", '')
    return f'[{result["Metrics"][METRIC]}]({config}) ({source})'


def measured(root):
    """Our accuracies: mean and standard deviation over seeds, by method."""
    tables = json.loads((root / 'docs/results/small-data.json').read_text())
    # the last one has more seeds of some rows
    names = ('vit_cifar10-5000', 'vit_cifar10-5000_mixers',
             'vit_cifar10-5000_seeds')
    return {
        name: f'{mean:.1f} ± {std:.1f}'
        for table in names
        for name, mean, std, *_ in tables[table]['rows']
    }


def table(root):
    """The table in Markdown, a row for each method of classification."""
    collections, models = read_models(root)
    here = measured(root)
    rows = []
    for name, collection in collections.items():
        folder = Path(collection.get('README', '')).parent
        if 'downstream' in folder.parts:
            continue
        url = collection['Paper']['URL']
        kind = 'code' if 'github.com' in url else 'paper'
        rows.append([
            f'[{name}]({collection["README"]}) ([{kind}]({url}))',
            *(published(models[name], name, *column)
              for column in PUBLISHED.values()),
            here.pop(RUNS.get(name, name), '')
        ])
    if here:
        raise ValueError(f'These runs are of no method: {[*here]}.')
    return markdown_table(['method', *PUBLISHED, MEASURED], rows)


def main():
    page = page_to_write(__doc__)
    with user_errors():
        publish(page, NAME, table(ROOT))


if __name__ == '__main__':
    main()
