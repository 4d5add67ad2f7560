"""What MMEngine keeps for a process, forgotten."""
from mmengine.logging import MessageHub, MMLogger
from mmengine.registry import DefaultScope
from mmengine.visualization import Visualizer


def start_anew(assign=setattr):
    """Forget scope, message hubs, loggers and visualizers, as a new process
    would start without them.

    Args:
        assign (Callable): Such as ``monkeypatch.setattr``.
    """
    for kind in (DefaultScope, MessageHub, MMLogger, Visualizer):
        assign(kind, '_instance_dict', type(kind._instance_dict)())
