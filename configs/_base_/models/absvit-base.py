# AbSViT-B/16, the guide of TdAttenMix's public code. The weights are converted
# by tools/model_converters/absvit.py. Without a data preprocessor it is shown
# images as the model under training sees them.
model = dict(
    type='ImageClassifier',
    backbone=dict(
        type='mmmix.AbSViT', arch='base', img_size=224, patch_size=16),
    head=dict(
        type='VisionTransformerClsHead', num_classes=1000, in_channels=768))
