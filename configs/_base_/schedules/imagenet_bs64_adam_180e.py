# Attentive CutMix, EfficientNets on ImageNet (section 4.5)
_base_ = './imagenet_bs64_adam_100e.py'

train_cfg = dict(max_epochs=180)
