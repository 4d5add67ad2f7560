"""A stand-in for a GPU, which notices where code would wait for a GPU.

Its tensors say that they are on ``cuda:0`` and are computed on the CPU. What
copies them to the CPU, or has a size or a branch that depends on their values,
is a wait, as it is for ``torch.cuda.set_sync_debug_mode``; so is a copy to the
GPU that is not asynchronous. It tells nothing of a GPU's kernels, of autocast
or of a compiler.
"""
from contextlib import ExitStack, contextmanager
from unittest import mock

import torch
import torch.nn.functional as F
from torch.__future__ import (get_overwrite_module_params_on_conversion,
                              set_overwrite_module_params_on_conversion)
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map_only

aten = torch.ops.aten
GPU = torch.device('cuda', 0)

# what they return, or its size, depends on values
READING = {
    aten._local_scalar_dense, aten._unique, aten._unique2, aten.bincount,
    aten.equal, aten.is_nonzero, aten.masked_select, aten.nonzero,
    aten.unique_consecutive, aten.unique_dim
}
LEAVING = {
    torch.Tensor.cpu, torch.Tensor.item, torch.Tensor.numpy,
    torch.Tensor.tolist
}
# they make a tensor on the CPU first
COPYING = {torch.tensor, torch.as_tensor}
# they check values, but not on a GPU
CHECKED_ON_CPU = {F.one_hot}


class StandIn(torch.Tensor):
    """A tensor that says it is on a GPU."""

    @staticmethod
    def __new__(cls, values):
        # on a GPU that is not there autograd would look for a stream
        self = torch.Tensor._make_wrapper_subclass(
            cls,
            values.size(),
            strides=values.stride(),
            storage_offset=values.storage_offset(),
            dtype=values.dtype,
            device='cpu')
        self.values_on_cpu = values
        return self

    device = property(lambda self: GPU)
    is_cuda = property(lambda self: True)
    is_cpu = property(lambda self: False)
    __torch_function__ = torch._C._disabled_torch_function_impl

    def __repr__(self, **kwargs):
        return f'StandIn({self.values_on_cpu})'

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        raise RuntimeError(f'{func} outside of `stand_in_gpu`.')


def tree_leaves(values):
    return tree_flatten(values)[0]


def to_cpu(tensor):
    """What a tensor of the stand-in holds."""
    return tensor.values_on_cpu if isinstance(tensor, StandIn) else tensor


def _to_gpu(tensor):
    return StandIn(tensor.detach().clone()).requires_grad_(
        tensor.requires_grad)


def _on_gpu(values):
    return any(isinstance(value, StandIn) for value in tree_leaves(values))


def _compute(func, args, kwargs):
    """Call a function with what the tensors of the stand-in hold."""
    given = {
        id(to_cpu(one)): one
        for one in tree_leaves((args, kwargs)) if isinstance(one, StandIn)
    }
    args, kwargs = tree_map_only(StandIn, to_cpu, (args, kwargs))
    # what was changed in place is still the same tensor
    return tree_map_only(
        torch.Tensor, lambda one: given[id(one)]
        if id(one) in given else StandIn(one), func(*args, **kwargs))


class _Operators(TorchDispatchMode):
    """Computes on the CPU."""

    def __init__(self, wait):
        super().__init__()
        self.wait = wait

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if not _on_gpu((args, kwargs)):
            return func(*args, **kwargs)
        packet = func.overloadpacket
        if packet in READING or func is aten.repeat_interleave.Tensor:
            self.wait(f'{func} reads values')
        elif packet in (aten.index, aten.index_put, aten.index_put_):
            self._check_index(packet, *args)
        elif packet is aten.copy_:
            blocking = not (kwargs.get('non_blocking') or any(args[2:]))
            if blocking and _on_gpu(args[0]) != _on_gpu(args[1]):
                self.wait(f'{func} copies between devices')
        elif any(
                isinstance(one, torch.Tensor) and one.ndim
                and not isinstance(one, StandIn)
                for one in tree_leaves((args, kwargs))):
            # it takes numbers, but no other tensor, from the CPU
            raise RuntimeError(f'{func} has tensors on two devices.')
        return _compute(func, args, kwargs)

    def _check_index(self, packet, tensor, indices, values=None, *others):
        indices = [index for index in indices if index is not None]
        if not all(_on_gpu(index) for index in indices):
            self.wait(f'{packet} copies an index')
        # with one number torch fills by a mask
        if any(index.dtype in (torch.bool, torch.uint8)
               for index in indices) and not (values is not None
                                              and values.numel() == 1):
            self.wait(f'{packet} counts what a mask selects')


class _Methods(TorchFunctionMode):
    """Brings tensors to the stand-in, and back."""

    def __init__(self, wait):
        super().__init__()
        self.wait = wait

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if func is torch.Tensor.to:
            return self._moved(*args, **kwargs)
        if func is torch.Tensor.pin_memory:
            return args[0].clone()
        on_gpu = _on_gpu((args, kwargs))
        if on_gpu and func in LEAVING:
            self.wait(f'{func} copies to the CPU')
            return to_cpu(args[0]) if func is torch.Tensor.cpu else func(
                to_cpu(args[0]), *args[1:], **kwargs)
        if on_gpu and func in CHECKED_ON_CPU:
            return _compute(func, args, kwargs)
        if not _is_gpu(kwargs.get('device')):
            return func(*args, **kwargs)
        if func in COPYING and not on_gpu:
            self.wait(f'{func} copies to the GPU')
        kwargs['device'] = 'cpu'
        made = func(*args, **kwargs)
        return made if isinstance(made, StandIn) else StandIn(made)

    def _moved(self, tensor, *args, copy=False, **kwargs):
        if args and isinstance(args[0], torch.Tensor):
            args = (args[0].device, args[0].dtype, *args[1:])
        device, dtype, non_blocking, memory_format = torch._C._nn._parse_to(
            *args, **kwargs)
        if device is not None and device.type != tensor.device.type:
            if not (non_blocking and _is_gpu(device)):
                self.wait('Tensor.to copies between devices')
            tensor = _to_gpu(tensor) if _is_gpu(device) else to_cpu(tensor)
        options = dict(dtype=dtype or tensor.dtype, copy=copy)
        if memory_format is not None:
            options['memory_format'] = memory_format
        return tensor.to(**options)


def _is_gpu(device):
    return device is not None and torch.device(device).type == GPU.type


@contextmanager
def stand_in_gpu():
    """Within it :data:`GPU` is a device on any machine.

    Yields:
        list[str]: A line for each time that the CPU waited so far.
    """
    waits = []
    with ExitStack() as stack:
        # torch looks for a driver where a tensor is made on a GPU
        stack.enter_context(mock.patch('torch.cuda._lazy_init'))
        # a module's weights are exchanged, since they are of another class
        stack.callback(set_overwrite_module_params_on_conversion,
                       get_overwrite_module_params_on_conversion())
        set_overwrite_module_params_on_conversion(True)
        stack.enter_context(_Methods(waits.append))
        stack.enter_context(_Operators(waits.append))
        yield waits
