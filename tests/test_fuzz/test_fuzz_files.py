"""Damaged bytes as checkpoints, annotations and images: they are read, or the
error names the file."""
import io
import itertools
import pickle
import warnings

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from mmengine.logging import HistoryBuffer
from strategies import COUNTED, fuzz

from mmmix.checkpoint import load_weights
from mmmix.datasets import (CustomDataset, LoadImage, LoadLabelMap,
                            TinyImageNet, WnidImages)
from mmmix.datasets.fixations import (read_cub_gha, read_fixations,
                                      read_image_ids)
from mmmix.errors import MmmixError

NAMES = itertools.count()


@st.composite
def damaged(draw, whole):
    """Noise, or some bytes with changes."""
    if not draw(st.integers(0, 5)):
        return draw(st.binary(max_size=300))
    content = bytearray(draw(st.sampled_from(whole)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        how = draw(
            st.sampled_from(['flip', 'cut', 'put', 'drop', 'twice', 'zero']))
        some = draw(st.binary(min_size=1, max_size=8))
        if how == 'flip' and content:
            content[at] ^= 1 << draw(st.integers(0, 7))
        elif how == 'cut':
            del content[at:]
        elif how == 'put':
            content[at:at] = some
        elif how == 'drop':
            del content[at:at + len(some)]
        elif how == 'twice':
            content[at:at] = content[at:at + 40]
        elif how == 'zero':
            content[at:at + len(some)] = bytes(len(content[at:at + len(some)]))
    return bytes(content)


def check(folder, suffix, content, read, name='fuzzed'):
    """Read a file of this content."""
    COUNTED['files'] += 1
    path = folder / f'{name}{next(NAMES)}{suffix}'
    path.write_bytes(content)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            return read(path)
    except MmmixError as error:
        assert path.name in str(error), f'names no file: {error}'
    finally:
        path.unlink()


def saved(content, **kwargs):
    file = io.BytesIO()
    torch.save(content, file, **kwargs)
    return file.getvalue()


def checkpoints():
    model = torch.nn.Linear(2, 2)
    content = dict(
        state_dict=model.state_dict(),
        meta=dict(cfg='model = dict(backbone=dict(img_size=8))', epoch=3),
        message_hub=dict(
            log_scalars=dict(loss=HistoryBuffer([1., 2.], [1, 1])),
            runtime_info=dict(best=np.float64(2))),
        optimizer=dict(state={}, param_groups=[dict(lr=0.1, params=[0])]))
    found = [
        saved(content),
        saved(content, _use_new_zipfile_serialization=False),
        pickle.dumps(dict(a=[1, 'x', np.arange(3)])),
        b'<!DOCTYPE html><html></html>',
    ]
    return found


def safetensors_files():
    save = pytest.importorskip('safetensors.torch').save
    return [save({'weight': torch.ones(2, 2), 'bias': torch.ones(2)})]


@pytest.mark.parametrize('suffix, share', [('.pth', 0.3),
                                           ('.safetensors', 0.05)])
def test_checkpoints(suffix, share, tmp_path):
    files = checkpoints() if suffix == '.pth' else safetensors_files()

    @fuzz(few=30, share=share)
    @given(damaged(files))
    def run(content):
        check(tmp_path, suffix, content,
              lambda path: load_weights(torch.nn.Linear(2, 2), str(path)))

    run()


def tiny_imagenet(path):
    root = path.parent
    (root / 'wnids.txt').write_bytes(path.read_bytes())
    (root / 'words.txt').write_text('n01440764\ttench\n')
    try:
        TinyImageNet(str(root), split='val')
    except FileNotFoundError:
        pass  # of the images' own lists


def label_map(path):
    LoadLabelMap(str(path.parent), 3, str(path.parent), path.suffix).transform(
        dict(img_path=str(path.with_suffix('.jpg'))))


def in_memory(save, *args, **kwargs):
    file = io.BytesIO()
    save(file, *args, **kwargs)
    return file.getvalue()


ANNOTATIONS = dict(
    labels=('.txt', [b'cat/a.jpg 0\ndog/b b.jpg 1\n', b'\xef\xbb\xbfa\t1\r\n'],
            lambda path: CustomDataset(str(path.parent), ann_file=path.name
                                       ).get_data_info(0)),
    wnids=('.txt', [b'a.jpg n01440764\nb.jpg n01443537\n'],
           lambda path: WnidImages(str(path.parent), ann_file=path.name)),
    fixations=('.csv', [b'image,x,y,duration\nbird.jpg,.5,.25,300\n'],
               read_fixations),
    cub_gha=('.txt', [
        b'7,100,50,10,20,300,50,25,100\n',
        b'7,100,50,1000,500,10,20,50,60,100\n'
    ], read_cub_gha),
    image_ids=('.txt', [b'1 001.Albatross/a.jpg\n2 002/b.jpg\n'],
               read_image_ids),
    label_maps_pt=('.pt', [
        saved(torch.zeros(3, 2, 2)),
        saved(torch.zeros(2, 1, 2, 2))
    ], label_map),
    label_maps_npy=('.npy', [in_memory(np.save, np.zeros(
        (3, 2, 2)))], label_map),
    label_maps_npz=('.npz', [
        in_memory(np.savez, maps=np.zeros((3, 2, 2))),
        in_memory(
            np.savez, values=np.zeros((1, 2, 2)), indices=np.zeros((1, 2, 2)))
    ], label_map))


@pytest.mark.parametrize('name', ANNOTATIONS)
def test_annotations(name, tmp_path):
    suffix, files, read = ANNOTATIONS[name]

    @fuzz(few=12, share=0.35 / len(ANNOTATIONS))
    @given(damaged(files))
    def run(content):
        check(tmp_path, suffix, content, read)

    run()


IMAGES = ('.jpg', '.png', '.bmp', '.webp', '.tif', '.gif')


def images():
    grey = (np.indices((12, 20)).sum(0) * 7 % 256).astype(np.uint8)
    colour = np.stack([grey, grey.T.reshape(12, 20), 255 - grey], 2)
    alpha = np.dstack([colour, grey])
    pictures = [(suffix, picture) for suffix in IMAGES[:-1]
                for picture in (grey, colour)]
    pictures += [('.png', alpha), ('.png', grey.astype(np.uint16) * 257)]
    return [
        cv2.imencode(suffix, picture)[1].tobytes()
        for suffix, picture in pictures
    ]


@pytest.mark.parametrize('backend', ['cv2', 'pillow'])
@pytest.mark.parametrize('color_type', ['color', 'unchanged'])
def test_images(backend, color_type, tmp_path):

    @fuzz(few=20, share=0.3 / 4)
    @given(damaged(images()), st.sampled_from(IMAGES))
    def run(content, suffix):
        load = LoadImage(imdecode_backend=backend, color_type=color_type)
        found = check(tmp_path, suffix, content,
                      lambda path: load.transform(dict(img_path=str(path))))
        if found is not None:
            assert found['img'].size and found['img'].ndim in (2, 3)
            assert found['img_shape'] == found['img'].shape[:2]

    run()
