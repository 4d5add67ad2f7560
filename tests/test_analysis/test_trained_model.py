"""What the analysis tools share."""
import pytest
import torch
from mmpretrain.structures import DataSample

from mmmix.analysis.trained_model import choose_images, labels_of
from mmmix.cli.models import choose_names, short_names


@pytest.mark.parametrize('configs, checkpoints, names', [
    (['a/vit_smmix_tiny.py'], ['x/1.pth'], ['vit_smmix_tiny']),
    (['a/vit_smmix_tiny.py', 'b/vit_cutmix_tiny.py'
      ], ['x/1.pth'] * 2, ['smmix', 'cutmix']),
    (['vit_tiny.py', 'vit_tiny.py'], ['x/1.pth', 'y/1.pth'
                                      ], ['vit_tiny x', 'vit_tiny y']),
    (['vit_tiny.py', 'vit_tiny.py'
      ], ['1.pth', '1.pth'], ['vit_tiny 1.pth (1)', 'vit_tiny 1.pth (2)']),
])
def test_names_are_what_tells_pairs_apart(configs, checkpoints, names):
    found = choose_names(None, short_names(configs, checkpoints))
    assert found == names


def test_images_are_drawn_from_all_classes():
    chosen = choose_images(range(1000), 100)
    assert chosen == choose_images(range(1000), 100) == sorted(set(chosen))
    assert len(chosen) == 100
    assert {index % 10 for index in chosen} == set(range(10))
    assert choose_images(range(3)) == choose_images(range(3), 3) == [0, 1, 2]
    for number in (0, 11):
        with pytest.raises(ValueError, match='between 1 and 10'):
            choose_images(range(10), number)


def test_labels():
    samples = [DataSample().set_gt_label(i) for i in (3, 1)]
    assert torch.equal(labels_of(samples), torch.tensor([3, 1]))
    with pytest.raises(ValueError, match='have no labels'):
        labels_of([*samples, DataSample()])
