"""Reading a checkpoint without running what its author put into it.

A checkpoint is a pickle: a program that may call any function. Here it may
name only what tensors and plain data are made of (:data:`ALLOWED`); a name
that is not among them is refused before anything of it is called. torch's own
``weights_only=True`` does the same, but older versions of it cannot be told
what MMEngine keeps beside the weights.
"""
import argparse
import collections
import pickle
import tarfile
import zipfile
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Callable, Dict, Union

import torch
from mmengine.config import ConfigDict
from mmengine.logging.history_buffer import HistoryBuffer

from mmmix.errors import MmmixError

TRUST = '--trust-checkpoint'
_trusting = False

NUMPY_DTYPES = ('Bool', 'Int8', 'Int16', 'Int32', 'Int64', 'UInt8', 'UInt16',
                'UInt32', 'UInt64', 'Float16', 'Float32', 'Float64', 'Str')


class Refused(pickle.UnpicklingError):
    """A file names something that is neither tensors nor plain data."""


def _statistics(owner: Any, name: str) -> Callable:
    """MMEngine's histories refer to their own methods by ``getattr``, with
    which a stranger could reach anything."""
    if owner is HistoryBuffer and name in ('min', 'max', 'current', 'mean'):
        return getattr(HistoryBuffer, name)
    raise Refused(f'getattr({owner!r}, {name!r})')


def _without_attributes(rebuild: Callable, kind: type, args: tuple,
                        attributes: Any) -> torch.Tensor:
    """FSDP leaves attributes on the tensors that it gathers; nobody needs
    them."""
    if kind not in (torch.Tensor, torch.nn.Parameter):
        raise Refused(f'a tensor of the kind {kind!r}')
    return rebuild(*args)


# what a checkpoint may name, where it is not found under its own name
ALLOWED: Dict[str, Any] = {
    'builtins.getattr': _statistics,
    'torch._tensor._rebuild_from_type_v2': _without_attributes,
    'mmengine.logging.history_buffer.HistoryBuffer': HistoryBuffer,
    'mmengine.config.config.ConfigDict': ConfigDict,
    'argparse.Namespace': argparse.Namespace,
    'collections.OrderedDict': collections.OrderedDict,
    'collections.defaultdict': collections.defaultdict,
    'collections.Counter': collections.Counter,
}
NAMES = {
    *(f'builtins.{name}'
      for name in ('bool', 'bytearray', 'bytes', 'complex', 'dict', 'float',
                   'frozenset', 'int', 'list', 'range', 'set', 'slice', 'str',
                   'tuple')),
    '_codecs.encode',
    'torch.Size',
    'torch.Tensor',
    'torch.device',
    'torch.nn.parameter.Parameter',
    'torch.serialization._get_layout',
    *(f'torch._utils._rebuild_{kind}'
      for kind in ('parameter', 'parameter_with_state', 'qtensor',
                   'sparse_tensor', 'tensor', 'tensor_v2')),
    *(f'torch.{name}' for name, value in vars(torch).items()
      if isinstance(value, torch.dtype)),
    'numpy.dtype',
    'numpy.ndarray',
    *(f'numpy.{core}.{name}' for core in ('core', '_core')
      for name in ('multiarray._reconstruct', 'multiarray.scalar',
                   'numeric._frombuffer')),
    *(f'numpy.dtypes.{name}DType' for name in NUMPY_DTYPES),
}
# whose content a pickle may set after it made them
FILLED = (torch.Tensor, torch.nn.Parameter, HistoryBuffer, argparse.Namespace,
          collections.OrderedDict, collections.defaultdict,
          collections.Counter, ConfigDict)


class _Unpickler(pickle._Unpickler):  # the one in C has no hook for BUILD
    dispatch = dict(pickle._Unpickler.dispatch)

    def find_class(self, module: str, name: str) -> Any:
        module = {'__builtin__': 'builtins'}.get(module, module)
        full = f'{module}.{name}'
        if full in ALLOWED:
            return ALLOWED[full]
        if full not in NAMES:
            raise Refused(full)
        try:
            return getattr(import_module(module), name)
        except ImportError:  # `numpy._core` is `numpy.core` in older NumPy
            other = {'_core': 'core', 'core': '_core'}
            parts = [other.get(part, part) for part in module.split('.')]
            return getattr(import_module('.'.join(parts)), name)

    def load_build(self) -> None:
        filled = self.stack[-2]
        if not (type(filled) in FILLED or type(filled).__module__ == 'numpy'
                or type(filled).__module__ == 'numpy.dtypes'):
            raise Refused(f'the content of a {type(filled).__name__}')
        super().load_build()

    dispatch[pickle.BUILD[0]] = load_build


def _load(file: Any, **kwargs) -> Any:
    return _Unpickler(file, **kwargs).load()


RESTRICTED = SimpleNamespace(
    Unpickler=_Unpickler, load=_load, __name__='mmmix.restricted_pickle')


def trust_checkpoints(trust: bool = True) -> None:
    """Load from now on whatever a checkpoint holds, in this process.

    That can run any code: do so only for files whose author you trust.
    """
    global _trusting
    _trusting = trust


def read_checkpoint(path: Union[str, Path], map_location: Any = None) -> Any:
    """Read a file of tensors and plain data, as ``torch.save`` or
    ``safetensors`` wrote it.

    Args:
        path (str | Path): The file.
        map_location (Any): The device to read to, as in ``torch.load``.

    Raises:
        MmmixError: If it holds anything else, or is damaged.

    >>> torch.save(dict(state_dict=dict(w=torch.ones(2))), 'w.pth')
    >>> read_checkpoint('w.pth')['state_dict']['w']
    tensor([1., 1.])
    """
    path = Path(path).expanduser()
    if path.suffix == '.safetensors':
        return _read_safetensors(path, map_location)
    if _trusting:
        return torch.load(path, map_location, weights_only=False)
    if _is_program(path):
        raise MmmixError(_refusal(path, 'a TorchScript or tar archive'))
    try:
        return torch.load(
            path, map_location, pickle_module=RESTRICTED, weights_only=False)
    except Refused as error:
        raise MmmixError(_refusal(path, str(error))) from None


def _is_program(path: Path) -> bool:
    """Whether torch would hand a file to a loader that is not ours."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return any(
                name.endswith('/constants.pkl') for name in archive.namelist())
    return tarfile.is_tarfile(path)


def _refusal(path: Path, what: str) -> str:
    return (f'The checkpoint {path} holds more than tensors and plain data: '
            f'{what}. It was not loaded, because that could run any code. If '
            f'you trust its author, load it with {TRUST}.')


def _read_safetensors(path: Path, map_location: Any) -> Dict[str, Any]:
    try:
        from safetensors.torch import load_file
    except ImportError:
        raise MmmixError(f'To read {path}: pip install safetensors') from None
    return load_file(path, device=str(map_location or 'cpu'))
