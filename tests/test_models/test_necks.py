"""The class token out of all tokens."""
import pytest
import torch

from mmmix.models import ClassTokenNeck


def test_the_class_token_is_the_first():
    tokens = torch.rand(3, 5, 4)
    neck = ClassTokenNeck()
    (token, ) = neck((torch.rand(1), tokens))
    assert torch.equal(token, tokens[:, 0])
    assert not neck.state_dict()


def test_features_without_tokens_are_refused():
    with pytest.raises(ValueError, match=r"\(3, 4\).*out_type='raw'"):
        ClassTokenNeck()((torch.rand(3, 4), ))
