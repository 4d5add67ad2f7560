"""The names of the public PVT classifier's weights, and ours."""
import re
from typing import Dict

import torch
from torch import Tensor

from mmmix.errors import MmmixError, first_few

StateDict = Dict[str, Tensor]

IN_BLOCK = {  # theirs: ours; 'qkv' joins their 'q' and 'kv'
    'norm1.': 'norm1.',
    'attn.qkv.': 'attn.attn.in_proj_',
    'attn.proj.': 'attn.attn.out_proj.',
    'attn.sr.': 'attn.sr.',
    'attn.norm.': 'attn.norm.',
    'norm2.': 'norm2.',
    'mlp.fc1.': 'ffn.layers.0.',
    'mlp.fc2.': 'ffn.layers.3.',
}


def from_published_pvt(state_dict: StateDict) -> StateDict:
    """Rename the weights of the public PVT classifier to our names.

    The public code is https://github.com/whai362/PVT (classification, version
    1). The result loads with ``strict=True`` into a classifier with
    :class:`PyramidVisionTransformer` and a ``VisionTransformerClsHead``;
    ``conv_norm_eps=1e-5`` then gives the public model's logits.

    Args:
        state_dict (dict[str, Tensor]): Weights of the public classifier.

    Raises:
        MmmixError: If a name does not belong to that classifier.
    """
    state = dict(state_dict)
    for key, value in state_dict.items():
        if '.attn.q.' in key and (kv := key.replace('.q.', '.kv.')) in state:
            state[key.replace('.q.', '.qkv.')] = torch.cat(
                (state.pop(key), state.pop(kv)))
        elif '.mlp.' in key and value.ndim == 2:
            state[key] = value[..., None, None]
    if 'pos_embed4' in state:
        positions = state['pos_embed4']
        state['pos_embed4_cls'] = positions[:, :1]
        state['pos_embed4'] = positions[:, 1:]
    return _rename(state, _names(state), 'the public PVT classifier')


def to_published_pvt(state_dict: StateDict) -> StateDict:
    """The inverse of :func:`from_published_pvt`.

    mmdet's ``PyramidVisionTransformer`` loads the result through
    ``init_cfg=dict(type='Pretrained', checkpoint=...)``.

    Args:
        state_dict (dict[str, Tensor]): Weights of a classifier with
            :class:`PyramidVisionTransformer`.

    Raises:
        MmmixError: If a name does not belong to that classifier.
    """
    names = {ours: theirs for theirs, ours in _names(state_dict).items()}
    state = _rename(state_dict, names, 'a classifier with our PVT')
    for key, value in list(state.items()):
        if '.qkv.' in key:
            c = len(value) // 3
            del state[key]
            state[key.replace('.qkv.', '.q.')] = value[:c].clone()
            state[key.replace('.qkv.', '.kv.')] = value[c:].clone()
        elif '.mlp.' in key and value.ndim == 4:
            state[key] = value.flatten(1)
    if 'pos_embed4_cls' in state:
        state['pos_embed4'] = torch.cat(
            (state.pop('pos_embed4_cls'), state['pos_embed4']), 1)
    return state


def _names(state_dict: StateDict) -> Dict[str, str]:
    """Their names to ours, for at least as many blocks as there are."""
    numbers = re.findall(r'\d+', ' '.join(state_dict))
    depth = 1 + max(map(int, numbers), default=0)
    names = {
        'cls_token': 'backbone.cls_token',
        'pos_embed4_cls': 'backbone.layers.3.1.0.pos_embed_cls',
    }
    for i in range(4):
        stage = f'backbone.layers.{i}'
        names[f'pos_embed{i + 1}'] = f'{stage}.1.0.pos_embed'
    layers = {'norm.': 'backbone.norm.', 'head.': 'head.layers.head.'}
    for i in range(4):
        stage = f'backbone.layers.{i}'
        layers[f'patch_embed{i + 1}.proj.'] = f'{stage}.0.projection.'
        layers[f'patch_embed{i + 1}.norm.'] = f'{stage}.0.norm.'
        for j in range(depth):
            for theirs, ours in IN_BLOCK.items():
                layers[f'block{i + 1}.{j}.{theirs}'] = (
                    f'{stage}.1.{j + 1}.{ours}')
    for theirs, ours in layers.items():
        for kind in ('weight', 'bias'):
            names[theirs + kind] = ours + kind
    return names


def _rename(state_dict: StateDict, names: Dict[str, str],
            what: str) -> StateDict:
    unknown = [key for key in state_dict if key not in names]
    if unknown:
        raise MmmixError(
            f'{len(unknown)} names do not belong to {what}: '
            f'{first_few(unknown)}. Check the checkpoint and the direction of '
            'the conversion.')
    return {names[key]: value for key, value in state_dict.items()}
