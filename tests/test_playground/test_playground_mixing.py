"""What the playground computes, without its page."""
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import Config
from mmpretrain.structures import DataSample
from PIL import Image

from mmmix.analysis.trained_model import to_image
from mmmix.checkpoint import MIXERS, fit_weights, read_weights
from mmmix.cli.methods import mixer_names
from mmmix.cli.models import load_trained
from mmmix.cli.playground.arguments import (Argument, arguments_of, config_of,
                                            summary_of)
from mmmix.cli.playground.config_text import config_text, guided_config_text
from mmmix.cli.playground.images import (built_in, choose, drawn, from_folder,
                                         from_upload)
from mmmix.cli.playground.mixing import (Choices, attention_names, fitting,
                                         label_rule_names, partners, play)
from mmmix.cli.playground.networks import Network, known_networks
from mmmix.cli.playground.report import report
from mmmix.errors import MmmixError
from mmmix.models import BatchMixer, CutMix
from mmmix.registry import BATCH_AUGMENTS, MODELS, TASK_UTILS

PARTS = [
    *((BATCH_AUGMENTS, name) for name in mixer_names()),
    *((TASK_UTILS, name) for name in attention_names()),
    *((MODELS, name) for name in label_rule_names())
]


def part(registry, name):
    return registry.get(f'mmmix.{name}')


def choices_of(network, name, **kwargs):
    kind = part(BATCH_AUGMENTS, name)
    fitted = {key: str(v) for key, v in fitting(network, kind).items()}
    fitted.update({k: int(v) for k, v in fitted.items() if v.isdigit()})
    return Choices(config_of(f'mmmix.{name}', kind, fitted), **kwargs)


def mix_again(text, pictures, choices, module=None):
    """What the config of a text mixes of the same pictures."""
    cfg = Config.fromstring(text, '.py')
    trained = load_trained('again', cfg, None)
    model = trained.model
    # as a training with `load_from` does
    fit_weights(model, read_weights(cfg.load_from), 'a', 'b', new=MIXERS)
    mixer, = model.data_preprocessor.batch_augments.augments
    if module is not None:
        mixer.module.load_state_dict(module.state_dict())
    images = [
        torch.from_numpy(picture.at((32, 32)).copy()).permute(2, 0, 1)
        for picture in pictures
    ]
    data = dict(inputs=images, data_samples=[DataSample() for _ in images])
    inputs = model.data_preprocessor(data)['inputs']
    labels = F.one_hot(torch.arange(len(images)),
                       model.head.num_classes).float()
    mixed, guidance = model.data_preprocessor.mix_by(
        model, mixer, inputs, labels, np.random.default_rng((choices.seed, )),
        partners(mixer, len(images), choices))
    with torch.no_grad():
        mixed = model.relabel(mixed, guidance)
    shown = mixed.inputs if mixed.site is None else mixed.paste(inputs)
    return to_image(trained, shown), mixed.lam


@pytest.mark.parametrize('name', mixer_names())
def test_every_mixer_and_the_config_that_does_the_same(network, pictures,
                                                       name):
    choices = choices_of(network, name, seed=3)
    played = play(network, pictures, choices)
    assert played.images.shape == played.mixed.inputs.shape == (4, 3, 32, 32)
    assert 0 <= played.mixed.inputs.min() and played.mixed.inputs.max() <= 1
    changed = not torch.equal(played.images, played.mixed.inputs)
    assert changed == (played.mixed.kind != 'unmixed')
    assert set(played.weights) == {None, *label_rule_names()}
    assert all(played.known) and played.labels[1] == 'plain ring'
    for top in played.unmixed_top + played.mixed_top:
        assert len(top) == 5 and 0 < sum(value for _, value in top) < 1
    page = report(played, None)
    assert page.count('<figure') >= 4 and page.count('<tr') == 6
    mixers = network.trained.model.data_preprocessor.batch_augments.augments
    again, lam = mix_again(
        config_text(network, choices, played.requires), pictures, choices,
        mixers[0].module)
    assert torch.allclose(again, played.mixed.inputs, atol=1e-6)
    assert torch.allclose(lam, played.mixed.lam, atol=1e-6)


def test_a_config_of_many_choices(network, pictures):
    choices = Choices(
        dict(type='mmmix.SMMix', delta=(0.25, 0.5), per_image=True),
        dict(type='mmmix.TopDown', sigma=0.5),
        dict(type='mmmix.AreaAttentionLabel', beta=0.25),
        seed=1)
    played = play(network, pictures, choices)
    assert torch.equal(played.weights['AreaAttentionLabel'][0],
                       played.mixed.lam)
    assert not torch.allclose(played.mixed.lam, played.weights[None][0])
    text = config_text(network, choices, played.requires)
    again, lam = mix_again(text, pictures, choices)
    assert torch.allclose(again, played.mixed.inputs, atol=1e-6)
    assert torch.allclose(lam, played.mixed.lam, atol=1e-6)
    assert max(map(len, text.splitlines())) < 80 or 'vit.pth' in text
    # as the guide of another network
    guided = guided_config_text(network, choices, played.requires)
    cfg = Config.fromstring(f'_base_ = "mmmix::{network.config}"\n{guided}',
                            '.py')
    guide = MODELS.build(cfg.model).data_preprocessor.guides['attention']
    assert type(guide).__name__ == 'FrozenGuide'
    assert guide.checkpoint == network.checkpoint
    assert guide.attention_map.sigma == 0.5


def test_the_pixels_as_guide(network, pictures):
    choices = Choices(
        dict(type='mmmix.SaliencyMix'), dict(type='mmmix.ImageGuide'))
    played = play(network, pictures, choices)
    assert played.maps['attention'].shape == (4, 32, 32)
    for text in (config_text, guided_config_text):
        text = text(network, choices, played.requires)
        assert "guide=dict(attention=dict(type='mmmix.ImageGuide'))" in text
        assert 'FrozenGuide' not in text


def test_no_guide_is_named_where_none_is_asked(network, pictures):
    choices = Choices(dict(type='mmmix.CutMix'))
    played = play(network, pictures, choices)
    assert 'guide' not in config_text(network, choices, played.requires)
    assert set(played.maps) == {'attention'}  # to be looked at


def test_why_a_label_rule_does_not_apply(network, pictures):
    played = play(network, pictures, Choices(dict(type='mmmix.Mixup')))
    assert isinstance(played.weights['TransMixLabel'], MmmixError)
    page = report(played, None)
    assert 'needs one source with a weight at each place' in page
    assert 'A blend has no regions' in page
    with pytest.raises(MmmixError, match='applies to none of the mixers'):
        play(
            network, pictures,
            Choices(
                dict(type='mmmix.Mixup'),
                label_rule=dict(type='mmmix.TransMixLabel')))


def test_a_seed_draws_the_same_again(network, pictures):
    first, again, other = (
        play(network, pictures, Choices(dict(type='mmmix.CutMix'), seed=seed))
        for seed in (1, 1, 2))
    assert torch.equal(first.mixed.inputs, again.mixed.inputs)
    assert not torch.equal(first.mixed.inputs, other.mixed.inputs)
    state = torch.get_rng_state()
    play(network, pictures, Choices(dict(type='mmmix.AutoMix')))
    assert torch.equal(state, torch.get_rng_state())


def test_pairs_are_the_mixers_own_if_wanted(network, pictures):
    mixer = dict(type='mmmix.CutMix', pairing='flip')
    sources = [
        play(network, pictures, Choices(mixer, own_pairs=own)).mixed.source
        for own in (False, True)
    ]
    assert sources[0].tolist() == [3, 0, 1, 2]
    assert sources[1].tolist() == [3, 2, 1, 0]


def test_a_stock_config(tmp_path, pictures):
    (tmp_path / 'stock.py').write_text("""model = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet_CIFAR', depth=18, stem_channels=8,
                  base_channels=8),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=3, in_channels=64),
    data_preprocessor=dict(mean=[127.] * 3, std=[64.] * 3, to_rgb=True))
test_dataloader = dict(dataset=dict(type='CustomDataset', pipeline=[
    dict(type='LoadImageFromFile'), dict(type='CenterCrop', crop_size=64)]))
""")
    network = Network('stock', str(tmp_path / 'stock.py'))
    assert network.size == (64, 64)
    choices = Choices(dict(type='mmmix.SMMix'))
    played = play(network, pictures, choices)
    assert played.labels[0].startswith('class ') and not any(played.known)
    assert 'plain' not in report(played, None)
    cfg = Config.fromstring(
        config_text(network, choices, played.requires), '.py')
    model = MODELS.build(cfg.model)
    assert type(model.head).__name__ == 'MixLinearClsHead'
    # images are files for this network, and drawn in RGB here
    image = torch.from_numpy(pictures[0].at((64, 64)).copy())
    assert torch.allclose(
        played.images[0], image.permute(2, 0, 1) / 255, atol=1e-5)


def test_a_config_whose_data_sets_are_joined(tmp_path):
    (tmp_path / 'joined.py').write_text("""model = dict(
    type='ImageClassifier',
    backbone=dict(type='ResNet_CIFAR', depth=18, stem_channels=8,
                  base_channels=8),
    neck=dict(type='GlobalAveragePooling'),
    head=dict(type='LinearClsHead', num_classes=10, in_channels=64))
test_dataloader = dict(dataset=dict(type='ConcatDataset', datasets=[
    dict(type='CIFAR10', pipeline=[dict(type='CenterCrop', crop_size=32)])]))
""")
    network = Network('joined', str(tmp_path / 'joined.py'))
    assert network.size == (32, 32)
    assert network.classes[0] == 'airplane'


@pytest.mark.parametrize(
    'registry, name', PARTS, ids=[name for _, name in PARTS])
def test_arguments_of_every_part(registry, name):
    kind = part(registry, name)
    arguments = arguments_of(kind)
    assert summary_of(kind)
    values = {}
    for argument in arguments:
        default = argument.default
        values[argument.name] = default
        if argument.kind in ('number', 'range'):
            numbers = default if argument.kind == 'range' else [default]
            values[argument.name] = default
            for number in numbers:
                assert argument.low <= number <= argument.high
                steps = number / argument.step
                assert abs(steps - round(steps)) < 1e-6
        elif argument.kind == 'choice':
            assert len(argument.choices) > 1
            for choice in argument.choices:
                try:
                    kind(**{argument.name: choice})
                except MmmixError as error:  # with the other defaults
                    assert 'must be one of' not in str(error)
        elif argument.kind == 'text':
            values[argument.name] = repr(default)
    assert config_of(f'mmmix.{name}', kind,
                     values) == dict(type=f'mmmix.{name}')


def test_documented_ranges_and_choices():
    found = {
        (name, argument.name): argument
        for registry, name in PARTS
        for argument in arguments_of(part(registry, name))
    }
    delta = found['SMMix', 'delta']
    assert (delta.kind, delta.low, delta.high) == ('range', 0, 1)
    assert found['AutoMix', 'lam_margin'].high == 0.5
    assert found['CutMix', 'alpha'].low > 0
    columns = found['GridMixup', 'columns']
    assert (columns.low, columns.step) == (1, 1)
    assert found['MaskMix', 'rounding'].choices == ('floor', 'ceil')
    assert found['ProgressiveAttentionLabel', 'downsample'].kind == 'choice'
    assert found['TopDown', 'sigma'].low == 0
    assert ('AutoMix', 'loss') not in found
    assert 'CutMix' in found['ReLabel', 'mixer'].choices


def test_a_new_mixer_appears_by_itself(network, pictures):

    @BATCH_AUGMENTS.register_module()
    class Halves(CutMix):
        """The left part is the source's.

        Args:
            share (float): How much, in [0, 0.5]. Defaults to 0.25.
            upside_down (bool): Turn it. Defaults to False.
            side (str): 'left' or 'right'. Defaults to 'left'.
        """

        def __init__(self, share=0.25, upside_down=False, side='left'):
            super().__init__()
            self.share = share

        def sample(self, rng, batch_size, image_size):
            height, width = image_size
            params = BatchMixer.sample  # it draws nothing but pairs
            assert params is not None
            return dict(
                source=rng.permutation(batch_size),
                box=np.array([0, 0, height,
                              round(self.share * width)]),
                lam=self.share)

    try:
        assert 'Halves' in mixer_names()
        share, upside_down, side = arguments_of(Halves)
        assert (share.kind, share.high, upside_down.kind) == ('number', 0.5,
                                                              'switch')
        assert side.choices == ('left', 'right')
        played = play(
            network, pictures,
            Choices(config_of('mmmix.Halves', Halves, dict(share=0.5))))
        assert played.mixed.lam.tolist() == [0.5] * 4
    finally:
        BATCH_AUGMENTS.module_dict.pop('Halves')


@pytest.mark.parametrize('text', [
    "{'type': 'os.system'}", "__import__('os')", '[[1, 2]]', '(' * 500, '0.2;',
    "[{'type': 'os.system'}]"
])
def test_a_text_is_a_plain_value(text):
    with pytest.raises(MmmixError, match='`sides` must be a Python value'):
        Argument('sides', None, 'text').read(text)


def test_a_number_that_is_missing():
    with pytest.raises(MmmixError, match='`alpha` is a number'):
        config_of('mmmix.CutMix', CutMix, dict(alpha=None))


def test_images_of_a_folder(tmp_path):
    (tmp_path / 'n02124075').mkdir()
    Image.new('L', (40, 30), 200).save(tmp_path / 'n02124075/grey.png')
    Image.new('RGBA', (30, 40), (0, 0, 0, 0)).save(tmp_path / 'clear.png')
    (tmp_path / 'notes.txt').write_text('no image')
    clear, grey = from_folder(tmp_path)
    assert (clear.name, grey.name) == ('clear.png', 'n02124075/grey.png')
    assert grey.classes == ('n02124075', )
    assert grey.at((16, 24)).shape == (16, 24, 3)
    assert clear.at((16, 16)).min() == 255  # on white
    with pytest.raises(MmmixError, match='there is no such folder'):
        from_folder(tmp_path / 'gone')
    with pytest.raises(MmmixError, match='it has no images'):
        (tmp_path / 'empty').mkdir()
        from_folder(tmp_path / 'empty')


def test_files_that_are_no_images(tmp_path, monkeypatch):
    path = tmp_path / 'torn.png'
    path.write_bytes(b'\x89PNG\r\n')
    with pytest.raises(MmmixError, match='torn.png cannot be read') as error:
        from_upload(path)
    assert str(tmp_path) not in str(error.value)
    Image.new('RGB', (40, 30)).save(path)
    monkeypatch.setattr('mmmix.cli.playground.images.MOST_PIXELS', 1000)
    with pytest.raises(MmmixError, match='40 x 30 pixels, but at most'):
        from_upload(path)


def test_too_few_images():
    for names, told in (([], 'none'), (['drawn plain ring'], '1'), (None,
                                                                    'none')):
        with pytest.raises(MmmixError, match=f'but {told} is chosen'):
            choose(drawn(), names)
    with pytest.raises(MmmixError, match="no image 'x'"):
        choose(drawn(), ['x', 'y'])


def test_photographs_are_known_by_their_class():
    pytest.importorskip('skimage')
    cat = built_in()[0]
    assert cat.name == 'Egyptian cat' and cat.classes == ('n02124075', )
    picture = cat.at((96, 128))
    assert picture.shape == (96, 128, 3) and picture.std() > 20


def test_networks_that_are_offered(tmp_path, monkeypatch, network):
    monkeypatch.chdir(tmp_path)
    assert 'NOT trained' in known_networks()[-1].name
    for epoch in (2, 10):
        path = tmp_path / f'work_dirs/quickstart/smmix/epoch_{epoch}.pth'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    offered = known_networks([(network.config, network.checkpoint)])
    assert offered[0].name.endswith('(vit.pth)')
    assert offered[-1].checkpoint.endswith('smmix/epoch_10.pth')
    with pytest.raises(FileNotFoundError, match='no checkpoint gone.pth'):
        Network('x', network.config, 'gone.pth').load()
