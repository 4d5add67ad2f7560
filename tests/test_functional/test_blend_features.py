"""Features blended with those of other images."""
import pytest
import torch

from mmmix.functional import blend_features


def loop(values, source, weight):
    """Number by number, in float64."""
    weight = weight.expand(values.shape).double()
    mixed = torch.zeros(values.shape).double()
    for i, j in enumerate(source.tolist()):
        own, theirs = values[i].double().flatten(), values[j].double().flatten(
        )
        for k, w in enumerate(weight[i].flatten().tolist()):
            mixed[i].view(-1)[k] = (1 - w) * own[k] + w * theirs[k]
    return mixed


@pytest.mark.parametrize('shape,weights', [
    ((3, 2, 4, 5), (3, 1, 4, 5)),
    ((3, 2, 4, 5), (3, 1, 1, 1)),
    ((3, 7, 2), (3, 7, 1)),
    ((3, 6), (3, 1)),
    ((1, 2, 2), (1, 1, 1)),
])
@pytest.mark.parametrize('dtype,tolerance', [(torch.float64, 1e-12),
                                             (torch.float32, 1e-6),
                                             (torch.float16, 2**-11),
                                             (torch.bfloat16, 2**-8)])
def test_number_by_number(shape, weights, dtype, tolerance):
    torch.manual_seed(0)
    values = torch.rand(shape).to(dtype)
    source = torch.randperm(shape[0])
    weight = torch.rand(weights)
    before = values.clone()
    mixed = blend_features(values, source, weight)
    assert mixed.dtype == dtype and torch.equal(values, before)
    torch.testing.assert_close(
        mixed.double(), loop(values, source, weight), atol=0, rtol=tolerance)


@pytest.mark.parametrize('dtype', [torch.float32, torch.bfloat16])
def test_weights_of_0_and_1_are_exact(dtype):
    values = torch.randn(2, 3, 8, 8).mul(100).to(dtype)
    mask = torch.randint(2, (2, 1, 8, 8)).float()
    source = torch.tensor([1, 0])
    assert torch.equal(
        blend_features(values, source, mask),
        torch.where(mask.bool(), values[source], values))


def test_gradient():
    values = torch.rand(3, 2, 2, dtype=torch.float64, requires_grad=True)
    weight = torch.rand(3, 2, 1, dtype=torch.float64)
    source = torch.tensor([1, 1, 0])  # an image can be the source of two
    assert torch.autograd.gradcheck(
        lambda values: blend_features(values, source, weight), values)


@pytest.mark.parametrize('source,weight', [(2, (3, 1)), (3, (3, )),
                                           (3, (3, 2)), (3, (1, 4, 1))])
def test_shapes_that_do_not_match(source, weight):
    with pytest.raises(ValueError, match=r'as many axes'):
        blend_features(
            torch.rand(3, 4), torch.arange(source), torch.rand(weight))
