"""experimental_enable_numpy_behavior: NumPy's methods, operators and indices for tensors."""

import functools
import inspect

import numpy as np

from penstock._src.api.extending.dispatch import BINARY
from penstock._src.api.linalg.products import matmul
from penstock._src.api.math.elementwise import cast
from penstock._src.api.operators import get_item
from penstock._src.core.tensor import Tensor
from penstock._src.util.export import export

from . import compositions, elementwise, reductions, shaping
from .advanced_index import is_advanced, selected
from .promotion import RULES, canonical, promoted

_MODES = ("off", "legacy", "safe", "all")


@export("experimental.numpy.experimental_enable_numpy_behavior", v1=[])
def experimental_enable_numpy_behavior(prefer_float32=False, dtype_conversion_mode="legacy"):
    """Gives tensors NumPy's methods (`T`, `reshape`, `astype`, ...), indexing and type promotion.

    Args:
      prefer_float32: Python numbers are 32-bit ("legacy").
      dtype_conversion_mode: "legacy": NumPy's promotion. "all": a lattice in which Python numbers take the dtype of the
        other operand. "safe": that lattice, with errors for lossy conversions. "off": none.
    """
    if dtype_conversion_mode not in _MODES:
        raise ValueError(
            f"The provided promotion mode {dtype_conversion_mode} does not exist. Make sure the "
            "provided dtype conversion mode is one of the following: off, legacy, safe, all."
        )
    RULES.prefer_float32 = bool(prefer_float32)
    set_conversion_mode(dtype_conversion_mode)
    enable_numpy_methods_on_tensor()


def set_conversion_mode(mode):
    """Sets how operators convert their arguments: "off", "legacy", "safe" or "all"."""
    RULES.set_conversion(mode)
    if mode != "off":
        _give_operators()
    if RULES.mode != "legacy":
        _promote_in_functions()


def _reshape(self, *newshape, **kwargs):
    order = kwargs.pop("order", "C")
    if not newshape:
        newshape = (kwargs.pop("newshape"),)
    shape = newshape[0] if len(newshape) == 1 else newshape
    return shaping.reshape(self, shape, order=order)


def _size(self):
    count = self.shape.num_elements()
    return None if count is None else np.int64(count)


def _to_list(self):
    if not hasattr(self, "numpy"):
        raise ValueError("Symbolic Tensors do not support the tolist API.")
    return self._value.tolist()


def _get_item(self, spec):
    return selected(self, spec, get_item) if is_advanced(spec) else get_item(self, spec)


def enable_numpy_methods_on_tensor():
    """Gives tensors NumPy's methods and indexing."""
    Tensor.T = property(shaping.transpose)
    Tensor.data = property(lambda self: self)
    Tensor.size = property(_size)
    Tensor.ndim = property(lambda self: self.shape.rank)
    Tensor.__pos__ = lambda self: self
    Tensor.__round__ = lambda self, decimals=0: compositions.around(self, decimals)
    Tensor.tolist = _to_list
    Tensor.flatten = shaping.flatten
    Tensor.astype = lambda self, dtype: cast(self, canonical(dtype))
    Tensor.ravel = shaping.ravel
    Tensor.transpose = lambda self, axes=None: shaping.transpose(self, axes)
    Tensor.reshape = _reshape
    Tensor.clip = compositions.clip
    Tensor.max = reductions.amax
    Tensor.min = reductions.amin
    Tensor.mean = reductions.mean
    Tensor.__getitem__ = _get_item


# What takes part in promotion; values of other types have their own handlers.
_PLAIN = (Tensor, np.ndarray, np.generic, bool, int, float, complex)


@functools.cache
def _promote_in_functions():
    """Lets public functions of two tensors, such as `tf.add`, promote as operators do."""
    for api in (*BINARY, matmul):
        first, second = list(inspect.signature(api).parameters)[:2]
        # first in the list: targets are tried from its end
        api._dispatch_targets.insert(0, ([{first: _PLAIN, second: _PLAIN}], _promoting(api)))


def _promoting(api):
    signature, function = inspect.signature(api), api.__wrapped__
    first, second = list(signature.parameters)[:2]

    def call(*args, **kwargs):
        if RULES.mode == "legacy":
            return function(*args, **kwargs)
        bound = signature.bind(*args, **kwargs)
        named = bound.arguments
        named[first], named[second] = promoted(named[first], named[second])
        return function(*bound.args, **bound.kwargs)

    return call


@functools.cache
def _give_operators():
    functions = {
        "add": elementwise.add,
        "sub": elementwise.subtract,
        "mul": compositions.multiply,
        "truediv": elementwise.true_divide,
        "floordiv": compositions.floor_divide,
        "mod": elementwise.mod,
        "pow": elementwise.power,
        "matmul": compositions.matmul,
        "and": elementwise.bitwise_and,
        "or": elementwise.bitwise_or,
        "xor": elementwise.bitwise_xor,
    }
    for name, function in functions.items():
        _give_operator(f"__{name}__", function)
        _give_operator(f"__r{name}__", function, reflected=True)
    for name, function in {
        "lt": elementwise.less,
        "le": elementwise.less_equal,
        "gt": elementwise.greater,
        "ge": elementwise.greater_equal,
        "eq": elementwise.equal,
        "ne": elementwise.not_equal,
    }.items():
        _give_operator(f"__{name}__", function)


def _give_operator(name, function, reflected=False):
    """Lets an operator of tensors promote as NumPy's does, as long as conversions are on."""
    plain = getattr(Tensor, name)

    def call(self, other):
        if RULES.conversion == "off":
            return plain(self, other)
        return function(other, self) if reflected else function(self, other)

    setattr(Tensor, name, call)
