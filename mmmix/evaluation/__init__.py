"""Metrics of scope ``mmmix``; accuracy is MMPretrain's."""
from .mixed_images import (ImageLabelInconsistency, MixedAccuracy,
                           mean_and_error, mean_in_bins, shown_lambda,
                           truth_maps)
from .out_of_distribution import (AURRA, CalibrationError, OODDetection,
                                  SubsetAccuracy, detection_aupr,
                                  fitting_subset)

__all__ = [
    'AURRA', 'CalibrationError', 'ImageLabelInconsistency', 'MixedAccuracy',
    'OODDetection', 'SubsetAccuracy', 'detection_aupr', 'fitting_subset',
    'mean_and_error', 'mean_in_bins', 'shown_lambda', 'truth_maps'
]
