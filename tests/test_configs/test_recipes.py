"""What an optimizer of the recipes does, and whose recipe a row has."""
import pytest
from config_zoo import config_of, full_width, load
from mmengine.optim import build_optim_wrapper

CLASS_TOKEN = {'backbone.cls_token'}
# Parameters of more than one dimension that do not decay in the public code
# of each family. A table of a window's biases is added to Swin's.
SPARED = {
    'deit-tiny_vanilla_8xb128-300e_in1k': CLASS_TOKEN | {'backbone.pos_embed'},
    'pvt-tiny_vanilla_8xb128-300e_in1k': CLASS_TOKEN,
    'xcit-tiny24_vanilla_8xb128-warm20-400e_in1k': CLASS_TOKEN,
    'cait-xxs24_vanilla_8xb128-300e_in1k':
    {'backbone.timm_model.cls_token', 'backbone.timm_model.pos_embed'},
    'swin-tiny_vanilla_8xb128-warm20-300e_in1k': set(),
    'ca-swin-tiny_vanilla_8xb128-warm20-300e_in1k':
    {'backbone.stages.3.blocks.1.cls_token'},
}


@pytest.mark.parametrize('stem', SPARED)
def test_only_these_weights_do_not_decay(stem):
    cfg = load(config_of(stem))
    model = full_width(cfg)
    groups = build_optim_wrapper(model, cfg.optim_wrapper).param_groups
    decay = {
        id(p): group['weight_decay']
        for group in groups
        for p in group['params']
    }
    parameters = dict(model.named_parameters())
    assert set(decay.values()) == {0, 0.05}
    spared = {n for n, p in parameters.items() if decay[id(p)] == 0}
    flat = {n for n, p in parameters.items() if p.dim() == 1}
    tables = {n for n in parameters if n.endswith('_bias_table')}
    assert spared == flat | tables | SPARED[stem]
