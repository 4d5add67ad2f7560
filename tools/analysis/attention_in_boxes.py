r"""How much of the attention falls on the objects.

For each checkpoint and kind of map: the share of the attention inside the
validation images' object boxes, divided by the boxes' share of the area. 1 is
attention without aim.

example, after tools/quickstart.sh:
    attention_in_boxes.py smmix/vit-xs_smmix_1xb64-10e_synthetic.py \
             work_dirs/quickstart/smmix/epoch_10.pth \
             --maps BottomUp TopDown --num-images 200
"""
from mmmix import analysis
from mmmix.cli.models import (add_maps, add_models, analysis_parser,
                              analysis_run, read_map_kinds, read_models)
from mmmix.visualization import markdown_table


def main():
    parser = analysis_parser(__doc__)
    add_models(parser)
    add_maps(parser)
    args = parser.parse_args()
    rows = []
    with analysis_run(args):
        models = read_models(args)
        kinds = read_map_kinds(args, models)
        for trained in models:
            dataset = analysis.open_dataset(trained)
            indices = analysis.choose_images(dataset, args.num_images)
            gains = analysis.attention_gains(trained, kinds, dataset, indices,
                                             args.batch_size)
            rows += [(trained.name, name, len(gain), float(gain.mean()),
                      float(gain.median())) for name, gain in gains.items()]
    print(
        markdown_table(['checkpoint', 'map', 'images', 'mean', 'median'],
                       rows))


if __name__ == '__main__':
    main()
