"""Metrics of scope ``mmmix``; accuracy is MMPretrain's."""
