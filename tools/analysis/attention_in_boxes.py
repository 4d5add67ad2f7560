"""How much of the attention falls on the objects.

For each checkpoint and kind of map: the share of the attention inside the
validation images' object boxes, divided by the boxes' share of the area. 1 is
attention without aim.

example, after tools/quickstart.sh:
    attention_in_boxes.py smmix/vit-xs_smmix_synthetic.py \\
             work_dirs/quickstart/smmix/epoch_10.pth \\
             --maps BottomUp TopDown --num-images 200
"""
import argparse

from mmengine.logging import MMLogger

from mmmix.analysis import (
    ModelMap,
    attention_gains,
    choose_images,
    open_dataset,
)
from mmmix.cli.launch import short_errors
from mmmix.cli.models import add_maps, add_models, read_models
from mmmix.visualization import markdown_table


def parse_args():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add_models(parser)
    add_maps(parser)
    return parser.parse_args()


def main():
    args = parse_args()
    MMLogger.get_current_instance().setLevel('ERROR')
    rows = []
    with short_errors(ValueError, ModuleNotFoundError):
        kinds = [ModelMap(kind) for kind in args.maps]
        for trained in read_models(args):
            for maps in kinds:
                maps.check(trained.model)
            dataset = open_dataset(trained)
            indices = choose_images(dataset, args.num_images)
            gains = attention_gains(trained, kinds, dataset, indices,
                                    args.batch_size)
            rows += [(trained.name, name, len(gain), float(gain.mean()),
                      float(gain.median())) for name, gain in gains.items()]
    print(
        markdown_table(['checkpoint', 'map', 'images', 'mean', 'median'],
                       rows))


if __name__ == '__main__':
    main()
