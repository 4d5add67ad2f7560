# A CNN gives no patch tokens, so no fine-grained loss (Eq. 18). The top-down
# signal is the class activation map of the label: our reading, since a CNN
# has no V to add it to.
_base_ = './tdattenmix.py'

mix_losses = dict(fine=None)
