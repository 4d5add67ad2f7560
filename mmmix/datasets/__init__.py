"""Data sets that MMPretrain does not have, its own ones with better messages,
and a loader that names corrupt images."""
from .collating import collate
from .decoded_images import DecodedImages
from .fixations import read_cub_gha, read_fixations
from .gaze import Gaze, gaze_map
from .label_maps import LoadLabelMap, RandomResizedCrop
from .listed import CUB, CustomDataset, ImageNet, read_labels, read_lines
from .loading import LoadGaze, LoadImage, LoadMask
from .masked_images import MaskedImages
from .synthetic import SyntheticObjects
from .synthetic_dense import SyntheticDetection, SyntheticSegmentation
from .tiny_imagenet import TinyImageNet
from .voc import VOCSegmentation
from .watched_pipeline import WatchedPipeline
from .wnid_images import (ImageNetA, ImageNetO, ImageNetR, ImageNetSketch,
                          StylizedImageNet, WnidImages)

__all__ = [
    'CUB', 'CustomDataset', 'DecodedImages', 'Gaze', 'ImageNet', 'ImageNetA',
    'ImageNetO', 'ImageNetR', 'ImageNetSketch', 'LoadGaze', 'LoadImage',
    'LoadLabelMap', 'LoadMask', 'MaskedImages', 'RandomResizedCrop',
    'StylizedImageNet', 'SyntheticDetection', 'SyntheticObjects',
    'SyntheticSegmentation', 'TinyImageNet', 'VOCSegmentation',
    'WatchedPipeline', 'WnidImages', 'collate', 'gaze_map', 'read_cub_gha',
    'read_fixations', 'read_labels', 'read_lines'
]
