# Attentive CutMix on ImageNet (section 4.5). The paper gives no weight decay
# and no weight initialisation for ImageNet: those of CIFAR
_base_ = './cifar_bs32_adam_80e.py'

train_cfg = dict(max_epochs=100)
auto_scale_lr = dict(base_batch_size=64)
