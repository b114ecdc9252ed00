"""experimental_enable_numpy_behavior: NumPy's methods, operators and indices for tensors."""

import functools

import numpy as np

from penstock._src.api.array.subscripts import get_item
from penstock._src.api.extending.direct_calls import forget_all
from penstock._src.api.extending.weak_tensor import WeakTensor, strong, with_weakness
from penstock._src.api.math.elementwise import cast
from penstock._src.api.numpy import compositions, elementwise, reductions, shaping, unary
from penstock._src.api.numpy.advanced_index import is_advanced, selected
from penstock._src.api.numpy.promotion import RULES, canonical
from penstock._src.api.numpy.weakness import converted, kind_or_none
from penstock._src.core.calls.tracebacks import shortening
from penstock._src.core.dispatch import STATE, in_v1_graph
from penstock._src.core.tensor import Tensor
from penstock._src.util.export import export

from .functions import promote_in_functions

_MODES = ("off", "legacy", "safe", "all")


@export("experimental.numpy.experimental_enable_numpy_behavior", v1=[])
def experimental_enable_numpy_behavior(prefer_float32=False, dtype_conversion_mode="legacy"):
    """Gives tensors NumPy's methods (`T`, `reshape`, `astype`, ...), indexing and type promotion.

    Args:
      prefer_float32: Python numbers are 32-bit ("legacy").
      dtype_conversion_mode: "legacy": NumPy's promotion. "all": a lattice in which Python numbers take the dtype of the
        other operand. "safe": that lattice, with errors for lossy conversions. "off": none.

    Raises:
      ValueError: there is no such mode.

    >>> callable(tf.experimental.numpy.experimental_enable_numpy_behavior)
    True
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
    forget_all()
    if mode != "off":
        _give_operators()
    if RULES.mode != "legacy":
        promote_in_functions()


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
    spec = tuple(map(strong, spec)) if isinstance(spec, tuple) else strong(spec)
    return selected(self, spec, get_item) if is_advanced(spec) else get_item(self, spec)


def enable_numpy_methods_on_tensor():
    """Gives tensors NumPy's methods and indexing."""
    for kind in (Tensor, WeakTensor):
        kind.T = property(shaping.transpose)
        kind.data = property(lambda self: self)
        kind.size = property(_size)
        kind.ndim = property(lambda self: self.shape.rank)
        kind.__pos__ = lambda self: self
        kind.__round__ = lambda self, decimals=0: unary.around(self, decimals)
        kind.tolist = _to_list
        kind.flatten = shaping.flatten
        kind.astype = lambda self, dtype: cast(self, canonical(dtype))
        kind.ravel = shaping.ravel
        kind.transpose = lambda self, axes=None: shaping.transpose(self, axes)
        kind.reshape = _reshape
        kind.clip = unary.clip
        kind.max = reductions.amax
        kind.min = reductions.amin
        kind.mean = reductions.mean
    Tensor.__getitem__ = _get_item


# As in TensorFlow, the lattice does not apply to bitwise operators, nor to comparisons other than ==.
_WITHOUT_LATTICE = {"and", "or", "xor", "lt", "le", "gt", "ge", "ne"}


@functools.cache
def _give_operators():
    operators = {
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
    comparisons = {
        "lt": elementwise.less,
        "le": elementwise.less_equal,
        "gt": elementwise.greater,
        "ge": elementwise.greater_equal,
        "eq": elementwise.equal,
        "ne": elementwise.not_equal,
    }
    for name, function in {**operators, **comparisons}.items():
        _give_operator(name, f"__{name}__", function)
        if name in operators:
            _give_operator(name, f"__r{name}__", function, reflected=True)
    for name in ("__neg__", "__abs__", "__invert__"):
        setattr(WeakTensor, name, _of_weak_tensors(name))
    WeakTensor.__getitem__ = lambda self, spec: self.tensor[spec]


def _give_operator(name, method, numpys, reflected=False):
    """Make an operator of tensors promote by the rules in effect."""
    plain = getattr(Tensor, method)

    @shortening
    def call(self, other):
        if RULES.conversion == "legacy":
            return numpys(other, self) if reflected else numpys(self, other)
        kind = None
        if name not in _WITHOUT_LATTICE and not (name == "eq" and _compares_objects(other)):
            kind = kind_or_none(self, other)
        if kind is None:
            return plain(strong(self), strong(other))
        if name == "matmul":
            return numpys(other, self) if reflected else numpys(self, other)
        result = plain(converted(self, kind[0]), converted(other, kind[0]))
        return with_weakness(result, kind[1] and name != "eq")

    setattr(Tensor, method, call)
    setattr(WeakTensor, method, call)


def _compares_objects(other):
    """True if == with this operand compares objects."""
    return other is None or not Tensor._USE_EQUALITY or (STATE.graph is not None and in_v1_graph())


def _of_weak_tensors(method):
    def call(self):
        return with_weakness(getattr(Tensor, method)(self.tensor), RULES.mode != "legacy")

    return call
