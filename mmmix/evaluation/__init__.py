"""Metrics of scope ``mmmix``; accuracy is MMPretrain's."""
from .out_of_distribution import (AURRA, CalibrationError, OODDetection,
                                  SubsetAccuracy, detection_aupr,
                                  fitting_subset)

__all__ = [
    'AURRA', 'CalibrationError', 'OODDetection', 'SubsetAccuracy',
    'detection_aupr', 'fitting_subset'
]
