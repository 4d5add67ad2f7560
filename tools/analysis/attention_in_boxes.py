r"""How much of the attention falls on the objects.

For each checkpoint and kind of map: the share of the attention inside the
validation images' object boxes, beside the boxes' share of the area, which
attention without aim reaches, and that of the average map of these images,
which knows where objects usually are. The gain is the share of the attention
divided by that of the area.

example, after tools/quickstart.sh:
    attention_in_boxes.py smmix/vit-xxs_smmix_1xb64-120e_synthetic-250.py \
             work_dirs/quickstart/smmix/epoch_120.pth \
             --maps BottomUp TopDown --num-images 200
"""
from mmmix import analysis
from mmmix.analysis.attention_in_boxes import draw_over_area, mean_attention
from mmmix.cli import command_parser
from mmmix.cli.models import (add_maps, add_models, add_out, analysis_run,
                              read_map_kinds, read_models)
from mmmix.visualization import write_report

COLUMNS = ('checkpoint', 'map', 'images', 'gain', 'std. error', 'median',
           'area', 'average map', 'attention', 'std. error',
           'above the average map', 'std. error', 'to the first map',
           'std. error')
KEYS = ('images', 'gain', 'gain_error', 'median', 'area', 'average',
        'attention', 'attention_error', 'above_average', 'above_average_error',
        'to_first', 'to_first_error')
NOTE = ('Shares in the boxes in percent, means over the images; the gain is '
        'the share of the attention divided by that of the area, image by '
        'image: 1 is attention without aim. "Average map": the mean of the '
        'maps of all these images, laid on each of them. Differences are '
        'taken image by image.')


def parse_args():
    parser = command_parser(__doc__)
    add_models(parser)
    add_maps(parser)
    add_out(parser)
    return parser.parse_args()


def main():
    args = parse_args()
    with analysis_run(args):
        models = read_models(args)
        kinds = read_map_kinds(args, models)
        found = {}
        for trained in models:
            dataset = analysis.open_dataset(trained)
            if any(maps.requires_labels for maps in kinds):
                analysis.check_classes(trained, dataset)
            found[trained.name] = analysis.measure_attention_in_boxes(
                trained, kinds, dataset,
                analysis.choose_images(dataset, args.num_images),
                args.batch_size)
    results = {name: mean_attention(own) for name, own in found.items()}
    write_report(
        args.out,
        'Attention in boxes',
        COLUMNS, [(name, kind, *(own[key] for key in KEYS))
                  for name, kinds in results.items()
                  for kind, own in kinds.items()],
        dict(results=results),
        figure=draw_over_area(found),
        notes=[NOTE])


if __name__ == '__main__':
    main()
