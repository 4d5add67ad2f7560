"""Data sets of a few small pictures, in the layouts of the real ones."""
import json

import numpy as np
from PIL import Image

# numbers with gaps, as in COCO
CATEGORIES = [(1, 'person'), (3, 'car'), (90, 'toothbrush')]
SIZES = [(48, 64), (64, 48), (40, 56), (48, 64)]


def square(x, y, side):
    """A square's polygon."""
    return [x, y, x + side, y, x + side, y + side, x, y + side]


def annotation(number, image, category, x, y, side, **more):
    return dict(
        dict(
            id=number,
            image_id=image,
            category_id=category,
            bbox=[x, y, side, side],
            area=side * side,
            iscrowd=0,
            segmentation=[square(x, y, side)]), **more)


def save_jpg(path, size, seed):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    Image.fromarray(rng.integers(0, 255, (*size, 3), np.uint8)).save(path)


def save_png(path, labels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(labels, np.uint8)).save(path)


def make_coco(root, categories=CATEGORIES, splits=('train2017', 'val2017')):
    """COCO with four images a split; the first has a crowd as well."""
    for split in splits:
        images, annotations = [], []
        ids = [number for number, _ in categories]
        for i, (h, w) in enumerate(SIZES):
            name = f'{i:012d}.jpg'
            save_jpg(root / split / name, (h, w), i)
            images.append(dict(id=i, file_name=name, height=h, width=w))
            for k in range(2):  # a small one on a large one
                annotations.append(
                    annotation(
                        len(annotations), i, ids[(i + k) % len(ids)],
                        4 + 8 * k, 6 + 8 * k, 30 - 18 * k))
        annotations.append(
            annotation(
                len(annotations),
                0,
                ids[0],
                0,
                0,
                4,
                iscrowd=1,
                area=192,
                bbox=[0, 0, 4, 48],
                segmentation=dict(size=[48, 64], counts=[0, 48 * 4, 48 * 60])))
        path = root / 'annotations' / f'instances_{split}.json'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            json.dumps(
                dict(
                    images=images,
                    annotations=annotations,
                    categories=[
                        dict(id=number, name=name)
                        for number, name in categories
                    ])))
    return root


def make_ade20k(root):
    """Three images: 0 is nothing, 1 to 150 are the classes."""
    for i, (h, w) in enumerate(SIZES[:3]):
        save_jpg(root / 'images' / f'{i}.jpg', (h, w), i)
        labels = np.arange(h * w).reshape(h, w) % 151
        save_png(root / 'annotations' / f'{i}.png', labels)
    return root
