"""What a backbone knows is there after the transfer: its features in UperNet
and in Mask R-CNN are those it has in the classifier."""
import pytest
import torch
from dense_models import build_dense, from_checkpoint, random_classifier

pytestmark = pytest.mark.downstream
KINDS = ['upernet', 'mask-rcnn']
SIZE = (64, 96)

DEIT = dict(
    type='mmpretrain.VisionTransformer',
    arch=dict(
        embed_dims=24, num_layers=4, num_heads=2, feedforward_channels=48),
    img_size=SIZE,
    patch_size=16,
    out_type='raw')
HIERARCHY = dict(embed_dims=8, depths=[1, 1, 2, 2], num_heads=[1, 1, 2, 2])
SWIN = dict(type='mmpretrain.SwinTransformer', arch=HIERARCHY, window_size=2)
CA_SWIN = dict(SWIN, type='mmmix.CASwin', out_type='raw')
PVT = dict(
    type='mmmix.PyramidVisionTransformer',
    arch=dict(
        embed_dims=(8, 8, 16, 16),
        depths=(1, 1, 2, 2),
        num_heads=(1, 1, 2, 2),
        mlp_ratios=(2, 2, 2, 2),
        sr_ratios=(8, 4, 2, 1)),
    img_size=SIZE,
    out_type='raw')


def outputs(modules, backbone, x):
    """What some parts of a backbone answer, and the backbone itself."""
    seen = []
    hooks = [
        module.register_forward_hook(lambda _, __, out: seen.append(out))
        for module in modules
    ]
    final, = backbone(x)
    for hook in hooks:
        hook.remove()
    return seen, final


def to_map(tokens, stride, x):
    """The last ``h * w`` tokens as a map: a class token comes before them."""
    h, w = (side // stride for side in x.shape[-2:])
    return tokens[:, -h * w:].transpose(1, 2).unflatten(2, (h, w))


def deit_maps(backbone, x):
    tokens, final = outputs(backbone.layers[:-1], backbone, x)
    return [to_map(t, 16, x) for t in (*tokens, final)]


def swin_maps(backbone, x):
    """The first three stages have no norm in the classifier; a dense model
    gives each a new one."""
    stages, final = outputs(backbone.stages[:-1], backbone, x)
    maps = [
        to_map(
            torch.nn.functional.layer_norm(tokens, tokens.shape[-1:]), 4 << i,
            x) for i, (tokens, _) in enumerate(stages)
    ]
    return [*maps, final if final.ndim == 4 else to_map(final, 32, x)]


def pvt_maps(backbone, x):
    """In the last stage the patches have seen the class token."""
    stages, final = outputs([blocks[-1] for _, blocks in backbone.layers[:-1]],
                            backbone, x)
    return [
        to_map(tokens, 4 << i, x) for i, tokens in enumerate((*stages, final))
    ]


NORMS = dict(new=['norm0.*', 'norm1.*', 'norm2.*'])
FAMILIES = {
    'deit': (DEIT, deit_maps, [24] * 4, dict(img_size=SIZE)),
    'swin': (SWIN, swin_maps, [8, 16, 32, 64], NORMS),
    'ca_swin': (CA_SWIN, swin_maps, [8, 16, 32, 64], NORMS),
    'pvt': (PVT, pvt_maps, [8, 8, 16, 16], dict(img_size=SIZE)),
}


def transfer(kind, family, tmp_path, **dense):
    """A classifier, and a model that was made from what it saved."""
    backbone, maps, channels, init_cfg = FAMILIES[family]
    classifier = random_classifier(backbone)
    path = tmp_path / 'epoch_1.pth'
    torch.save(dict(state_dict=classifier.state_dict()), path)
    backbone = dict(
        backbone,
        out_indices=[0, 1, 2, 3],
        init_cfg=from_checkpoint(path, **init_cfg),
        **dense)
    if 'out_type' in backbone:
        backbone['out_type'] = 'featmap'
    return classifier, maps, build_dense(kind, backbone, channels)


def preprocessed(model, kind, image):
    """The input of the backbone for one image of bytes, BGR."""
    if kind == 'classifier':
        data = dict(inputs=[image])
    elif kind == 'upernet':
        from mmseg.structures import SegDataSample
        data = dict(
            inputs=[image],
            data_samples=[
                SegDataSample(metainfo=dict(img_shape=image.shape[-2:]))
            ])
    else:
        from mmdet.structures import DetDataSample
        data = dict(
            inputs=[image],
            data_samples=[
                DetDataSample(metainfo=dict(img_shape=image.shape[-2:]))
            ])
    return model.data_preprocessor(data)['inputs']


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('family', FAMILIES)
@torch.no_grad()
def test_all_stages_are_the_classifiers(family, kind, tmp_path):
    classifier, maps, dense = transfer(kind, family, tmp_path)
    image = torch.randint(0, 256, (3, *SIZE), dtype=torch.uint8)
    x = preprocessed(classifier, 'classifier', image)
    torch.testing.assert_close(preprocessed(dense, kind, image), x)
    expected = maps(classifier.backbone, x)
    features = dense.backbone(x)
    assert len(features) == len(expected) == 4
    for stage, (got, wanted) in enumerate(zip(features, expected)):
        assert got.std() > 0.05, stage
        torch.testing.assert_close(got, wanted)


@pytest.mark.parametrize('family', FAMILIES)
@torch.no_grad()
def test_at_another_resolution_positions_are_resized(family, tmp_path):
    """Once and for all, as the classifier resizes them for each image."""
    size = (96, 160)
    dense = {} if 'swin' in family else dict(img_size=size)
    classifier, maps, dense = transfer('upernet', family, tmp_path, **dense)
    x = torch.randn(2, 3, *size)
    for got, wanted in zip(dense.backbone(x), maps(classifier.backbone, x)):
        torch.testing.assert_close(got, wanted)


@torch.no_grad()
def test_swin_with_another_window_works(tmp_path):
    _, _, dense = transfer('upernet', 'swin', tmp_path, window_size=3)
    assert all(out.isfinite().all()
               for out in dense.backbone(torch.randn(1, 3, 96, 128)))


@pytest.mark.parametrize('family', ['deit', 'swin', 'pvt'])
def test_every_parameter_of_a_backbone_is_trained(family, tmp_path):
    """So that distributed training need not look for unused ones."""
    *_, dense = transfer('upernet', family, tmp_path)
    outs = dense.backbone.train() or dense.backbone(torch.randn(2, 3, *SIZE))
    sum(out.square().sum() for out in outs).backward()
    without = [
        name for name, p in dense.backbone.named_parameters() if p.grad is None
    ]
    assert without == []


def test_the_last_block_of_a_ca_swin_learns_nothing(tmp_path):
    """It moves the class token alone, which no map shows; its gradient is 0
    and not missing."""
    *_, dense = transfer('upernet', 'ca_swin', tmp_path)
    outs = dense.backbone(torch.randn(1, 3, *SIZE))
    sum(out.square().sum() for out in outs).backward()
    idle = {
        name.rpartition('blocks.')[0] + 'blocks.1'
        for name, p in dense.backbone.named_parameters() if not p.grad.any()
    }
    assert idle == {'stages.3.blocks.1'}
