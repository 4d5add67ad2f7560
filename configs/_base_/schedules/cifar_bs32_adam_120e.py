# Attentive CutMix on CIFAR-100 (section 4.4)
_base_ = './cifar_bs32_adam_80e.py'

train_cfg = dict(max_epochs=120)
