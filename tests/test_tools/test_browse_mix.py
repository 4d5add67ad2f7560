import matplotlib.image
import numpy as np
import pytest
import torch

from mmmix.analysis import methods_of, mix_pairs, open_dataset
from mmmix.cli import build_model, load_config
from mmmix.cli.methods import choose_mixers, with_mixers
from mmmix.cli.models import load_trained

BROWSE = 'visualization/browse_mix.py'
UNTRAINED = pytest.mark.filterwarnings('ignore:No --checkpoint')


def pairs_of(config, names, **options):
    cfg = load_config(config, options)
    cfg = with_mixers(cfg,
                      choose_mixers(cfg, names).values(),
                      cfg.model.train_cfg.get('guide'))
    methods = methods_of(load_trained('tiny', cfg, None))
    dataset = open_dataset(methods[0], 'train')
    return mix_pairs(methods, dataset, num=5), dataset


def test_all_mixers_get_the_same_pairs(config):
    pairs, dataset = pairs_of(config, ['SMMix', 'CutMix', 'Mixup'])
    assert pairs.guided == [True, False, False]
    known = {
        dataset[i]['inputs'].numpy().tobytes(): dataset.get_cat_ids(i)[0]
        for i in range(len(dataset))
    }
    for image, label in zip(pairs.images, pairs.labels):
        pixels = (image * 255).round().to(torch.uint8)
        index = known[pixels.numpy().tobytes()]
        assert label == dataset.metainfo['classes'][index]
    for mixed in pairs.mixes:
        assert mixed.source.tolist() == [4, 0, 1, 2, 3]
    smmix, _, mixup = pairs.mixes
    blend = torch.lerp(pairs.images, pairs.images[mixup.source],
                       mixup.lam.view(-1, 1, 1, 1))
    assert torch.allclose(mixup.inputs, blend, atol=1e-5)
    y1, x1, y2, x2 = smmix.source_boxes[0]
    v1, u1, v2, u2 = smmix.target_boxes[0]
    assert torch.equal(smmix.inputs[0, :, v1:v2, u1:u2],
                       pairs.images[4, :, y1:y2, x1:x2])


def test_the_map_that_is_framed_is_that_of_the_guided_mixer(config):
    """Not that of another entry, which was listed first."""
    guide = dict(
        type='mmmix.SelfGuide',
        attention_map=dict(type='mmmix.ClassAttention'))
    cfg, methods = load_config(config), []
    model = load_trained('tiny', cfg, None).model
    for names, own in ((['CutMix'], None), (['SMMix'], guide)):
        mixers = choose_mixers(cfg, names).values()
        method, = methods_of(
            load_trained('tiny', with_mixers(cfg, mixers, own), None))
        method.model.backbone = model.backbone
        method.model.head = model.head
        methods.append(method)
    dataset = open_dataset(methods[0], 'train')
    both, guided = (mix_pairs(m, dataset, 4) for m in (methods, methods[1:]))
    assert both.guided == [False, True]
    assert torch.equal(both.attention, guided.attention)
    alone = mix_pairs(methods[:1], dataset, 4)
    assert not torch.allclose(both.attention, alone.attention)


def test_a_guide_that_requires_labels(config):
    guide = dict(
        type='mmmix.SelfGuide', attention_map=dict(type='mmmix.TopDown'))
    pairs, _ = pairs_of(config, ['SMMix'], **{'model.train_cfg.guide': guide})
    assert pairs.attention.shape == (5, 4, 4)


@UNTRAINED
def test_picture_of_the_configs_mixers(run_tool, config, tmp_path):
    with pytest.warns(UserWarning, match='before its training'):
        run_tool(BROWSE, config, '--num', 2, '--out', 'new/one.png')
    run_tool(BROWSE, config, '--num', 4, '--mixers', 'SMMix', 'CutMix',
             'Mixup', '--out', 'three.png', '--cfg-options',
             'train_dataloader.dataset.size=(32,64)',
             'model.backbone.img_size=(32,64)')
    one, three = (
        matplotlib.image.imread(tmp_path / name)
        for name in ('new/one.png', 'three.png'))
    for picture in (one, three):
        assert picture.std() > .1  # not a blank page
    # SMMix and Mixup of square images; one mixer more, of wide images
    assert three.shape[1] > 2 * one.shape[1]
    assert three.shape[0] > 1.5 * one.shape[0]
    assert 200 < min(one.shape[:2]) and max(three.shape[:2]) < 6000


def test_checkpoint_guides(run_tool, config, tmp_path):
    torch.manual_seed(1)
    model = build_model(load_config(config))
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'w.pth')
    for seed, name in ((1, 'a.png'), (1, 'b.png'), (2, 'c.png')):
        run_tool(BROWSE, config, '--num', 2, '--checkpoint', 'w.pth', '--out',
                 name, '--seed', seed)
    a, b, c = (
        matplotlib.image.imread(tmp_path / f'{name}.png') for name in 'abc')
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_a_config_as_a_mixer(run_tool, config, tmp_path, capsys):
    """Its label rule and attention map, on the model's own weights."""
    torch.manual_seed(1)
    model = build_model(load_config(config))
    torch.save(dict(state_dict=model.state_dict()), tmp_path / 'w.pth')
    method = 'tdattenmix/' \
        'vit-xs_tdattenmix_1xb128-15e_tiny-imagenet-25.py'
    common = [
        BROWSE, config, '--checkpoint', 'w.pth', '--split', 'val', '--num', 3,
        '--mixers', 'CutMix', method, 'SMMix', '--names', 'a', 'b', 'c'
    ]
    run_tool(*common, '--out', 'with.png')
    run_tool(*common, '--out', 'without.png', '--no-masks')
    printed = capsys.readouterr().out.splitlines()[-1]
    assert f'{method}: 0.' in printed and 'SMMix: 0.' in printed
    widths = [
        matplotlib.image.imread(tmp_path / f'{name}.png').shape[1]
        for name in ('with', 'without')
    ]
    assert widths[0] > 1.15 * widths[1]
    with pytest.raises(SystemExit, match='must give 3 different names'):
        run_tool(*common[:-1])


@UNTRAINED
@pytest.mark.parametrize('arguments, problem', [
    (['--mixers', 'SMMixx'], "no mixer 'SMMixx'; there are"),
    (['--checkpoint', 'gone.pth'], 'no checkpoint gone.pth'),
    (['--num', '1'], 'between 2 and the 32 images'),
    (['--cfg-options', 'model.train_cfg=None'], 'name mixers'),
])
def test_bad_input(run_tool, config, arguments, problem):
    with pytest.raises(SystemExit, match=problem):
        run_tool(BROWSE, config, *arguments)


@UNTRAINED
def test_one_mixer_with_several_arguments(run_tool, config, tmp_path, capsys):
    """MaskMix's strategies side by side (MixPro, Fig. 4)."""
    forms = [
        f'MaskMix+{form}+patch_size=8+beta=50+per_image=True'
        for form in ('strategy=region+scale=1', 'strategy=block+scale=1',
                     'scale=2')
    ]
    run_tool(BROWSE, config, '--num', 2, '--out', 'forms.png', '--mixers',
             *forms)
    height, width, _ = matplotlib.image.imread(tmp_path / 'forms.png').shape
    assert width > 2 * height
    printed = capsys.readouterr().out
    assert all(f'{form}: 0.' in printed for form in forms)
    with pytest.raises(SystemExit, match='covers the whole 32 x 32 image'):
        run_tool(BROWSE, config, '--mixers', 'MaskMix+scale=4+patch_size=8')
    with pytest.raises(SystemExit, match=r'\+KEY=VALUE, not \+scale'):
        run_tool(BROWSE, config, '--mixers', 'MaskMix+scale')
