"""The arithmetic of image mixing as pure torch functions.

These modules import nothing from OpenMMLab, keep no global state and draw no
random numbers, so they also serve a plain PyTorch training loop. Every
function is batched over ``N`` images and accepts any device, any floating
dtype, rectangular images and non-square grids; the functions used in training
never synchronise with the GPU. Boxes are ``(N, 4)`` integer tensors
``(y1, x1, y2, x2)``, half open. ``lam`` is the weight of the *source*, the
image that is pasted in.
"""
from .attention import class_attention, image_attention_score
from .boxes import box_sums, boxes_at_maximum, extreme_boxes, scale_boxes
from .grid_masks import (crop_cells, grid_shape, lattice_masks, stretch_cells,
                         top_cells)
from .image_saliency import (fine_grained_saliency, grey_levels, in_cache,
                             spectral_residual_saliency)
from .labels import (area_attention_lambda, attention_lambda, blend,
                     progressive_factor)
from .low_frequency import (low_frequency_images, top_share_masks,
                            two_column_images, two_column_length)
from .masks import (area_lambda, box_coverage, box_masks, gaussian_masks,
                    nearest_mask, resize_mask)
from .paste import paste_boxes, paste_masked, paste_shared_box, paste_soft
from .regions import region_means
from .top_down import (above_threshold, blended_class_activation,
                       cosine_relevance, label_relevance)

__all__ = [
    'area_attention_lambda', 'area_lambda', 'attention_lambda', 'blend',
    'blended_class_activation', 'box_coverage', 'box_masks', 'box_sums',
    'boxes_at_maximum', 'class_attention', 'cosine_relevance', 'crop_cells',
    'extreme_boxes', 'fine_grained_saliency', 'gaussian_masks', 'grey_levels',
    'top_cells', 'grid_shape', 'image_attention_score', 'in_cache',
    'label_relevance', 'lattice_masks', 'low_frequency_images', 'nearest_mask',
    'paste_boxes', 'paste_masked', 'paste_shared_box', 'paste_soft',
    'above_threshold', 'progressive_factor', 'region_means', 'resize_mask',
    'scale_boxes', 'spectral_residual_saliency', 'stretch_cells',
    'top_share_masks', 'two_column_images', 'two_column_length'
]
