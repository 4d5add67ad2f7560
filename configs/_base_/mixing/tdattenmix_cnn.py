# A CNN has no patch tokens, so there is no fine-grained loss (Eq. 18). The
# top-down signal is the class activation map of the label: our interpretation,
# since a CNN has no V to which it could be added.
_base_ = './tdattenmix.py'

mix_losses = dict(fine=None)
