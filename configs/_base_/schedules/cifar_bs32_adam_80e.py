# Attentive CutMix on CIFAR-10 (section 4.3). The paper names neither the
# optimizer nor a learning-rate schedule: Adam, whose default rate in PyTorch
# is that of the paper, at a constant rate.
optim_wrapper = dict(optimizer=dict(type='Adam', lr=1e-3, weight_decay=1e-5))

train_cfg = dict(by_epoch=True, max_epochs=80, val_interval=1)
val_cfg = dict()
test_cfg = dict()

# for --auto-scale-lr: the total batch size that the learning rate is for
auto_scale_lr = dict(base_batch_size=32)

# use as `init_cfg` of backbone and head
xavier_normal = dict(
    type='Xavier', layer=['Conv2d', 'Linear'], distribution='normal')
