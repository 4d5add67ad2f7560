"""Image files: damaged, turned, of one channel: B022, B024, B104."""
import io
import json

import mmcv
import numpy as np
import pytest
from mmengine.registry import DefaultScope
from mmpretrain.datasets import CustomDataset
from PIL import Image
from tiny_dense_data import annotation

from mmmix.datasets import LoadImage


def photo(height=96, width=120, seed=0):
    """A smooth picture, so that its JPEG is like that of a photo."""
    noise = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return Image.fromarray(noise).resize((width, height), Image.BICUBIC)


def jpeg(image, **kwargs):
    content = io.BytesIO()
    image.save(content, 'JPEG', **kwargs)
    return content.getvalue()


def turned(path, orientation=6, **kwargs):
    """Save a photo with an EXIF orientation."""
    image = photo(**kwargs)
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(path, exif=exif)


def load(path, **kwargs):
    return LoadImage(**kwargs)(dict(img_path=str(path)))['img']


KINDS = [
    dict(),
    dict(quality=95, subsampling=0),
    dict(progressive=True),
    dict(restart_marker_rows=1)
]


@pytest.mark.parametrize('backend', ['cv2', 'pillow'])
@pytest.mark.parametrize('share', [0.5, 0.3, 0.8, 0.97])
@pytest.mark.parametrize('kind', KINDS, ids=str)
def test_b024_a_cut_jpeg_that_ends_as_one(tmp_path, kind, share, backend):
    """Unlisted: other kinds of JPEG, and where they are cut."""
    path = tmp_path / 'half.jpg'
    whole = jpeg(photo(), **kind)
    path.write_bytes(whole[:int(share * len(whole))] + b'\xff\xd9')
    with pytest.raises(ValueError, match='half.jpg.*truncated'):
        load(path, imdecode_backend=backend)
    path.write_bytes(whole)
    np.testing.assert_array_equal(
        load(path, imdecode_backend=backend),
        mmcv.imfrombytes(whole, backend=backend))


def test_b024_it_is_skipped_on_request(tmp_path):
    (tmp_path / 'a').mkdir()
    whole = jpeg(photo())
    (tmp_path / 'a/half.jpg').write_bytes(whole[:len(whole) // 2] +
                                          b'\xff\xd9')
    (tmp_path / 'a/whole.jpg').write_bytes(whole)
    load = LoadImage(on_error='skip')
    data = CustomDataset(data_root=str(tmp_path), pipeline=[load])
    assert [s['img_path'][-9:] for s in data] == ['whole.jpg'] * 2


def test_b024_unlisted_the_end_marker_of_a_thumbnail(tmp_path):
    exif = Image.Exif()
    exif[0x010f] = 'maker'
    small = jpeg(photo(12, 16))
    content = jpeg(photo(), exif=exif.tobytes() + small)
    assert content.index(small) < 200
    path = tmp_path / 'half.jpg'
    path.write_bytes(content[:-len(content) // 4])
    with pytest.raises(ValueError, match='half.jpg.*not a readable'):
        load(path)
    path.write_bytes(content)
    assert load(path).shape == (96, 120, 3)


def framed(color):
    image = np.full((96, 120, 3), color, np.uint8)
    image[16:-16, 16:-16] = np.asarray(photo(64, 88))
    return Image.fromarray(image)


@pytest.mark.parametrize(
    'content', [
        jpeg(framed(255)),
        jpeg(framed(0), progressive=True),
        jpeg(Image.new('RGB', (40, 40), 'red')),
        jpeg(framed(9).convert('L')),
        jpeg(framed(9).convert('CMYK')),
        jpeg(framed(255)) + b'a note after the image',
        jpeg(framed(255)) + jpeg(photo()),
        jpeg(Image.new('RGB', (1, 1))),
    ],
    ids=[
        'frame', 'progressive', 'one color', 'grey', 'cmyk', 'followed', 'two',
        'pixel'
    ])
def test_unlisted_whole_jpegs_with_plain_corners(tmp_path, content):
    path = tmp_path / 'whole.jpg'
    path.write_bytes(content)
    np.testing.assert_array_equal(load(path), mmcv.imfrombytes(content))


@pytest.mark.parametrize('kind', ['PNG', 'WEBP', 'BMP'])
def test_unlisted_other_cut_files(tmp_path, kind):
    content = io.BytesIO()
    photo().save(content, kind)
    (tmp_path / 'half').write_bytes(content.getvalue()[:-200])
    with pytest.raises(ValueError, match='half.*not a readable image'):
        load(tmp_path / 'half')


@pytest.mark.parametrize('backend', ['cv2', 'pillow'])
@pytest.mark.parametrize('orientation', [6, 3, 8])
def test_b022_an_exif_orientation(tmp_path, backend, orientation):
    """3 and 8 are unlisted."""
    path = tmp_path / 'turned.jpg'
    turned(path, orientation)
    flat = load(
        path, imdecode_backend=backend, color_type='color_ignore_orientation')
    assert flat.shape == (96, 120, 3)
    turns = {6: 3, 3: 2, 8: 1}[orientation]  # counterclockwise
    np.testing.assert_array_equal(
        load(path, imdecode_backend=backend), np.rot90(flat, turns))


def test_b022_an_image_of_one_channel(tmp_path):
    """Unlisted; what the model makes of it is the preflight's."""
    photo().convert('L').save(tmp_path / 'grey.png')
    path = tmp_path / 'grey.png'
    assert load(path, color_type='grayscale').shape == (96, 120)
    assert load(path).shape == (96, 120, 3)


@pytest.mark.parametrize('orientation', [6, 5, 8])
def test_b104_boxes_under_an_exif_orientation(tmp_path, orientation):
    """5 and 8 are unlisted."""
    path = tmp_path / 'turned.jpg'
    turned(path, orientation)
    sample = dict(img_path=str(path), height=96, width=120)
    with pytest.raises(ValueError) as error:
        LoadImage()(dict(sample))
    for part in ('turned.jpg', 'is 120 x 96', 'for 96 x 120',
                 "color_type='color_ignore_orientation'"):
        assert part in str(error.value)
    flat = LoadImage(color_type='color_ignore_orientation')(dict(sample))
    assert flat['img'].shape == (96, 120, 3)
    assert LoadImage()(dict(sample, height=120,
                            width=96))['img'].shape == (120, 96, 3)


def boxes(root, segmentation):
    (root / 'img').mkdir()
    turned(root / 'img/0.jpg', height=48, width=64)
    (root / 'ann.json').write_text(
        json.dumps(
            dict(
                images=[dict(id=0, file_name='0.jpg', height=48, width=64)],
                annotations=[
                    annotation(0, 0, 1, 5, 8, 20, segmentation=segmentation)
                ],
                categories=[dict(id=1, name='cat')])))


@pytest.mark.downstream
@pytest.mark.parametrize('config', [
    'downstream/_base_/detection_coco.py',
    'downstream/small/_base_/coco-tiny_instances.py'
])
@pytest.mark.parametrize(
    'segmentation', [
        [[5, 8, 25, 8, 25, 28, 5, 28]],
        dict(size=[48, 64], counts=[392, 20, 28, 20, 2612]),
    ],
    ids=['polygon', 'run lengths'])
def test_b104_a_detection_config(tmp_path, config, segmentation):
    pytest.importorskip('mmdet')
    from mmmix.cli import load_config
    from mmmix.datasets.detection import CocoDataset
    boxes(tmp_path, segmentation)
    cfg = load_config(config)
    with DefaultScope.overwrite_default_scope('mmdet'):
        data = CocoDataset(
            data_root=str(tmp_path),
            ann_file='ann.json',
            data_prefix=dict(img='img'),
            metainfo=dict(classes=('cat', )),
            pipeline=cfg.train_dataloader.dataset.pipeline)
    with pytest.raises(ValueError, match='is 64 x 48 .* for 48 x 64'):
        data[0]


@pytest.mark.downstream
@pytest.mark.parametrize('steps', [
    ['mmmix.LoadSegMap'],
    ['Resize', 'mmmix.LoadSegMap'],
])
@pytest.mark.parametrize('size', [(48, 64), (40, 40)])
def test_b104_unlisted_label_maps(tmp_path, steps, size):
    """Under a turned photo, and of another size for any other reason."""
    pytest.importorskip('mmseg')
    from mmseg.registry import TRANSFORMS

    from mmmix.datasets.segmentation import LoadSegMap  # noqa: F401
    turned(tmp_path / '0.jpg', height=48, width=64)
    Image.fromarray(np.zeros(size, np.uint8)).save(tmp_path / '0.png')
    options = {
        'Resize': dict(scale=(32, 32)),
        'mmmix.LoadSegMap': dict(num_classes=2)
    }

    def run(**kwargs):
        results = dict(
            img_path=str(tmp_path / '0.jpg'),
            seg_map_path=str(tmp_path / '0.png'),
            seg_fields=[],
            reduce_zero_label=False,
            label_map=None)
        with DefaultScope.overwrite_default_scope('mmseg'):
            for step in [
                    dict(type='LoadImageFromFile', **kwargs),
                    *(dict(type=name, **options[name]) for name in steps)
            ]:
                results = TRANSFORMS.build(step)(results)
        return results

    with pytest.raises(ValueError, match=f'64 x 48 .* for {size[0]} x '):
        run()
    if size == (48, 64):
        run(color_type='color_ignore_orientation')
