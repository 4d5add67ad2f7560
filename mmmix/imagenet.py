"""The classes of ImageNet-1k."""
from pathlib import Path

# The WordNet ids of the 1000 outputs of an ImageNet-1k classifier, in order;
# the folders of ImageNet and its relatives are named after them. MMPretrain
# has the names of the classes alone.
IMAGENET_WNIDS = tuple(
    Path(__file__).with_name('imagenet_wnids.txt').read_text().split())
