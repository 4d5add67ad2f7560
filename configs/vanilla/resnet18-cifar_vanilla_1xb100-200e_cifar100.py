_base_ = './resnet18-cifar_vanilla_1xb100-800e_cifar100.py'

train_cfg = dict(max_epochs=200)
