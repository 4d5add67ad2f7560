# The options that halve the width of resnet-xs, for tables whose runs a CPU
# trains in minutes.
narrow = {
    'model.backbone.stem_channels': 8,
    'model.backbone.base_channels': 8,
    'model.head.in_channels': 64,
}
