import pytest
import torch

from mmmix.imagenet import IMAGENET_WNIDS

TOOL = 'model_converters/select_classes.py'


def test_rows_follow_the_sorted_wnids(run_tool, tmp_path):
    weights = {
        'backbone.conv.weight': torch.rand(2, 3),
        'head.fc.weight': torch.rand(1000, 2),
        'head.fc.bias': torch.rand(1000)
    }
    torch.save(dict(state_dict=weights), tmp_path / 'all.pth')
    (tmp_path /
     'wnids.txt').write_text(f'{IMAGENET_WNIDS[7]}\n{IMAGENET_WNIDS[0]}\n')
    run_tool(TOOL, 'all.pth', 'wnids.txt', 'kept/some.pth')
    kept = torch.load(tmp_path / 'kept/some.pth')['state_dict']
    assert torch.equal(kept['backbone.conv.weight'],
                       weights['backbone.conv.weight'])
    for name in ('head.fc.weight', 'head.fc.bias'):
        assert torch.equal(kept[name], weights[name][[0, 7]])


@pytest.mark.parametrize('wnids, classes, message', [
    ('n00000000', 1000, "1 of 1 wnids .* such as 'n00000000'"),
    ('', 1000, 'a wnid of ImageNet-1k in each line'),
    (IMAGENET_WNIDS[0], 10, 'no head of 1000 classes'),
    (f'{IMAGENET_WNIDS[5]} {IMAGENET_WNIDS[0]} {IMAGENET_WNIDS[5]}', 1000,
     f'{IMAGENET_WNIDS[5]} is listed twice'),
])
def test_bad_input(run_tool, tmp_path, wnids, classes, message):
    torch.save({'head.fc.bias': torch.rand(classes)}, tmp_path / 'all.pth')
    (tmp_path / 'wnids.txt').write_text(wnids)
    with pytest.raises(SystemExit, match=message):
        run_tool(TOOL, 'all.pth', 'wnids.txt', 'some.pth')
    assert not (tmp_path / 'some.pth').exists()
