# A CNN has no patch tokens, so there is no fine-grained loss (Eq. 18). The
# top-down signal is the class activation map of the label: our interpretation,
# since a CNN has no V to which it could be added.
_base_ = './tdattenmix.py'

mixing = dict(augments=[
    # as in the authors' public code: the last map of a CNN has too few places
    dict(type='mmmix.SMMix', grid=14),
    *_base_.mixing.augments[1:],
])

mix_losses = dict(fine=None)
