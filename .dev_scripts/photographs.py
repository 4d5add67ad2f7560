"""Save four photographs of objects that ImageNet has, in folders by wnid.

They are squares of scikit-image's (pip install scikit-image) in the public
domain: the cat and the coffee were given by their photographers, S. van der
Walt and R. Michetti, the photographer by L. Varshney (all CC0), the rocket by
SpaceX. Pictures made of them can be published, unlike those of ImageNet's
images.

example: python .dev_scripts/photographs.py data/photographs
"""
import argparse
from pathlib import Path

from PIL import Image

# the function of skimage.data, what ImageNet calls its object, and the left
# border of the square that is taken
PHOTOGRAPHS = dict(
    chelsea=('n02124075', 25),  # Egyptian cat
    coffee=('n07920052', 100),  # espresso
    rocket=('n03773504', 85),  # missile
    camera=('n04485082', 0))  # tripod


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', type=Path)
    folder = parser.parse_args().folder
    from skimage import data
    for name, (wnid, left) in PHOTOGRAPHS.items():
        path = folder / wnid / f'{name}.png'
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(getattr(data, name)()).convert('RGB')
        height = image.size[1]
        image.crop((left, 0, left + height, height)).save(path)
    print(f'{len(PHOTOGRAPHS)} photographs in {folder}')


if __name__ == '__main__':
    main()
