"""Weights of a checkpoint: where they lie, all of them or none."""
import pytest
import torch
from torch import nn

from mmmix.checkpoint import (check_checkpoint, load_weights, read_weights,
                              weights_of)


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / 'weights.pth')


@pytest.mark.parametrize('form', ['bare', 'model', 'state_dict', 'module.'])
def test_every_form_is_loaded(form, path):
    source, model = nn.Linear(3, 2), nn.Linear(3, 2)
    weights = source.state_dict()
    if form == 'module.':
        weights = {f'module.{name}': value for name, value in weights.items()}
    torch.save({form: weights} if form in ('model', 'state_dict') else weights,
               path)
    load_weights(model, path)
    for name, value in source.state_dict().items():
        assert torch.equal(model.state_dict()[name], value)
    assert read_weights(path).keys() == source.state_dict().keys()


@pytest.mark.parametrize(
    'content',
    [[], {}, dict(state_dict={}),
     dict(model=3), dict(epoch=1)])
def test_content_without_weights(content):
    with pytest.raises(ValueError, match='w.pth has no weights'):
        weights_of(content, 'w.pth')


def test_weights_of_another_model(path):
    torch.save(nn.Linear(3, 4).state_dict(), path)
    with pytest.raises(ValueError, match='The teacher .*does not hold the'):
        load_weights(nn.Linear(3, 2), path, 'teacher')


def test_a_model_stays_as_it_was_if_not_all_fits(path):
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    before = {name: w.clone() for name, w in model.state_dict().items()}
    for weights in ({
            '0.weight': torch.ones(3, 2)
    }, {
            **before, '0.weight': torch.ones(3, 2),
            'x': torch.ones(1)
    }, {
            **before, '0.weight': torch.ones(3, 2),
            '0.bias': torch.ones(4)
    }):
        torch.save(weights, path)
        with pytest.raises(ValueError, match='does not hold the weights'):
            load_weights(model, path)
        for name, weight in model.state_dict().items():
            assert torch.equal(weight, before[name]), name


def test_a_damaged_file(path):
    with open(path, 'wb') as file:
        file.write(b'damaged')
    with pytest.raises(ValueError, match='damaged, or not a checkpoint'):
        load_weights(nn.Linear(3, 2), path)


def test_a_missing_file():
    with pytest.raises(FileNotFoundError, match='no teacher gone.pth'):
        check_checkpoint('gone.pth', 'teacher')
    assert check_checkpoint('https://host/w.pth') == 'https://host/w.pth'
