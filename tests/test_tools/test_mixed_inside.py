"""What the tools make of mixers that mix inside of a network."""
import json
from dataclasses import replace

import matplotlib.image
import pytest
import torch
from matplotlib.figure import Figure

from mmmix.analysis import Pairs, methods_of, mix_pairs, open_dataset
from mmmix.analysis.methods import check_images
from mmmix.analysis.mixed_accuracy import logits_of
from mmmix.analysis.trained_model import TrainedModel, load_batch
from mmmix.analysis.training_cost import time_mixing
from mmmix.cli import build_model, load_config
from mmmix.cli.methods import choose_mixers, mixer_names, with_mixers
from mmmix.cli.models import load_trained
from mmmix.models import ManifoldMix, MixToken, ReLabel
from mmmix.visualization import draw_pairs

MANIFOLD = 'ManifoldMix+sites=[layers.0]'
INSIDE = ['MixToken', MANIFOLD]
SMALL = ['--cfg-options', 'val_dataloader.dataset.num_images=100']


def inside(config, names=INSIDE):
    """Methods of a model of random weights, and its data set."""
    torch.manual_seed(0)
    cfg = load_config(config)
    cfg = with_mixers(cfg, choose_mixers(cfg, names).values())
    methods = methods_of(load_trained('tiny', cfg, None))
    return methods, open_dataset(methods[0], 'train')


def test_a_picture_shows_the_mask_and_says_where_it_mixes(config):
    methods, dataset = inside(config, [*INSIDE, 'CutMix'])
    pairs = mix_pairs(methods, dataset, num=3)
    token, manifold, cutmix = pairs.mixes
    # the tokens are patches of 8 pixels
    mask = token.mask.repeat_interleave(8, 1).repeat_interleave(8, 2)[:, None]
    torch.testing.assert_close(
        token.inputs,
        torch.where(mask > 0, pairs.images[token.source], pairs.images))
    torch.testing.assert_close(
        manifold.inputs,
        pairs.images.lerp(pairs.images[manifold.source],
                          float(manifold.lam[0])))
    figure = draw_pairs(pairs)
    assert isinstance(figure, Figure)
    titles = [axis.get_title() for axis in figure.axes]
    assert 'MixToken\ninside, after patch_embed' in titles
    assert 'ManifoldMix\ninside, after layers.0' in titles
    assert 'CutMix' in titles


@pytest.mark.filterwarnings('ignore:No --checkpoint')
def test_browse_mix(run_tool, config, tmp_path):
    run_tool('visualization/browse_mix.py', config, '--num', 2, '--mixers',
             *INSIDE, '--out', 'inside.png')
    assert matplotlib.image.imread(tmp_path / 'inside.png').std() > .1


def mixing(mixed):
    """A hook that always mixes."""

    def mix(module, args, output):
        if isinstance(output, tuple):
            return (mixed.paste(output[0]), *output[1:])
        return mixed.paste(output)

    return mix


def test_a_judge_is_mixed_inside(config):
    methods, dataset = inside(config)
    inputs, samples = load_batch(methods[0], dataset, range(4))
    pairs = Pairs(inputs, samples, torch.tensor([1, 2, 3, 0]).numpy(), (0, ))
    judge = load_trained('judge', load_config(config), None)
    for parameter, own in zip(judge.model.parameters(),
                              methods[0].model.parameters()):
        parameter.data.copy_(own + 0.1)
    for method in methods:
        mixed = method.mix(pairs)
        module = judge.model.backbone.get_submodule(mixed.site)
        with torch.no_grad():
            got = logits_of(judge, mixed)
            handle = module.register_forward_hook(mixing(mixed))
            expected = judge.model(inputs)
            handle.remove()
        assert mixed.site in ('patch_embed', 'layers.0')
        assert torch.equal(got, expected)


def test_a_judge_that_cannot(config):
    (token, _), dataset = inside(config)
    inputs, samples = load_batch(token, dataset, range(2))
    pairs = Pairs(inputs, samples, torch.tensor([1, 0]).numpy(), (0, ))
    mixed = token.mix(pairs)
    elsewhere = replace(mixed, site='layer1')
    own = build_model(load_config(config))
    coarse = build_model(
        load_config(config, {'model.backbone.patch_size': 16}))
    for model, batch, message in [
        (torch.nn.Flatten(), mixed, 'the judge, a Flatten, cannot'),
        (coarse, mixed, '4 x 4 places .* has 2 x 2'),
        (own, elsewhere, "no module 'layer1'"),
    ]:
        judge = TrainedModel('judge', token.cfg, None, model.eval())
        with pytest.raises(ValueError, match=message):
            logits_of(judge, batch)


@pytest.fixture
def weights(config, tmp_path):
    model = build_model(load_config(config))
    torch.save(dict(state_dict=model.state_dict(), meta={}), tmp_path / 'w')
    return tmp_path / 'w'


def test_accuracy(run_tool, config, tmp_path, weights):
    run_tool('analysis/mixed_accuracy.py', '--judge', config, weights,
             '--methods', *INSIDE, '--out', 'accuracy')
    rows = json.loads((tmp_path / 'accuracy.json').read_text())['rows']
    assert [row[0].split('+')[0]
            for row in rows] == ['MixToken', 'ManifoldMix']


@pytest.mark.parametrize('tool,option', [
    ('analysis/attention_on_mixed.py', '--methods'),
    ('analysis/class_activation.py', '--method'),
])
def test_there_is_no_mixed_image_to_look_at(run_tool, config, weights, tool,
                                            option):
    with pytest.raises(SystemExit, match='no mixed image to look at'):
        run_tool(tool, config, weights, option, 'MixToken',
                 '--maps' if option == '--methods' else '--map', 'BottomUp',
                 '--num-images', 20, *SMALL)


def test_a_mixer_with_new_labels_is_still_inside(config):
    cfg = with_mixers(
        load_config(config),
        [dict(type='mmmix.ReLabel', mixer=dict(type='mmmix.MixToken'))])
    methods = methods_of(load_trained('tiny', cfg, None))
    with pytest.raises(ValueError, match='at patch_embed, so .* no mixed ima'):
        check_images(methods)


def test_time_of_mixing_features():
    times = time_mixing(
        dict(
            ManifoldMix=ManifoldMix(sites=['layer1']),
            MixToken=MixToken(),
            ReLabel=ReLabel(dict(type='mmmix.MixToken'))), 4, (32, 48), 3,
        torch.device('cpu'))
    for row in times.values():
        assert row['ms'] > 0
    # it gathers the partners and blends into a second copy
    for name in ('ManifoldMix', 'MixToken'):
        assert times[name]['peak_times_batch'] == pytest.approx(2, abs=0.5)


def test_mixers_by_name():
    """AtSite alone has no defaults."""
    assert {'ManifoldMix', 'MixToken', 'CutMix'} < {*mixer_names()}
    assert 'AtSite' not in mixer_names()
