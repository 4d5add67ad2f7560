# What each rank mixes is noted. A classifier that only SMMix's batches use,
# beside batches without: the gradients of all parameters must still meet.
_base_ = '../test_tools/tiny_smmix.py'

model = dict(
    head=dict(mix_losses=dict(fine=dict(second_classifier=True))),
    train_cfg=dict(augments=[
        dict(type='mmmix.SMMix', pairing='shuffle'),
        dict(type='mmmix.Mixup', alpha=0.8)
    ]))
train_cfg = dict(max_epochs=4)

custom_imports = dict(imports=['record_hook'])
custom_hooks = [dict(type='mmmix.RecordHook')]
