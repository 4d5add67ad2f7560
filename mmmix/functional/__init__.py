"""The arithmetic of image mixing as pure torch functions.

These modules import nothing from OpenMMLab, keep no global state and draw no
random numbers, so they also serve a plain PyTorch training loop. Every
function is batched over ``N`` images and accepts any device, any floating
dtype, rectangular images and non-square grids; of the functions used in
training only `cut_grid` and `share_cells` synchronise with the GPU. Boxes are
``(N, 4)`` integer tensors ``(y1, x1, y2, x2)``, half open. ``lam`` is the
weight of the *source*, the image that is pasted in.
"""
from .attention import class_attention, image_attention_score
from .boxes import boxes_at_maximum, extreme_boxes, scale_boxes
from .comixup import peak_distances, share_cells
from .devices import copy_to
from .features import blend_features
from .grid_masks import (crop_cells, grid_shape, lattice_masks, stretch_cells,
                         top_cells)
from .image_saliency import (fine_grained_saliency, grey_levels, in_cache,
                             spectral_residual_saliency)
from .labels import (area_attention_lambda, attention_lambda, blend,
                     progressive_factor)
from .low_frequency import (low_frequency_images, top_share_masks,
                            two_column_images, two_column_length)
from .maps import blend_maps, crop_maps, dense_maps, move_boxes
from .masks import (area_lambda, box_coverage, box_masks, gaussian_masks,
                    nearest_mask, resize_mask)
from .min_cut import cut_grid
from .paste import (blend_images, paste_boxes, paste_masked, paste_shared_box,
                    paste_soft)
from .puzzle import border_differences, cell_shares, puzzle_costs
from .regions import region_means
from .top_down import (above_threshold, blended_class_activation,
                       cosine_relevance, label_relevance)
from .transport import move_cells, transport_cells

__all__ = [
    'above_threshold', 'area_attention_lambda', 'area_lambda',
    'attention_lambda', 'blend', 'blend_features', 'blend_images',
    'blend_maps', 'blended_class_activation', 'border_differences',
    'box_coverage', 'box_masks', 'boxes_at_maximum', 'cell_shares',
    'class_attention', 'copy_to', 'cosine_relevance', 'crop_cells',
    'crop_maps', 'cut_grid', 'dense_maps', 'extreme_boxes',
    'fine_grained_saliency', 'gaussian_masks', 'grey_levels', 'grid_shape',
    'image_attention_score', 'in_cache', 'label_relevance', 'lattice_masks',
    'low_frequency_images', 'move_boxes', 'move_cells', 'nearest_mask',
    'paste_boxes', 'paste_masked', 'paste_shared_box', 'paste_soft',
    'peak_distances', 'progressive_factor', 'puzzle_costs', 'region_means',
    'resize_mask', 'scale_boxes', 'share_cells', 'spectral_residual_saliency',
    'stretch_cells', 'top_cells', 'top_share_masks', 'transport_cells',
    'two_column_images', 'two_column_length'
]
