"""The preflight: what can be known of a run before its first step."""
from .check import check_run, preflight
from .finding import Finding, Report

__all__ = ['Finding', 'Report', 'check_run', 'preflight']
