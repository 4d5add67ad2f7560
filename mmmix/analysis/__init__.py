"""What the papers measure on trained classifiers, as plain functions.

A model, its config and the name of its checkpoint are a
:class:`TrainedModel`; a mixer of a model is a :class:`Method`, which mixes
outside of a training; a kind of maps is a :class:`ModelMap`. The commands in
``tools/analysis`` parse their arguments, call these functions and print::

    from mmmix import analysis
    from mmmix.cli.models import read_model

    config = 'smmix/vit-xs_smmix_1xb64-10e_synthetic.py'
    trained = read_model('SMMix', config, 'work_dirs/x.pth')
    dataset = analysis.open_dataset(trained)
    analysis.measure_attention_in_boxes(
        trained, [analysis.ModelMap('BottomUp')], dataset, range(100))
"""
from .attention_in_boxes import measure_attention_in_boxes
from .attention_segmentation import SegmentationProtocol, measure_segmentation
from .attention_shares import measure_attention_shares
from .cam import class_activation
from .inconsistency import measure_inconsistency, shown_lambda
from .methods import Method, methods_of, mix_pairs, with_controls
from .mixed_accuracy import measure_mixed_accuracy, pair_hits
from .model_maps import MAP_KINDS, ModelMap
from .occlusion import Occlusion, accuracy_under_occlusion
from .out_of_distribution import OutOfDistribution
from .pairs import Pairs, check_alike, check_classes, pair_batches
from .trained_model import (TrainedModel, batches, check_same_images,
                            choose_images, open_dataset)
from .where_models_look import correct_images, look_at_pair

__all__ = [
    'MAP_KINDS', 'Method', 'ModelMap', 'Occlusion', 'OutOfDistribution',
    'Pairs', 'SegmentationProtocol', 'TrainedModel',
    'accuracy_under_occlusion', 'batches', 'check_alike', 'check_classes',
    'check_same_images', 'choose_images', 'class_activation', 'correct_images',
    'look_at_pair', 'measure_attention_in_boxes', 'measure_attention_shares',
    'measure_inconsistency', 'measure_mixed_accuracy', 'measure_segmentation',
    'methods_of', 'mix_pairs', 'open_dataset', 'pair_batches', 'pair_hits',
    'shown_lambda', 'with_controls'
]
