"""The version of mmmix, which pyproject.toml reads without an import."""

__version__ = '0.1.0'
