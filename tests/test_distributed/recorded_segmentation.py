# Weights of each rank are noted. The last layer of the ViT gets no gradients.
_base_ = '../test_tools/tiny_segmentation.py'

model = dict(backbone=dict(arch=dict(num_layers=2), out_indices=[0]))
find_unused_parameters = True
train_dataloader = dict(batch_size=2)

custom_imports = dict(imports=['record_hook'])
custom_hooks = [dict(type='mmmix.RecordWeightsHook')]
