"""The names of the public AbSViT classifier's weights, and ours."""
import re
from typing import Dict

from torch import Tensor

from mmmix.errors import MmmixError, first_few

StateDict = Dict[str, Tensor]

OUTSIDE = {  # theirs: ours
    'patch_embed.proj': 'backbone.patch_embed.projection',
    'norm': 'backbone.ln1',
    'head': 'head.layers.head',
}
IN_BLOCK = {
    'norm1': 'ln1',
    'attn.qkv': 'attn.qkv',
    'attn.proj': 'attn.proj',
    'norm2': 'ln2',
    'mlp.fc1': 'ffn.layers.0.0',
    'mlp.fc2': 'ffn.layers.1',
}


def from_published_absvit(state_dict: StateDict) -> StateDict:
    """Rename the weights of the public AbSViT classifier to our names.

    The public code is https://github.com/bfshi/AbSViT; its names are timm's.
    The result loads with ``strict=True`` into a classifier with
    :class:`AbSViT` and a ``VisionTransformerClsHead``.

    Args:
        state_dict (dict[str, Tensor]): Weights of the public classifier.

    Raises:
        MmmixError: If names are unknown or missing; they are listed.
    """
    blocks = re.findall(r'\bblocks\.(\d+)\.', ' '.join(state_dict))
    names = _names(depth=1 + max(map(int, blocks), default=0))
    wrong = []
    for what, keys in (('unknown', state_dict.keys() - names.keys()),
                       ('missing', names.keys() - state_dict.keys())):
        if keys:
            wrong.append(f'{len(keys)} {what}: {first_few(sorted(keys), 8)}')
    if wrong:
        raise MmmixError('\n  '.join([
            'These are not the weights of a public AbSViT classifier with '
            'class token, decoders, prompt and head:', *wrong
        ]))
    return {names[key]: value for key, value in state_dict.items()}


def _names(depth: int) -> Dict[str, str]:
    """Their names to ours."""
    layers = dict(OUTSIDE)
    same = ['cls_token', 'pos_embed', 'prompt']
    for i in range(depth):
        for theirs, ours in IN_BLOCK.items():
            layers[f'blocks.{i}.{theirs}'] = f'backbone.layers.{i}.{ours}'
        same += [
            f'decoders.{i}.{linear}.weight' for linear in ('linear', 'linear2')
        ]
    names = {key: f'backbone.{key}' for key in same}
    for theirs, ours in layers.items():
        for kind in ('weight', 'bias'):
            names[f'{theirs}.{kind}'] = f'{ours}.{kind}'
    return names
