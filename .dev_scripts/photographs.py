"""Save four photographs of objects that ImageNet has, in folders by wnid.

They are those of the playground: squares of scikit-image's (pip install
scikit-image) in the public domain. Pictures made of them can be published,
unlike those of ImageNet's images.

example: python .dev_scripts/photographs.py data/photographs
"""
from pathlib import Path

from mmmix.cli import command_parser
from mmmix.cli.playground.images import PHOTOGRAPHS, photograph


def main():
    parser = command_parser(__doc__)
    parser.add_argument('folder', type=Path)
    folder = parser.parse_args().folder
    for name, (wnid, _) in PHOTOGRAPHS.items():
        path = folder / wnid / f'{name}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        photograph(name).save(path)
    print(f'{len(PHOTOGRAPHS)} photographs in {folder}')


if __name__ == '__main__':
    main()
