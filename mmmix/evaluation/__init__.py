"""Metrics of scope ``mmmix``; accuracy is MMPretrain's."""
from .attention_jaccard import AttentionJaccard
from .attention_shares import AttentionShares
from .mixed_images import (ImageLabelInconsistency, MixedAccuracy,
                           mean_and_error, mean_in_bins, shown_lambda,
                           truth_maps)
from .out_of_distribution import (AURRA, CalibrationError, OODDetection,
                                  SubsetAccuracy, detection_aupr,
                                  fitting_subset)

__all__ = [
    'AURRA', 'AttentionJaccard', 'AttentionShares', 'CalibrationError',
    'ImageLabelInconsistency', 'MixedAccuracy', 'OODDetection',
    'SubsetAccuracy', 'detection_aupr', 'fitting_subset', 'mean_and_error',
    'mean_in_bins', 'shown_lambda', 'truth_maps'
]
