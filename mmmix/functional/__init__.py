"""The arithmetic of image mixing as pure torch functions.

No OpenMMLab import, no globals, no randomness. Every function is batched over
``N`` images and takes any device, any floating dtype, rectangular images and
non-square grids; what training uses never waits for a GPU. Boxes are
``(N, 4)`` integer tensors ``(y1, x1, y2, x2)``, half open. ``lam`` is the
weight of the *source*, the image pasted in. A plain PyTorch user can import
this package alone.
"""
from .attention import class_attention, image_attention_score
from .boxes import box_sums, extreme_boxes, scale_boxes
from .calibration import (calibration_bins, confident_prediction,
                          response_rate_accuracy, rms_calibration_error)
from .grid_masks import (crop_cells, first_cells, grid_shape,
                         stretch_cells)
from .inconsistency import (gaze_map, ground_truth_lambda,
                            label_inconsistency, unit_mass)
from .labels import (area_attention_lambda, attention_lambda, mix_scores,
                     progressive_factor)
from .localisation import attention_segments, jaccard, mass_mask
from .masks import (area_lambda, box_coverage, box_masks, nearest_mask,
                    resize_mask)
from .occlusion import drop_patches, patches_to_drop, saliency_order
from .mixed_accuracy import pair_hits
from .paste import paste_boxes, paste_masked, paste_shared_box
from .positions import resize_relative_positions
from .regions import region_means
from .top_down import (blended_class_activation, cosine_relevance,
                       label_relevance, peaks)

__all__ = [
    'area_attention_lambda', 'area_lambda', 'attention_lambda',
    'attention_segments', 'blended_class_activation', 'box_coverage',
    'box_masks', 'box_sums', 'calibration_bins', 'class_attention',
    'confident_prediction', 'cosine_relevance', 'crop_cells', 'drop_patches',
    'extreme_boxes', 'first_cells', 'gaze_map', 'grid_shape',
    'ground_truth_lambda', 'image_attention_score', 'jaccard',
    'label_inconsistency', 'label_relevance', 'mass_mask', 'mix_scores',
    'nearest_mask', 'pair_hits', 'paste_boxes', 'paste_masked',
    'paste_shared_box', 'patches_to_drop', 'peaks', 'progressive_factor',
    'region_means', 'resize_mask', 'resize_relative_positions',
    'response_rate_accuracy', 'rms_calibration_error', 'saliency_order',
    'scale_boxes', 'stretch_cells', 'unit_mass'
]
