import cv2
import pytest

TOOL = 'visualization/mask_strategies.py'


def test_strategies_side_by_side(run_tool, config, tmp_path, capsys):
    run_tool(TOOL, config, '--scales', 1, 2, '--num', 2)
    height, width, _ = cv2.imread(str(tmp_path / 'mask_strategies.png')).shape
    assert width > 3 * height  # four strategies, two pairs
    told = ' '.join(capsys.readouterr().out.split())
    for name in ('region: 0.', 'block: 0.', 'random, 1x: 0.',
                 'random, 2x: 0.'):
        assert name in told


def test_bad_input(run_tool, config, tmp_path):
    with pytest.raises(SystemExit, match='covers the whole 32 x 32 image'):
        run_tool(TOOL, config, '--scales', 4)
    with pytest.raises(SystemExit, match='no square patches.*--patch-size'):
        run_tool(TOOL,
                 'vanilla/resnet-xs_vanilla_1xb128-15e_tiny-imagenet-25.py')
    with pytest.raises(SystemExit, match='`num` must be between 2'):
        run_tool(TOOL, config, '--num', 1, '--scales', 1)
