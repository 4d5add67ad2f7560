# A ViT with 0.32 M parameters for images of 32 x 32 pixels, in 16 patches,
# for trainings of a minute on a CPU.
_base_ = './vit-xs.py'

model = dict(backbone=dict(arch=dict(num_layers=4), patch_size=8))
