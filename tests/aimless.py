"""A small ViT whose attention has no aim, for tools that judge attention."""
import torch

from mmmix.cli import build_model, load_config

# its pipeline packs boxes
SHIPPED = 'vanilla/vit-xs_vanilla_1xb64-10e_synthetic.py'
SMALL = ['--cfg-options', 'val_dataloader.dataset.num_images=20']


def save(config, path, options=None):
    """Weights without queries: all patches are attended to alike."""
    model = build_model(load_config(config, options))
    with torch.no_grad():
        model.backbone.layers[-1].attn.qkv.weight.zero_()
    torch.save(dict(state_dict=model.state_dict(), meta={}), path)
    return path
