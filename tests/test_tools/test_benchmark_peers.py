import json
from importlib import metadata

import pytest
import torch

from mmmix.analysis.mixing_facts import (ODD, error_or_refusal, keeps_images,
                                         label_error, shared_by, verdict)
from mmmix.analysis.peers import METHODS, OURS, mixers_of
from mmmix.models import CutMix, Mixup

TOOL = 'benchmarks/benchmark_peers.py'
SMALL = ['--batch', 4, '--size', 32, 48, '--repeats', 1]


@pytest.fixture
def without(monkeypatch):
    """Let distributions seem not to be installed."""
    version = metadata.version

    def hide(*names):

        def found(name):
            if name in names:
                raise metadata.PackageNotFoundError(name)
            return version(name)

        monkeypatch.setattr(metadata, 'version', found)

    return hide


def test_tables_picture_and_json(run_tool, without, tmp_path, capsys):
    pytest.importorskip('timm')
    without('kornia')
    run_tool(TOOL, *SMALL, '--methods', 'CutMix', '--peers', 'timm',
             'MMPretrain', 'Kornia', '--out', 'peers')
    report = json.loads((tmp_path / 'peers.json').read_text())
    names = {
        'CutMix, batch': [OURS, 'timm', 'MMPretrain'],
        'CutMix, image': [OURS, 'timm, pair', 'timm, elem']
    }
    assert {kind: [*one] for kind, one in report['costs'].items()} == names
    assert {kind: [*one] for kind, one in report['facts'].items()} == names
    for group in report['costs'].values():
        assert min(one['times_fastest'] for one in group.values()) == 1
        for one in group.values():
            assert one['ms'] > 0 and one['times_clone'] > 0
        # it pastes into a copy, and has a mask of the pixels beside it
        assert 1 <= group[OURS]['peak_times_batch'] < 2
    for kind, own in report['facts'].items():
        one = own[OURS]
        assert verdict(one['labels']) == verdict(one['odd']) == 'yes'
        assert verdict(one['rectangle']) == 'yes' and one['keeps_images']
        assert one['shared_by'] == kind.split(', ')[1]
    # what is known of the others
    batch, image = report['facts'].values()
    assert 'even' in batch['timm']['odd']['refusal']
    assert verdict(batch['MMPretrain']['odd']) == 'yes'
    assert image['timm, pair']['shared_by'] == 'pair'
    assert image['timm, elem']['shared_by'] == 'image'
    in_place = {
        name
        for facts in (batch, image)
        for name in facts if not facts[name]['keeps_images']
    }
    assert in_place == {'timm', 'timm, pair', 'timm, elem', 'MMPretrain'}
    for group in report['costs'].values():
        for name, one in group.items():
            assert ('times_clone_in_place' in one) == (name in in_place)
    assert report['versions']['timm'] == metadata.version('timm')
    assert report['versions']['Kornia'] is None
    page = (tmp_path / 'peers.md').read_text()
    assert 'Left out here: Kornia.' in page
    assert page.count('| CutMix | ') == 2 * 6
    assert '| CutMix | batch | mmmix | ' in capsys.readouterr().out
    assert (tmp_path / 'peers.png').stat().st_size > 0


def test_bad_input(run_tool):
    with pytest.raises(SystemExit, match='--size at least 32 pixels'):
        run_tool(TOOL, '--size', 16)
    with pytest.raises(SystemExit, match='2'):
        run_tool(TOOL, '--peers', 'Augmentor')


@pytest.mark.parametrize(
    'library, module, methods',
    [(OURS, 'scipy', set(METHODS)),
     ('torchvision', 'torchvision', {'Mixup', 'CutMix'}),
     ('MMPretrain', 'mmpretrain', {'Mixup', 'CutMix', 'ResizeMix'}),
     ('Kornia', 'kornia', {'Mixup', 'CutMix'}),
     ('mixup', 'mixup', set(METHODS))])
def test_every_mixer_of_a_library_mixes_images_and_labels(
        library, module, methods):
    pytest.importorskip(module)
    mixers = mixers_of(library, 8)
    assert {mixer.method for mixer in mixers} == methods
    images, classes = torch.rand(4, 3, 64, 96), torch.tensor([7, 0, 2, 2])
    for mixer in mixers:
        if (library, mixer.method) == ('mixup', 'SaliencyMix'):
            continue  # 0.2.2 has a label for each two images of the batch
        mixed, labels = mixer.mix(images.clone(), classes)
        assert mixed.shape == images.shape and labels.shape == (4, 8)
        torch.testing.assert_close(labels.sum(1), torch.ones(4))
        assert label_error(mixer.mix, 4, (64, 96)) < 1e-3
        assert shared_by(mixer.mix) == mixer.draws


def with_labels_of(mixer, change):
    """A mixer, with something changed in what it returns."""

    def mix(images, classes):
        labels = torch.eye(ODD)[classes]
        return change(*mixer(images, labels), labels)

    return mix


def test_faults_are_found():
    right = with_labels_of(CutMix(), lambda mixed, soft, hard: (mixed, soft))
    assert verdict(error_or_refusal(right, 8, (32, 32))) == 'yes'
    # the lambda that was drawn, where the box is clipped
    drawn = with_labels_of(
        CutMix(correct_lam=False), lambda mixed, soft, hard: (mixed, soft))
    assert verdict(error_or_refusal(drawn, 8, (32, 32))).startswith('off by')
    # the weights of both images exchanged: a half alone is right
    swapped = with_labels_of(
        Mixup(), lambda mixed, soft, hard:
        (mixed, torch.where(soft > 0, 1 - soft, 0).where(soft < 1, soft)))
    assert label_error(swapped, 8, (32, 32)) > .01
    # images change though labels do not
    unmixed = with_labels_of(
        CutMix(cutmix_minmax=(.5, .5)), lambda mixed, soft, hard:
        (mixed, hard))
    assert label_error(unmixed, 8, (32, 32)) == pytest.approx(.25)
    # weights that do not sum to 1
    more = with_labels_of(
        CutMix(), lambda mixed, soft, hard: (mixed, soft + .125 * hard))
    assert label_error(more, 8, (32, 32)) == pytest.approx(.125, abs=1e-5)
    # a label for each two images
    square = with_labels_of(
        CutMix(), lambda mixed, soft, hard: (mixed, soft[:, None] * soft))
    assert verdict(error_or_refusal(square, 2,
                                    (32, 32))) == ('labels (2, 2, 127)')

    def in_place(images, classes):
        images *= .5
        return images, torch.eye(ODD)[classes]

    assert keeps_images(right) and not keeps_images(in_place)
