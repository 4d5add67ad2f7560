# Weights of each rank are noted.
_base_ = '../test_tools/tiny_detection.py'

custom_imports = dict(imports=['record_hook'])
custom_hooks = [dict(type='mmmix.RecordWeightsHook')]
