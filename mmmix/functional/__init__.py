"""The arithmetic of image mixing as pure torch functions.

No OpenMMLab import, no globals, no randomness. Every function is batched over
``N`` images and takes any device, any floating dtype, rectangular images and
non-square grids; none waits for a GPU. Boxes are ``(N, 4)`` integer tensors
``(y1, x1, y2, x2)``, half open. ``lam`` is the weight of the *source*, the
image pasted in. A plain PyTorch user can import this package alone.
"""
from .attention import image_attention_score
from .boxes import box_sums, extreme_boxes, scale_boxes
from .labels import mix_scores
from .masks import area_lambda, box_masks, resize_mask
from .paste import paste_boxes, paste_shared_box
from .regions import region_means

__all__ = [
    'area_lambda', 'box_masks', 'box_sums', 'extreme_boxes',
    'image_attention_score', 'mix_scores', 'paste_boxes', 'paste_shared_box',
    'region_means', 'resize_mask', 'scale_boxes'
]
