"""Modules between backbone and head."""
from .class_token import ClassTokenNeck

__all__ = ['ClassTokenNeck']
