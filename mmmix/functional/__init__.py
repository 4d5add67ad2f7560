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
from .boxes import box_sums, extreme_boxes, scale_boxes
from .comixup import peak_distances, share_cells
from .grid_masks import crop_cells, grid_shape, stretch_cells, top_cells
from .labels import (area_attention_lambda, attention_lambda, blend,
                     progressive_factor)
from .masks import (area_lambda, box_coverage, box_masks, nearest_mask,
                    resize_mask)
from .min_cut import cut_grid
from .paste import paste_boxes, paste_masked, paste_shared_box
from .puzzle import border_differences, cell_shares, puzzle_costs
from .regions import region_means
from .top_down import (above_threshold, blended_class_activation,
                       cosine_relevance, label_relevance)
from .transport import move_cells, transport_cells

__all__ = [
    'area_attention_lambda', 'area_lambda', 'attention_lambda',
    'blended_class_activation', 'border_differences', 'cell_shares',
    'cut_grid', 'peak_distances', 'share_cells', 'move_cells', 'puzzle_costs',
    'transport_cells', 'box_coverage', 'box_masks', 'box_sums',
    'class_attention', 'cosine_relevance', 'crop_cells', 'extreme_boxes',
    'top_cells', 'grid_shape', 'image_attention_score', 'label_relevance',
    'blend', 'nearest_mask', 'paste_boxes', 'paste_masked', 'paste_shared_box',
    'above_threshold', 'progressive_factor', 'region_means', 'resize_mask',
    'scale_boxes', 'stretch_cells'
]
