# MixPro, section 4.1, for CaiT and XCiT
_base_ = './imagenet_bs1024_adamw_warm20_300e.py'

train_cfg = dict(max_epochs=400)
