"""The tools that show where models look, on models that look at random."""
import json
import re

import cv2
import pytest
import torch

from mmmix.analysis import ModelMap, correct_images, look_at_pair, open_dataset
from mmmix.cli import build_model, load_config
from mmmix.cli.methods import guided_methods
from mmmix.cli.models import read_model
from mmmix.visualization.contact_sheet import SheetRow, draw_sheet

SHEET = 'analysis/class_activation.py'
SHARES = 'analysis/attention_on_mixed.py'
CNN = 'vanilla/resnet-xs_vanilla_1xb128-15e_tiny-imagenet-25.py'
SMALL = ['--cfg-options', 'val_dataloader.dataset.num_images=100']


def save(config, path, scale=.3):
    """A model that answers several classes."""
    model = build_model(load_config(config))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(scale * torch.randn_like(parameter))
    torch.save(dict(state_dict=model.state_dict(), meta={}), path)
    return path


@pytest.fixture
def weights(config, tmp_path):
    return save(config, tmp_path / 'weights.pth')


def test_shares_of_aimless_attention(run_tool, config, tmp_path):
    """Without queries all places are attended to alike, whatever is there."""
    path = save(config, tmp_path / 'weights.pth')
    checkpoint = torch.load(path)
    for name, value in checkpoint['state_dict'].items():
        if 'qkv' in name:
            value.zero_()
    torch.save(checkpoint, path)
    run_tool(SHARES, config, path, config, path, '--names', 'a', 'b',
             '--methods', 'CutMix', 'SMMix', '--maps', 'BottomUp', 'TopDown',
             '--num-images', 20, '--batch-size', 10, '--out', 'shares', *SMALL)
    report = json.loads((tmp_path / 'shares.json').read_text())
    assert len(report['results']) == 2 * 2 * 3  # TopDown for both labels
    for own in report['results']:
        assert own['excess'] == pytest.approx(0, abs=1e-3)
        assert own['pasted'] == pytest.approx(1, abs=1e-4)
        assert (own['pairs'] + own['one_part'] +
                report['same_class']) == 20 and own['pairs'] > 10
        assert 0 < own['area'] < 100
    # all checkpoints are shown the same images
    by_model = [[
        o['area'] for o in report['results'] if o['checkpoint'] == name
    ] for name in 'ab']
    assert by_model[0] == by_model[1]
    assert {o['label']
            for o in report['results']
            if o['map'] == 'TopDown'} == {'source', 'target'}
    assert cv2.imread(str(tmp_path / 'shares.png')) is not None


def test_a_sheet_of_what_all_models_get_right(run_tool, config, weights,
                                              tmp_path):
    pytest.importorskip('pytorch_grad_cam')
    run_tool(SHEET, config, weights, config, weights, '--names', 'one',
             'other', '--num', 2, '--out', tmp_path / 'sheet', *SMALL)
    report = json.loads((tmp_path / 'sheet.json').read_text())
    chosen = [i for pair in report['images'] for i in pair.values()]
    assert len(set(chosen)) == len(chosen)  # each image once
    assert len(report['rows']) == 2 * len(report['images'])
    # the same model twice: the same probabilities
    assert all(a[5:] == b[5:]
               for a, b in zip(report['rows'][::2], report['rows'][1::2]))
    # and both unmixed images are classified correctly
    trained = read_model('one', config, str(weights))
    trained.cfg.val_dataloader.dataset.num_images = 100
    dataset = open_dataset(trained)
    for index in chosen:
        data = trained.model.data_preprocessor(
            dict(inputs=[dataset[index]['inputs']]))
        answer = trained.model(data['inputs']).argmax()
        assert answer == dataset[index]['data_samples'].gt_label
    height, width, _ = cv2.imread(str(tmp_path / 'sheet.png')).shape
    assert height > width  # four rows a pair, three columns
    text = (tmp_path / 'sheet.md').read_text()
    assert re.search(r'among the \d+ images that all models', text)


def test_all_models_see_one_image_of_a_pipeline_that_draws(config, tmp_path):
    weights = save(config, tmp_path / 'weights.pth', 1)
    trained = read_model('it', config, str(weights))
    loader = trained.cfg.train_dataloader.dataset
    loader.num_images = 100
    loader.pipeline.insert(0, dict(type='RandomFlip', prob=.5))
    dataset, seen = open_dataset(trained, 'train'), []
    trained.model.backbone.register_forward_pre_hook(
        lambda _, inputs: seen.append(inputs[0]))
    correct_images([trained, trained], dataset, range(100))
    assert torch.equal(seen[0], seen[1])
    method, = guided_methods(['CutMix'], [config, str(weights)])
    look_at_pair([trained], ModelMap('BottomUp'), method, dataset, (30, 70),
                 (0, 0))
    assert torch.equal(seen[2], seen[0][[30, 70]])


def test_a_sheet_of_attention(run_tool, config, weights, tmp_path):
    """Without labels a mixed image is one row, and grad-cam is not needed."""
    run_tool(SHEET, config, weights, '--map', 'ClassAttention', '--method',
             'MaskMix+scale=1+patch_size=8', '--num', 1, '--out',
             tmp_path / 'sheet', *SMALL)
    height, width, _ = cv2.imread(str(tmp_path / 'sheet.png')).shape
    assert 1 < height / width < 2  # three rows, two columns


def test_pairs_of_one_model_lie_side_by_side():
    rows = [
        SheetRow(f'what\nit is {i}', 'black', torch.rand(3, 8, 8),
                 [torch.rand(2, 2)], [f'p = {i}']) for i in range(3)
    ]
    figure = draw_sheet([rows, rows[::-1]], ['it'])
    assert len(figure.axes) == 3 * 4
    titles = [axes.get_title('left') for axes in figure.axes]
    assert titles[:4] == ['what it is 0', '', 'what it is 2', '']
    captions = [[text.get_text() for text in axes.texts]
                for axes in figure.axes]
    assert captions[:4] == [[], ['p = 0'], [], ['p = 2']]


def test_bad_input(run_tool, config, weights, tmp_path):
    pytest.importorskip('pytorch_grad_cam')
    for tool in (SHEET, SHARES):
        with pytest.raises(SystemExit, match='does not hold the weights'):
            run_tool(tool, 'vanilla/vit-xs_vanilla_1xb64-10e_synthetic.py',
                     weights)
        with pytest.raises(SystemExit, match='There is no mixer|no config'):
            run_tool(tool, config, weights,
                     '--method' if tool == SHEET else '--methods', 'CutMax',
                     *SMALL)
    with pytest.raises(
            SystemExit, match=r'has 2 \(tiny_smmix: SMMix, tiny_smmix: Mixup'):
        run_tool(SHEET, config, weights, '--method', config, *SMALL)
    with pytest.raises(SystemExit, match='error: --num must be at least 1'):
        run_tool(SHEET, config, weights, '--num', 0)
    with pytest.raises(SystemExit, match='no regions'):
        run_tool(SHARES, config, weights, '--methods', 'Mixup', *SMALL)
    cnn = save(CNN, tmp_path / 'cnn.pth', 0)
    with pytest.raises(SystemExit, match='no class token'):
        run_tool(SHARES, CNN, cnn, '--maps', 'ClassAttention')


def test_no_image_that_all_models_get_right(run_tool, config, tmp_path):
    """Two models that always answer one class each."""
    paths = []
    for label in (0, 1):
        paths.append(save(config, tmp_path / f'{label}.pth'))
        checkpoint = torch.load(paths[-1])
        checkpoint['state_dict']['head.layers.head.bias'][label] = 1e4
        torch.save(checkpoint, paths[-1])
    with pytest.raises(
            SystemExit,
            match=r'Of 100 images, 0 .*\(0 .* %, 1 .* %\).*'
            'two of different classes'):
        run_tool(SHEET, config, paths[0], config, paths[1], '--names', '0',
                 '1', '--map', 'BottomUp', *SMALL)
