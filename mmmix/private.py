"""Private attributes of other libraries, touched in this file alone.

Each function says why there is no public way.
"""
from collections import OrderedDict
from types import MethodType
from typing import (Any, Callable, Dict, Iterable, List, Optional, Sequence,
                    Tuple, Union)

import torch._dynamo
# the strategy that trains on shards; public code names it by its registry only
from mmengine._strategy import FSDPStrategy  # noqa: F401
from mmengine.config import DictAction
from mmengine.model import BaseDataPreprocessor
from mmengine.model.weight_init import update_init_info
from mmengine.runner import (FlexibleRunner, Runner, activation_checkpointing,
                             checkpoint)
from mmengine.visualization import Visualizer
from mmengine.visualization.vis_backend import BaseVisBackend
from mmpretrain.datasets import CustomDataset
from torch import Tensor, nn
from torch.distributed import Store, distributed_c10d
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import \
    CheckpointWrapper


def copy_without_waiting(preprocessor: BaseDataPreprocessor) -> None:
    """Let a data preprocessor move images to the GPU asynchronously.

    ``BaseDataPreprocessor`` takes ``non_blocking``, but MMPretrain's child
    does not pass it on.
    """
    preprocessor._non_blocking = True


def record_initialization(module: nn.Module, info: str) -> None:
    """Record where the weights of a module come from, for MMEngine's log.

    ``update_init_info`` fails outside ``BaseModule.init_weights``, and only
    this attribute tells whether it runs.
    """
    if hasattr(module, '_params_init_info'):
        update_init_info(module, init_info=info)


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


def notice_hooks_when_compiling() -> None:
    """Let ``torch.compile`` compile a module that has a forward hook anew.

    By default it runs the code of an equal module without hook for it.
    """
    torch._dynamo.config.skip_nnmodule_hook_guards = False


def parts_without_cuda_graph() -> int:
    """How many parts of compiled code torch found unfit for a CUDA graph.

    It only logs them.
    """
    return torch._dynamo.utils.counters['inductor']['cudagraph_skips']


def next_node() -> int:
    """Number of the next node that autograd records in this thread; nodes are
    numbered in the order in which a pass records them.

    Public torch shows only the numbers of nodes that one holds.
    """
    return torch.autograd._get_sequence_nr()


def differentiated_node() -> Optional[int]:
    """Number of the node that a backward pass is at, None outside of one.

    There is no public way to know inside of a module that gradient
    checkpointing runs again which pass it runs again.
    """
    node = torch._C._current_autograd_node()
    return None if node is None else node._sequence_nr()


def forward_without_checkpointing(module: nn.Module) -> Optional[Callable]:
    """The ``forward`` of a module that MMEngine's ``activation_checkpointing``
    has replaced, or FSDP's has wrapped, so that it runs again in the backward
    pass; None of others.

    Only the module's own attribute tells of MMEngine's. In a copy of the
    module it is that of the original, and would run this one's layers.
    """
    if isinstance(module, CheckpointWrapper):
        return module._checkpoint_wrapped_module
    replaced = forward = vars(module).get('forward')
    while getattr(forward, '__globals__',
                  None) is vars(activation_checkpointing):
        forward = forward.__wrapped__
    if forward is replaced:
        return None
    if isinstance(forward, MethodType):
        return MethodType(forward.__func__, module)
    return forward


def is_resuming(runner: Union[Runner, FlexibleRunner]) -> bool:
    """Whether a runner resumes a run, where ``load_from`` starts a new one."""
    return runner._resume


def has_train_loop(runner: Union[Runner, FlexibleRunner]) -> bool:
    """Whether a runner trains, where it may also test or validate only.

    Its ``train_loop`` would be built by asking for it: until then it is a
    config, or None.
    """
    return not isinstance(runner._train_loop, (dict, type(None)))


def train_on(runner: Union[Runner, FlexibleRunner], dataloader: dict) -> None:
    """Let a runner train on another data loader than its config names.

    Written into the config, it would also be in the work directory and in the
    checkpoints.
    """
    runner._train_dataloader = dataloader


def default_store() -> Store:
    """The store by which the processes of a run found each other.

    A store of one's own would need an address of its own.
    """
    return distributed_c10d._get_default_store()


def parse_option_value(text: str) -> Any:
    """A value of ``--cfg-options``, such as 2, true or [1,2], from its text.

    ``DictAction`` parses only whole command lines.
    """
    return DictAction._parse_iterable(text)


def with_versions(weights: Iterable[Tuple[str, Tensor]],
                  of: Dict[str, Tensor]) -> Dict[str, Tensor]:
    """A state dict of weights, with the versions of the modules of another.

    Modules that have renamed their weights look for it there. ``state_dict``
    puts it into an attribute of its result.
    """
    state = OrderedDict(weights)
    state._metadata = getattr(of, '_metadata', OrderedDict())
    return state


def set_entries(dataset: CustomDataset, folders: Sequence[str],
                entries: List[dict]) -> None:
    """Give a data set the class folders and entries that it would read.

    Without that its first use reads the folders once more, for which
    MMPretrain takes ten times as long as the operating system.
    """
    dataset.folder_to_idx = {name: i for i, name in enumerate(folders)}
    dataset._metainfo.setdefault('classes', tuple(folders))
    dataset.data_list = entries
    dataset._fully_initialized = True


def read_addresses_by(read: Callable) -> None:
    """Let MMEngine read what it finds at an address by a function of ours.

    Its readers of ``torchvision://`` and the like look up the address of a
    model and call this one by its name in their module, not by its scheme.
    """
    checkpoint.load_from_http = read
