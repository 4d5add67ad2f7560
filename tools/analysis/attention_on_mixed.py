r"""How much of the attention falls on what was pasted into an image.

For each checkpoint, method of mixing and kind of map: the share of the
attention mass on the pasted region, beside the region's share of the area, and
the attention on each part over its area; 1 is attention without aim (SMMix,
Section 5.4). All checkpoints are shown the same mixed images, and maps that
depend on a label are made for the source's and for the target's.

example, after tools/quickstart.sh:
    attention_on_mixed.py cutmix/vit-xxs_cutmix_1xb64-120e_synthetic-250.py \
             work_dirs/quickstart/cutmix/epoch_120.pth \
             smmix/vit-xxs_smmix_1xb64-120e_synthetic-250.py \
             work_dirs/quickstart/smmix/epoch_120.pth \
             --methods CutMix SMMix --maps BottomUp --num-images 100 \
             --out work_dirs/attention_on_mixed
"""
from mmmix import analysis
from mmmix.cli import command_parser
from mmmix.cli.methods import (add_guided, add_rounds, guided_methods,
                               sampling_note)
from mmmix.cli.models import (add_maps, add_models, add_out, add_split,
                              analysis_run, read_map_kinds, read_models)
from mmmix.visualization import write_report

COLUMNS = ('checkpoint', 'mixed by', 'map', 'label of', 'pairs', 'area',
           'attention', 'excess', 'std. error', 'pasted', 'visible')
KEYS = (*analysis.attention_shares.NAMES, 'pairs', 'area', 'attention',
        'excess', 'error', 'pasted', 'visible')
NOTE = ('Shares of the pasted region in percent, means over pairs of '
        'different classes; "excess" is attention less area; "pasted" and '
        '"visible" are the attention on each part over its area: 1 is '
        'attention without aim.')


def parse_args():
    parser = command_parser(__doc__)
    add_models(parser, batch_size=25)
    add_guided(parser, '--methods', nargs='+', default=['CutMix'])
    add_maps(parser)
    add_rounds(parser)
    add_split(parser)
    add_out(parser)
    return parser.parse_args()


def main():
    args = parse_args()
    with analysis_run(args):
        models = read_models(args)
        kinds = read_map_kinds(args, models)
        methods = guided_methods(args.methods, args.guide or args.pairs[:2],
                                 args.cfg_options)
        analysis.methods.check_regions(methods)
        analysis.methods.check_images(methods)
        dataset = analysis.open_dataset(models[0], args.split)
        analysis.check_alike([*models, *methods], dataset)
        indices = analysis.choose_images(dataset, args.num_images)
        results, same_class = analysis.measure_attention_shares(
            models, methods, kinds,
            analysis.pair_batches(models[0], dataset, indices, args.batch_size,
                                  args.rounds, args.seed))
    one_part, no_mass = (
        sum(own[what] for own in results) for what in ('one_part', 'no_mass'))
    write_report(
        args.out,
        'Attention on mixed images',
        COLUMNS, [[own[key] for key in KEYS] for own in results],
        dict(same_class=same_class, results=results),
        figure=analysis.attention_shares.draw_attention_shares(results),
        notes=[
            NOTE, f'Guide: {methods[0].short_checkpoint}. {same_class} pairs '
            'of one class were left out of every row; over all rows, '
            f'{one_part} because nothing or all was pasted, {no_mass} because '
            'the map is zero everywhere. ' + sampling_note(args, indices)
        ])


if __name__ == '__main__':
    main()
