"""Image files of every kind: what becomes of their colors, whatever decodes
them and whatever they are called, and which are refused."""
import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import DefaultScope
from PIL import Image

from mmmix.cli import load_config
from mmmix.datasets import LoadImage, LoadMask, collate
from mmmix.datasets.decoding import Undecodable, decode
from mmmix.errors import MmmixError

ROOT = Path(__file__).parents[2]
BACKENDS = ('cv2', 'pillow')
GRAY = np.array([[0, 100, 255]], np.uint8)
DEEP = np.array([[0, 255, 256, 1000, 32768, 65535]], np.uint16)
HIGH = [0, 0, 1, 3, 128, 255]  # the upper bytes
COLORS = np.array([[[10, 20, 200], [30, 40, 50]]], np.uint8)
ALPHA = np.array([[128, 0]], np.uint8)


def encoded(image, kind, **kwargs):
    content = io.BytesIO()
    image.save(content, kind, **kwargs)
    return content.getvalue()


def of_opencv(image, suffix='.png'):
    return cv2.imencode(suffix, image)[1].tobytes()


def palette(kind, **kwargs):
    image = Image.new('P', (2, 1))
    image.putpalette(COLORS.ravel().tolist())
    image.putdata([0, 1])
    return encoded(image, kind, **kwargs)


def photo():
    noise = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    return Image.fromarray(noise).resize((32, 24), Image.BICUBIC)


def load(folder, content, name='image.jpg', **kwargs):
    path = folder / name
    path.write_bytes(content)
    return LoadImage(**kwargs)(dict(img_path=str(path)))['img']


def three(values):
    return [[value] * 3 for value in values]


RGB = COLORS[0].tolist()
KINDS = {
    'gray': (encoded(Image.fromarray(GRAY), 'PNG'), three([0, 100, 255])),
    'one bit': (encoded(Image.fromarray(GRAY[:, ::2] > 0),
                        'PNG'), three([0, 255])),
    'gray, 16 bits': (of_opencv(DEEP), three(HIGH)),
    'gray, 16 bits, TIFF': (of_opencv(DEEP, '.tif'), three(HIGH)),
    'color, 16 bits': (of_opencv(np.dstack([DEEP] * 3)), three(HIGH)),
    'alpha, 16 bits': (of_opencv(np.dstack([DEEP] * 3 + [DEEP // 2])),
                       three(HIGH)),
    'gray with alpha':
    (encoded(Image.fromarray(np.dstack([GRAY[:, 1:], ALPHA])),
             'PNG'), three([100, 255])),
    'alpha': (encoded(Image.fromarray(np.dstack([COLORS, ALPHA])),
                      'PNG'), RGB),
    'alpha, TIFF':
    (encoded(Image.fromarray(np.dstack([COLORS, ALPHA])), 'TIFF'), RGB),
    'color key':
    (encoded(Image.fromarray(COLORS), 'PNG', transparency=(10, 20, 200)), RGB),
    'palette': (palette('PNG'), RGB),
    'palette with alpha': (palette('PNG', transparency=bytes([0, 128])), RGB),
    'GIF': (palette('GIF'), RGB),
    'CMYK': (encoded(
        Image.fromarray(
            np.array([[[245, 235, 55, 0], [0, 0, 0, 205]]], np.uint8), 'CMYK'),
        'TIFF'), [[10, 20, 200], [50, 50, 50]]),
    'another suffix': (encoded(Image.fromarray(COLORS), 'BMP'), RGB),
}


@pytest.mark.filterwarnings('ignore:Palette images with Transparency')
@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize('kind', KINDS)
def test_colors_are_the_documented_ones(tmp_path, kind, backend):
    content, expected = KINDS[kind]
    if (kind, backend) == ('GIF', 'cv2') and cv2.imdecode(
            np.frombuffer(content, np.uint8), 1) is None:
        pytest.skip('this OpenCV decodes no GIF')
    image = load(tmp_path, content, imdecode_backend=backend)
    assert image.dtype == np.uint8
    assert image[0, :, ::-1].tolist() == expected
    gray = load(
        tmp_path, content, imdecode_backend=backend, color_type='grayscale')
    weighed = np.array(expected) @ [.299, .587, .114]
    np.testing.assert_allclose(gray[0], weighed, atol=1)


def test_a_cmyk_jpeg_is_alike_with_both_decoders(tmp_path):
    content = encoded(photo().convert('CMYK'), 'JPEG')
    one, other = (
        load(tmp_path, content, imdecode_backend=name).astype(int)
        for name in BACKENDS)
    assert abs(one - other).max() <= 2
    assert abs(one[..., ::-1] - np.asarray(photo()).astype(int)).mean() < 6


@pytest.mark.parametrize('backend', BACKENDS)
def test_unchanged_is_as_the_decoder_gives_it(tmp_path, backend):
    options = dict(imdecode_backend=backend, color_type='unchanged')
    np.testing.assert_array_equal(
        load(tmp_path, of_opencv(DEEP), **options), DEEP)


@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize('values', [np.float32, np.int32])
def test_values_without_a_range_are_refused(tmp_path, values, backend):
    content = encoded(Image.fromarray(GRAY.astype(values)), 'TIFF')
    with pytest.raises(MmmixError, match='image.jpg.*cv2 cannot decode it'):
        load(tmp_path, content, imdecode_backend=backend)


@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize('suffix', ['.png', '.jpeg', '.JPG', '.bmp', ''])
@pytest.mark.parametrize('kind', ['PNG', 'JPEG', 'WEBP', 'TIFF'])
def test_suffixes_do_not_matter(tmp_path, kind, suffix, backend):
    content = encoded(photo(), kind)
    image = load(tmp_path, content, f'x{suffix}', imdecode_backend=backend)
    assert image.shape == (24, 32, 3)


def test_what_an_orientation_turns(tmp_path):
    """JPEG and PNG by both decoders, WebP by Pillow alone."""
    exif = photo().getexif()
    exif[0x0112] = 6
    turned = {
        (kind, name):
        load(
            tmp_path, encoded(photo(), kind, exif=exif),
            imdecode_backend=name).shape[:2] == (32, 24)
        for kind in ('JPEG', 'PNG', 'WEBP')
        for name in BACKENDS
    }
    assert [key for key in turned if not turned[key]] == [('WEBP', 'cv2')]


GOOD = encoded(photo(), 'PNG')
BAD = {
    'empty': (b'', 'the file is empty'),
    'zeros': (bytes(1000), 'cannot decode it'),
    'page': (b'<html><body>404 Not Found', 'cannot decode it'),
    'cut PNG': (GOOD[:len(GOOD) // 2], ''),
    'cut header': (GOOD[:20], ''),
    'check sum': (GOOD[:500] + bytes([GOOD[500] ^ 9]) + GOOD[501:], ''),
    'cut JPEG': (encoded(photo(), 'JPEG')[:-200], 'the JPEG is truncated'),
    'cut GIF': (palette('GIF')[:-12], ''),
    'cut TIFF': (encoded(photo(), 'TIFF')[:900], ''),
}


@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize('kind', BAD)
def test_what_cannot_be_decoded_is_named_or_skipped(tmp_path, kind, backend):
    content, reason = BAD[kind]
    name = 'two\nlines "quoted" \'é\'.jpg'
    with pytest.raises(MmmixError) as error:
        load(tmp_path, content, name, imdecode_backend=backend)
    message = str(error.value)
    assert repr(str(tmp_path / name)) in message
    assert reason in message and "on_error='skip'" in message
    assert '\n' not in message and ' at 0x' not in message
    step = LoadImage(on_error='skip', imdecode_backend=backend)
    assert step(dict(img_path=str(tmp_path / name))) is None


def test_broken_bytes_raise_nothing_foreign():
    """JPEG has no check sum: what remains decodable passes, and nothing else
    than Undecodable is raised."""
    rng = np.random.default_rng(0)
    for kind in ('JPEG', 'PNG', 'GIF', 'TIFF', 'WEBP', 'BMP'):
        whole = encoded(photo(), kind)
        for number in range(30):
            content = bytearray(whole[:rng.integers(1, len(whole) + 1)])
            for place in rng.integers(0, len(content), number % 4):
                content[place] = rng.integers(256)
            try:
                image = decode(bytes(content), backend=BACKENDS[number % 2])
                assert image.shape[2:] == (3, )
            except Undecodable:
                pass


@pytest.mark.parametrize('missing, said', [
    ('cat/0.jpg', "its folder '{root}/cat' does not exist"),
    ('pets/cat/0.jpg', "its folder '{root}/pets' does not exist"),
    ('0.jpg', 'its folder exists'),
])
def test_a_missing_file_and_its_folder_are_named(tmp_path, missing, said):
    with pytest.raises(FileNotFoundError) as error:
        LoadImage(on_error='skip')(dict(img_path=str(tmp_path / missing)))
    assert f"'{tmp_path / missing}'" in str(error.value)
    assert said.format(root=tmp_path) in str(error.value)


def test_what_cannot_be_read_is_named(tmp_path):
    (tmp_path / 'folder.jpg').mkdir()
    with pytest.raises(MmmixError, match='folder.jpg.*cannot be read: Is a'):
        LoadImage(on_error='skip')(dict(img_path=str(tmp_path / 'folder.jpg')))


def training_pipelines():
    """Those of the configs that read image files, without label maps."""
    for path in sorted(ROOT.glob('configs/_base_/datasets/*.py')):
        dataset = Config.fromfile(path).train_dataloader.dataset
        reads = [step for step in dataset.pipeline if 'Load' in step.type]
        if len(reads) == 1:
            yield path.stem, dataset.pipeline


PIPELINES = dict(training_pipelines())


@pytest.mark.parametrize('name', PIPELINES)
def test_a_pixel_goes_through_each_training_pipeline(tmp_path, name):
    steps = PIPELINES[name]
    assert steps[0].type == 'mmmix.LoadImage'
    with DefaultScope.overwrite_default_scope('mmmix'):
        pipeline = Compose(steps)
    for size in ((1, 1), (1, 40)):
        path = tmp_path / 'small.png'
        Image.new('RGB', size, (1, 2, 3)).save(path)
        sample = pipeline(dict(img_path=str(path), gt_label=0))
        assert sample['inputs'].shape[0] == 3


def test_images_of_other_sizes_are_named(tmp_path):
    """In configs that expect all images in one size, such as Tiny-ImageNet's,
    nothing resizes a single pixel."""
    with DefaultScope.overwrite_default_scope('mmmix'):
        pipeline = Compose(PIPELINES['tiny_imagenet'][-1:])
    samples = [
        pipeline(
            dict(
                img=np.zeros((side, side, 3), np.uint8),
                img_path=f'{side}.png',
                gt_label=0)) for side in (8, 8, 1)
    ]
    assert collate(samples[:2])['inputs'].shape == (2, 3, 8, 8)
    with pytest.raises(
            MmmixError, match="'8.png' is 3 x 8 x 8 and '1.png' 3 x 1 x 1"):
        collate(samples)


@pytest.mark.downstream
@pytest.mark.parametrize('name', [
    'downstream/_base_/segmentation_ade20k.py',
    'downstream/_base_/segmentation_pascal-context.py',
    'downstream/small/_base_/coco-tiny_semantic.py',
    'downstream/_base_/detection_coco.py',
    'downstream/small/_base_/coco-tiny_instances.py'
])
def test_downstream_training_names_them_too(tmp_path, name):
    pytest.importorskip('mmseg')
    pytest.importorskip('mmdet')
    from mmengine.registry import TRANSFORMS
    step = load_config(name).train_dataloader.dataset.pipeline[0]
    (tmp_path / 'half.jpg').write_bytes(encoded(photo(), 'JPEG')[:-200])
    with DefaultScope.overwrite_default_scope('mmengine'):
        transform = TRANSFORMS.build(step)
    with pytest.raises(MmmixError, match='half.jpg.*truncated'):
        transform(dict(img_path=str(tmp_path / 'half.jpg')))


LABELS = np.array([[0, 1], [255, 1]], np.uint8)
MAP = encoded(Image.fromarray(LABELS), 'PNG')


@pytest.mark.parametrize('kind', [
    'LoadMask',
    pytest.param('LoadSegMap', marks=pytest.mark.downstream),
])
@pytest.mark.parametrize('backend', BACKENDS)
@pytest.mark.parametrize('content', [b'', MAP[:44], b'x'])
def test_a_bad_label_map_is_named_or_skipped(tmp_path, content, backend, kind):
    step, skipping = label_map_steps(kind, backend)
    path = tmp_path / 'map.png'
    sample = dict(
        img_path='image.png',
        seg_map_path=str(path),
        seg_fields=[],
        reduce_zero_label=False,
        label_map=None)
    path.write_bytes(MAP)
    assert step(dict(sample))['gt_seg_map'].tolist() == LABELS.tolist()
    with pytest.raises(MmmixError, match="'image.png' is 9 x 2 .* 2 x 2"):
        step(dict(sample, ori_shape=(9, 2)))
    path.write_bytes(content)
    with pytest.raises(
            MmmixError, match="map.png. is not a readable label.*='skip'"):
        step(dict(sample))
    assert skipping(dict(sample)) is None
    path.unlink()
    with pytest.raises(FileNotFoundError, match='map.png'):
        skipping(dict(sample))


def label_map_steps(kind, backend):
    """One that raises and one that skips."""
    if kind == 'LoadMask':
        return [
            LoadMask(imdecode_backend=backend, on_error=word)
            for word in ('raise', 'skip')
        ]
    pytest.importorskip('mmseg')
    from mmmix.datasets.segmentation import LoadSegMap
    return [
        LoadSegMap(num_classes=2, imdecode_backend=backend, on_error=word)
        for word in ('raise', 'skip')
    ]
