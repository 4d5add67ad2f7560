"""Metrics that a test loop feeds; accuracy is MMPretrain's."""
from .calibration import (calibration_bins, confident_prediction,
                          response_rate_accuracy, rms_calibration_error)
from .out_of_distribution import (AURRA, CalibrationError, ConfidenceMetric,
                                  OODDetection, SubsetAccuracy, columns,
                                  detection_aupr, fitting_subset)

__all__ = [
    'AURRA', 'CalibrationError', 'ConfidenceMetric', 'OODDetection',
    'SubsetAccuracy', 'calibration_bins', 'columns', 'confident_prediction',
    'detection_aupr', 'fitting_subset', 'response_rate_accuracy',
    'rms_calibration_error'
]
