"""Fixation files, broken ones too, and the maps they become."""
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import Compose

from mmmix.analysis.truth import truth_maps
from mmmix.cli import load_config
from mmmix.datasets import gaze_map, read_cub_gha, read_fixations
from mmmix.registry import TRANSFORMS

REAL = Path(__file__).parents[2] / 'data/cub-gha/Fixation_run1_head400.txt'
# image 7, 100 x 50 pixels, three fixations
RUN = '7,100,50,10,20,300,50,25,100,90,40,200'
# the same on a screen: at (400, 100), four times as large
SCREEN = '7,100,50,400,200,400,100,440,180,300,600,200,100,760,260,200'


@pytest.fixture
def write(tmp_path):

    def write(*lines, name='Fixation.txt'):
        path = tmp_path / name
        path.write_text('\n'.join(lines) + '\n')
        return path

    return write


@pytest.mark.parametrize('line', [RUN, SCREEN])
def test_both_forms_say_the_same(write, line):
    gaze = read_cub_gha(write(line))
    assert list(gaze.points) == ['7']
    assert np.allclose(gaze.points['7'],
                       [[.1, .4, 300], [.5, .5, 100], [.9, .8, 200]])
    assert gaze.outside == 0 and not gaze.broken


def test_fixations_are_pooled_over_subjects(write):
    gaze = read_cub_gha(
        write(RUN, '8,20,20,3,3,50', RUN), write(SCREEN, name='run2.txt'))
    assert len(gaze.points['7']) == 9 and len(gaze.points['8']) == 1
    assert gaze.num_points == 10


def test_broken_lines_are_counted_by_number(write):
    gaze = read_cub_gha(
        write(RUN, '7,100,50,10', '', '7,100,50,1,2,x', '7,0,50,1,2,3',
              '7,100,50,1,2,nan', '7,100,50,1,2,-3', '9,10,10'))
    assert len(gaze.points['7']) == 3 and len(gaze.points['9']) == 0
    numbers = [text.split(':')[0] for text in gaze.broken]
    assert numbers == [f'Fixation.txt, line {i}' for i in (2, 4, 5, 6, 7)]
    assert '5 broken lines skipped: Fixation.txt, line 2' in gaze.summary()


def test_fixations_off_the_image_are_counted(write):
    gaze = read_cub_gha(write('7,100,50,-1,20,9,101,20,9,50,51,9,100,50,9'))
    assert gaze.outside == 3
    assert gaze.points['7'].tolist() == [[1, 1, 9]]


def test_maps_by_hand(write):
    gaze = read_cub_gha(write(RUN))
    for weight, shares in (('duration', [3, 1, 2]), ('count', [1, 1, 1])):
        values = gaze.map('7', (50, 100), sigma=0.02, weight=weight)
        assert values.dtype == np.float32
        assert values.sum() == pytest.approx(1, abs=1e-5)
        near = np.array([
            values[y - 8:y + 8, x - 8:x + 8].sum()
            for x, y in ((10, 20), (50, 25), (90, 40))
        ])
        assert np.allclose(near * sum(shares), shares, atol=1e-3)
    # another size, the same place
    small = gaze.map('7', (10, 40), sigma=0.02)
    assert np.unravel_index(small.argmax(), small.shape) in [(3, 3), (3, 4),
                                                             (4, 3), (4, 4)]
    assert not gaze.map('99', (4, 4)).any()
    with pytest.raises(ValueError, match="'duration', 'count'"):
        gaze.map('7', (4, 4), weight='time')
    with pytest.raises(ValueError, match='positive number'):
        gaze.map('7', (4, 4), sigma=0)


@pytest.mark.skipif(not REAL.is_file(), reason='the file is not at hand')
def test_the_real_file():
    gaze = read_cub_gha(REAL)
    assert len(gaze.points) == 400 and gaze.num_points == 3487
    assert gaze.outside == 0 and not gaze.broken
    lasting = np.concatenate(list(gaze.points.values()))[:, 2]
    assert lasting.min() >= 50 and 250 < lasting.mean() < 350
    for image in list(gaze.points)[:5]:
        values = gaze.map(image, (375, 500))
        assert values.sum() == pytest.approx(1, abs=1e-4)


def test_what_is_not_a_gaze_file(write, tmp_path):
    with pytest.raises(FileNotFoundError, match='gone.txt'):
        read_cub_gha(tmp_path / 'gone.txt')
    with pytest.raises(ValueError, match='no line of fixations'):
        read_cub_gha(write('a,b,c', ''))


@pytest.fixture
def table(write):

    def write_table(*lines, name='gaze.csv'):
        return write('image,x,y,duration', *lines, name=name)

    return write_table


def test_tables_are_pooled(table):
    gaze = read_fixations(
        table('b.jpg,.5,.25,300', 'a.jpg, 0, 1, 50.5', '', 'b.jpg,1,0,0'),
        table('b.jpg,.1,.2,9', 'b.jpg,1.1,.2,9', name='second.csv'))
    assert gaze.points['a.jpg'].tolist() == [[0, 1, 50.5]]
    assert gaze.points['b.jpg'].tolist() == [[.5, .25, 300], [1, 0, 0],
                                             [.1, .2, 9]]
    assert gaze.outside == 1 and not gaze.broken


@pytest.mark.parametrize('line', [
    'a.jpg,.5,.25', 'a.jpg,.5,.25,3,4', 'a.jpg,.5,x,3', 'a.jpg,.5,nan,3',
    'a.jpg,.5,.25,-3'
])
def test_a_broken_line_of_a_table_is_named(table, line):
    with pytest.raises(ValueError, match="gaze.csv', line 3: expected"):
        read_fixations(table('b.jpg,.5,.25,300', line))


def test_what_is_not_a_table(write, table, tmp_path):
    with pytest.raises(FileNotFoundError, match='gone.csv'):
        read_fixations(tmp_path / 'gone.csv')
    with pytest.raises(ValueError, match="must be 'image,x,y,duration', not"):
        read_fixations(write('name,x,y,duration', 'a.jpg,.5,.25,300'))
    with pytest.raises(ValueError, match='no fixations'):
        read_fixations(table())


def test_a_table_names_images_by_file_name_or_by_id(write, table):
    images = write('7 001.Bird/Bird_2.jpg', name='images.txt')
    options = dict(type='mmmix.LoadGaze', kind='table', sigma=0.02)
    by_name = TRANSFORMS.build(
        dict(options, files=str(table('Bird_2.jpg,.1,.4,300'))))
    by_id = TRANSFORMS.build(
        dict(
            options,
            files=str(table('7,.1,.4,300', name='ids.csv')),
            images_file=str(images)))
    image = np.zeros((50, 100, 3), np.uint8)
    for load in (by_name, by_id):
        values = load(dict(img=image, img_path='any/Bird_2.jpg'))['gt_seg_map']
        y, x = np.unravel_index(int(values.argmax()), values.shape)
        assert y in (19, 20) and x in (9, 10)
    other = by_name(dict(img=image, img_path='any/Bird_3.jpg'))
    assert not other['gt_seg_map'].any()


def test_a_map_follows_its_image(write, tmp_path):
    images = write(
        '6 001.Bird/Bird_1.jpg', '7 001.Bird/Bird_2.jpg', name='images.txt')
    load = dict(
        type='mmmix.LoadGaze',
        files=[str(write(RUN))],
        images_file=str(images),
        sigma=0.02)
    pipeline = Compose([
        TRANSFORMS.build(step)
        for step in (load, dict(type='Resize', scale=(50, 25)),
                     dict(type='RandomFlip', prob=1.),
                     dict(type='PackInputs', algorithm_keys=('gt_seg_map', )))
    ])
    image = np.zeros((50, 100, 3), np.uint8)
    image[18:22, 8:12] = 255  # where most of the gaze is
    data = pipeline(dict(img=image, img_path='anywhere/Bird_2.jpg'))
    values, = truth_maps([data['data_samples']], (25, 50), 'maps')
    y, x = np.unravel_index(int(values.argmax()), values.shape)
    assert data['inputs'][0, y, x] == 255
    other = pipeline(dict(img=image, img_path='anywhere/Bird_1.jpg'))
    assert not other['data_samples'].gt_seg_map.any()
    with pytest.raises(ValueError, match='not an image of the list'):
        pipeline(dict(img=image, img_path='Bird_3.jpg'))
    assert '3 fixations on 1 images' in repr(TRANSFORMS.build(load))


@pytest.mark.parametrize('name', ['cub200_gaze', 'gaze_table'])
def test_the_configs(name, write, table):
    cfg = load_config(f'_base_/datasets/{name}.py')
    load, gaze, *steps = cfg.val_dataloader.dataset.pipeline
    assert (load.type, gaze.type) == ('mmmix.LoadImage', 'mmmix.LoadGaze')
    if name == 'gaze_table':
        gaze.files = str(table('Bird_1.jpg,.5,.5,300'))
    else:
        gaze.files = str(write(RUN))
        gaze.images_file = str(
            write('7 001.Bird/Bird_1.jpg', name='images.txt'))
    gaze.sigma = 0.02
    pipeline = Compose([TRANSFORMS.build(step) for step in (gaze, *steps)])
    image = np.zeros((50, 100, 3), np.uint8)
    image[22:28, 47:53] = 255  # the one fixation that the crop keeps
    data = pipeline(dict(img=image, img_path='Bird_1.jpg'))
    values, = truth_maps([data['data_samples']], (224, 224), 'maps')
    y, x = np.unravel_index(int(values.argmax()), values.shape)
    assert data['inputs'].shape == (3, 224, 224)
    assert data['inputs'][0, y, x] > 100


@pytest.mark.parametrize(
    'lines, problem',
    [(['6 a/b.jpg', 'x'], 'line 2: expected an id'),
     (['6 a/b.jpg', '7 c/b.jpg'], 'two images with the name b.jpg')])
def test_lists_of_images(write, lines, problem):
    with pytest.raises(ValueError, match=problem):
        TRANSFORMS.build(
            dict(
                type='mmmix.LoadGaze',
                files=str(write(RUN)),
                images_file=str(write(*lines, name='images.txt'))))


def test_unknown_kind_and_missing_list(write):
    with pytest.raises(ValueError, match='`kind`'):
        TRANSFORMS.build(
            dict(type='mmmix.LoadGaze', files='', images_file='', kind='gaze'))
    with pytest.raises(ValueError, match='requires `images_file`'):
        TRANSFORMS.build(dict(type='mmmix.LoadGaze', files=str(write(RUN))))
    with pytest.raises(FileNotFoundError, match='gone.txt'):
        TRANSFORMS.build(
            dict(
                type='mmmix.LoadGaze',
                files=str(write(RUN)),
                images_file='gone.txt'))


def test_gaze_map_against_loops():
    points = torch.tensor([[2.5, 1.], [8., 4.25]], dtype=torch.float64)
    weights = torch.tensor([3., 1.], dtype=torch.float64)
    got = gaze_map(points, weights, (5, 9), 1.5)
    for y in range(5):
        for x in range(9):
            value = 0
            for (px, py), weight in zip(points.tolist(), weights.tolist()):
                distance = (x + .5 - px)**2 + (y + .5 - py)**2
                value += weight * math.exp(
                    -distance / (2 * 1.5**2)) / (2 * math.pi * 1.5**2)
            assert got[y, x].item() == pytest.approx(value, abs=1e-6)


def test_gaze_map_keeps_its_mass_and_place():
    values = gaze_map(
        torch.tensor([[30.5, 10.5]]), torch.tensor([7.]), (40, 60), 2.)
    assert values.sum().item() == pytest.approx(7, rel=1e-4)
    assert divmod(int(values.argmax()), 60) == (10, 30)
    empty = gaze_map(torch.empty(0, 2), torch.empty(0), (3, 4), 1.)
    assert empty.shape == (3, 4) and not empty.any()
    with pytest.raises(ValueError, match='positive number of pixels'):
        gaze_map(torch.empty(0, 2), torch.empty(0), (3, 4), 0)
