"""Tools whose maps may be made for labels, and a model of other classes."""
import pytest
from aimless import SHIPPED, SMALL, save

TWENTY = {'model.head.num_classes': 20, 'data_preprocessor.num_classes': 20}


@pytest.mark.parametrize('tool',
                         ['attention_in_boxes', 'attention_segmentation'])
def test_labels_of_another_number_of_classes(run_tool, tmp_path, tool):
    path = save(SHIPPED, tmp_path / 'weights.pth', TWENTY)
    common = [
        f'analysis/{tool}.py', SHIPPED, path, *SMALL,
        *(f'{k}={v}' for k, v in TWENTY.items())
    ]
    run_tool(*common)  # maps that depend on no label
    with pytest.raises(
            SystemExit, match='knows 20 classes, but the data set has 10'):
        run_tool(*common, '--maps', 'BottomUp', 'TopDown')
