"""Paint the instance masks of COCO as a semantic set for MMSegmentation.

Reads DATA_ROOT/annotations/instances_SPLIT.json and writes a label map for
each image, DATA_ROOT/semantic/SPLIT/NAME.png. A label is the index of the
object's category among the categories of the file, sorted by id (0 to 79 for
COCO's own), and 255 where there is no object. Larger objects are painted
first, so that smaller ones stay visible. A crowd is painted as objects of its
category, before the others, because its outline is rough.

example: coco_semantic.py data/coco-tiny
         coco_semantic.py data/coco --splits val2017
"""
import os
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
from mmengine.fileio import load
from PIL import Image

from mmmix.cli import add_quiet, command_parser, user_errors
from mmmix.errors import MmmixError
from mmmix.progress import track

NOTHING = 255
COCO = 80  # categories


def paint(image, annotations, labels):
    """The label map of an image, uint8 `(h, w)`, from its entry of `images`,
    its annotations and the label of each category id."""
    from pycocotools import mask as coco_mask
    h, w = image['height'], image['width']
    painted = np.full((h, w), NOTHING, dtype=np.uint8)
    for annotation in sorted(
            annotations, key=lambda a:
        (-a.get('iscrowd', 0), -a['area'], a['id'])):
        shape = annotation['segmentation']
        if isinstance(shape, list):  # polygons, which may overlap
            shape = [polygon for polygon in shape if not is_flat(polygon)]
            if not shape:
                continue
            shape = coco_mask.merge(coco_mask.frPyObjects(shape, h, w))
        elif isinstance(shape['counts'], list):
            shape = coco_mask.frPyObjects(shape, h, w)
        painted[coco_mask.decode(shape) > 0] = labels[
            annotation['category_id']]
    return painted


def is_flat(polygon):
    """Whether an outline has fewer than three points."""
    return len(polygon) < 6


def targets_of(images, folder):
    """The file of each image's label map, in the folders of its name."""
    targets = {}
    for image in images:
        name = Path(image['file_name'])
        target = folder / name.with_suffix('.png')
        if name.is_absolute() or '..' in name.parts:
            raise MmmixError(f'The image {name} is outside of the folder of '
                             'images.')
        if target in targets:
            raise MmmixError(f'Two images of the file, {targets[target]} and '
                             f'{name}, have the same label map {target}.')
        targets[target] = name
    return [*targets]


def save_png(labels, path):
    """Save a label map: all of it, or leave the old file as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f'{path.name}.part')
    try:
        Image.fromarray(labels).save(part, format='PNG')
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def convert(root, split):
    """Paint one split and report what was painted."""
    ann_file = root / 'annotations' / f'instances_{split}.json'
    content = load(ann_file)
    missing = {'images', 'annotations', 'categories'} - set(content)
    if missing:
        raise MmmixError(f"'{ann_file}' is not an annotation file of COCO: "
                         f'it has no {", ".join(sorted(missing))}.')
    ids = sorted(category['id'] for category in content['categories'])
    if len(ids) > NOTHING:
        raise MmmixError(f"'{ann_file}' has {len(ids)} categories; the label "
                         f'maps hold up to {NOTHING}.')
    labels = {category: label for label, category in enumerate(ids)}
    by_image = defaultdict(list)
    for annotation in content['annotations']:
        if annotation['category_id'] not in labels:
            raise MmmixError(
                f"'{ann_file}': the annotation {annotation['id']} has the "
                f'category {annotation["category_id"]}, which is not in the '
                'list of the file.')
        by_image[annotation['image_id']].append(annotation)

    folder = root / 'semantic' / split
    targets = targets_of(content['images'], folder)
    pixels = Counter()
    for image, target in track([*zip(content['images'], targets)], split):
        painted = paint(image, by_image.get(image['id'], []), labels)
        save_png(painted, target)
        pixels.update(dict(zip(*np.unique(painted, return_counts=True))))
    report(split, folder, content, by_image, pixels)


def report(split, folder, content, by_image, pixels):
    """Print what was painted, and what cannot be seen."""
    painted = {image['id'] for image in content['images']}
    seen = [a for i in painted for a in by_image.get(i, [])]
    crowds = sum(a.get('iscrowd', 0) for a in seen)
    empty = len(painted - set(by_image))
    strangers = len(content['annotations']) - len(seen)
    flat = sum(
        is_flat(polygon) for a in seen if isinstance(a['segmentation'], list)
        for polygon in a['segmentation'])
    total = sum(pixels.values())
    print(f'{split}: {len(painted)} label maps in {folder}, '
          f'{len(seen) - crowds} objects and {crowds} crowds of '
          f'{len({a["category_id"] for a in seen})} categories; '
          f'{len(set(pixels) - {NOTHING})} categories are visible, on '
          f'{(total - pixels[NOTHING]) / max(total, 1):.1%} of the pixels. '
          f'{empty} images have no object' +
          (f'; {strangers} annotations are of images that are not in the '
           'file' if strangers else '') +
          (f'; {flat} outlines of fewer than three points are not painted'
           if flat else '') + '.')
    names = [
        category['name']
        for category in sorted(content['categories'], key=lambda c: c['id'])
    ]
    if len(names) != COCO:
        print(
            f'{split}: the categories are not the {COCO} of COCO: train with '
            "type='BaseSegDataset' and "
            f'metainfo=dict(classes={tuple(names)}), not with '
            'mmmix.COCOObjects, and set num_classes of the heads and of '
            f'LoadSegMap to {len(names)}.')


def main():
    parser = command_parser(__doc__)
    parser.add_argument(
        'data_root',
        type=Path,
        help="the folder with annotations/ and the images, in COCO's layout")
    parser.add_argument(
        '--splits',
        nargs='+',
        default=['train2017', 'val2017'],
        help='what to paint (default: train2017 val2017)')
    add_quiet(parser)
    args = parser.parse_args()
    with user_errors():
        for split in args.splits:
            convert(args.data_root, split)


if __name__ == '__main__':
    main()
