"""Private attributes of other libraries, touched in this file alone.

Each function says why there is no public way.
"""
from typing import Any, Optional

from mmengine.config import DictAction
from mmengine.model import BaseDataPreprocessor
from mmengine.runner import FlexibleRunner
from mmengine.visualization import Visualizer
from mmengine.visualization.vis_backend import BaseVisBackend


def copy_without_waiting(preprocessor: BaseDataPreprocessor) -> None:
    """Let a data preprocessor move images to the GPU asynchronously.

    ``BaseDataPreprocessor`` takes ``non_blocking``, but MMPretrain's child
    does not pass it on.
    """
    preprocessor._non_blocking = True


def set_auto_scale_lr(runner: FlexibleRunner, scaling: dict) -> None:
    """Set the learning-rate scaling of a runner that has a strategy.

    It is an argument of the strategy's ``prepare``, which the runner calls
    with its own config.
    """
    runner.strategy._auto_scale_lr = scaling


def find_backend(visualizer: Visualizer,
                 kind: type) -> Optional[BaseVisBackend]:
    """The first backend of a kind, whatever its name.

    ``Visualizer.get_backend`` needs the name.
    """
    return next((backend for backend in visualizer._vis_backends.values()
                 if isinstance(backend, kind)), None)


def parse_option_value(text: str) -> Any:
    """A value of ``--cfg-options``, such as 2, true or [1,2], from its text.

    ``DictAction`` parses only whole command lines.
    """
    return DictAction._parse_iterable(text)
