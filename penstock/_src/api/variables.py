"""Variable methods besides reading and assigning: scatters, sliced reads, sliced assignment."""

import numpy as np

from penstock._src.autodiff.tape import variable_accessed
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.specs import register_type_spec_from_value_converter
from penstock._src.core.tensor import Tensor
from penstock._src.core.values.resources import RemoteResource
from penstock._src.eager.tensor import EagerTensor
from penstock._src.eager.variable import ResourceVariable, Variable
from penstock._src.eager.variable_handle import QUICK
from penstock._src.eager.variable_spec import VariableSpec
from penstock._src.graph.operation import SymbolicTensor
from penstock._src.util.slots import above

from .array import subscripts
from .extending.item_calls import ITEMS, eager_item, is_basic

register_type_spec_from_value_converter(Variable, VariableSpec.from_value)


def _slices(sparse_delta):
    if not (hasattr(sparse_delta, "indices") and hasattr(sparse_delta, "values")):
        raise TypeError(
            f"Argument `sparse_delta` must be a `tf.IndexedSlices`. Received arg: {sparse_delta}"
        )
    return sparse_delta


# The common part of the docstrings of methods that assign to parts.
_SCATTERED = """

Args:
  sparse_delta: a `tf.IndexedSlices`: the slices, and the rows that they are for.
  use_locking: a hint without effect.
  name: a name for the operation.

Returns:
  The variable.
"""
_SCATTERED_ND = """

Args:
  indices: integers `[..., k]` with k at most the rank: the coordinates.
  updates: the values, of shape `indices.shape[:-1] + variable.shape[k:]`.
  name: a name for the operation.

Returns:
  The variable.
"""


def _scatter(op_name, doc):
    def method(self, sparse_delta, use_locking=False, name=None):
        delta = _slices(sparse_delta)
        op = getattr(raw, op_name)(
            resource=self.handle,
            indices=delta.indices,
            updates=convert_to_tensor(delta.values, dtype=self.dtype),
            name=name,
        )
        return self._assigned(op, True)

    method.__doc__ = doc + _SCATTERED
    return method


def _scatter_nd(op_name, doc):
    def method(self, indices, updates, name=None):
        op = getattr(raw, op_name)(
            ref=self.handle,
            indices=convert_to_tensor(indices),
            updates=convert_to_tensor(updates, dtype=self.dtype),
            name=name,
        )
        return self._assigned(op, True)

    method.__doc__ = doc + _SCATTERED_ND
    return method


def _sparse_read(self, indices, name=None):
    """Returns rows by their indices.

    Args:
      indices: integers.
      name: a name for the operation.

    Returns:
      A tensor.
    """
    # In graphs it is one operation under TensorFlow's name, which programs look up.
    is_read_whole = STATE.graph is None and STATE.tapes and not _is_remote(self)
    if not is_read_whole:
        variable_accessed(self)
        return raw.ResourceGather(
            resource=self.handle, indices=indices, dtype=self.dtype, name=name or "Gather"
        )
    return raw.GatherV2(params=self.value(), indices=indices, axis=0, name=name)


def _is_remote(variable):
    """True if another process holds a variable."""
    return isinstance(getattr(variable.handle, "_value", None), RemoteResource)


def _gather_nd(self, indices, name=None):
    """Returns entries or slices at coordinates, as `tf.gather_nd`.

    Args:
      indices: integers `[..., k]`.
      name: a name for the operation.

    Returns:
      A tensor.
    """
    if _is_remote(self):  # entries travel, not the variable
        variable_accessed(self)
        return raw.ResourceGatherNd(
            resource=self.handle, indices=indices, dtype=self.dtype, name=name
        )
    return raw.GatherNd(params=self.value(), indices=indices, name=name)


def _batch_scatter_update(self, sparse_delta, use_locking=False, name=None):
    """Sets entries along the second axis, separately for each row of a batch.

    Args:
      sparse_delta: a `tf.IndexedSlices`.
      use_locking: a hint without effect.
      name: a name for the operation.

    Returns:
      The variable.
    """
    delta = _slices(sparse_delta)
    indices = convert_to_tensor(delta.indices)
    updates = convert_to_tensor(delta.values, dtype=self.dtype)
    depth = indices.shape.rank - 1
    shape = raw.Shape(input=indices, out_type=indices.dtype)
    one = np.ones((), indices.dtype.as_numpy_dtype)
    columns = []
    for axis in range(depth):
        counter = raw.Range(start=one - one, limit=shape[axis], delta=one)
        column = raw.Reshape(
            tensor=counter,
            shape=np.array([-1 if i == axis else 1 for i in range(depth + 1)], np.int32),
        )
        columns.append(raw.BroadcastTo(input=column, shape=shape))
    places = raw.Pack(values=[*columns, indices], axis=-1)
    return self.scatter_nd_update(places, updates, name=name)


def _count_up_to(self, limit):
    """Adds 1 until a limit is reached.

    Args:
      limit: an integer; an error is raised when the value has reached it.

    Returns:
      The value before.
    """
    return raw.ResourceCountUpTo(resource=self.handle, limit=limit, T=self.dtype)


def _strided_slice_assign(self, value, name=None, **spec):
    bounds = {k: spec.pop(k) for k in ("begin", "end", "strides")}
    value = convert_to_tensor(value, dtype=self.dtype)
    bounds = {k: v if isinstance(v, Tensor) else convert_to_tensor(v) for k, v in bounds.items()}
    op = raw.ResourceStridedSliceAssign(ref=self.handle, **bounds, value=value, **spec, name=name)
    return self._assigned(op, True)


def _get_item(var, slice_spec):
    """A slice of the value, with an `assign` method that writes to the slice of the variable."""
    value = var.value()
    result = ITEMS.quick(value, slice_spec)
    if result is None and type(value) is EagerTensor and is_basic(slice_spec):
        result = eager_item(value, slice_spec)
    if result is None:  # it is recorded, or the op has to look at the index
        return subscripts.get_item(value, slice_spec, var=var)

    def assign(value, name=None):
        # Computed now: most slices are only read.
        begin, end, strides, masks = subscripts.bounds_of(slice_spec)
        bounds = subscripts.pack_bounds(begin, end, strides)
        packed = dict(zip(("begin", "end", "strides"), bounds))
        return var._strided_slice_assign(value=value, name=name, **packed, **masks)

    result.assign = assign
    return result


class SaveSliceInfo:
    """The position of this variable in a larger, partitioned one.

    Args:
      full_name, full_shape: of the larger variable.
      var_offset, var_shape: where this one begins in it, and its shape.
      save_slice_info_def: a SaveSliceInfoDef that says all of this.
      import_scope: is put before the name in the message.
    """

    def __init__(
        self,
        full_name=None,
        full_shape=None,
        var_offset=None,
        var_shape=None,
        save_slice_info_def=None,
        import_scope=None,
    ):
        if save_slice_info_def is not None:
            proto = save_slice_info_def
            scope = f"{import_scope}/" if import_scope else ""
            full_name, full_shape = scope + proto.full_name, list(proto.full_shape)
            var_offset, var_shape = list(proto.var_offset), list(proto.var_shape)
        self.full_name, self.full_shape = full_name, full_shape
        self.var_offset, self.var_shape = var_offset, var_shape

    @property
    def spec(self):
        """The slice as text: full shape, then offset and extent of each axis."""
        shape = " ".join(str(n) for n in self.full_shape)
        parts = ":".join(f"{o},{n}" for o, n in zip(self.var_offset, self.var_shape, strict=True))
        return f"{shape} {parts}"

    @classmethod
    def from_spec(cls, spec):
        """The slice that a text describes; see `spec`.

        Raises:
          ValueError: it is in another form.
        """
        if not spec:
            return cls()
        if " " not in spec:
            raise ValueError(
                f"Spec string must contain space-separated full_shape info. Received: '{spec}'"
            )
        sizes, extents = spec.rsplit(" ", 1)
        full_shape = [_integer(size, "full_shape") for size in sizes.split()]
        pairs = [extent.split(",") for extent in extents.split(":")]
        if any(len(pair) != 2 for pair in pairs):
            raise ValueError(
                "Spec string must contain comma-separated pairs of offsets and shapes. "
                f"Received: '{spec}'"
            )
        offsets = [_integer(offset, "var_offset") for offset, _ in pairs]
        shape = [_integer(size, "var_shape") for _, size in pairs]
        return cls(full_shape=full_shape, var_offset=offsets, var_shape=shape)

    def to_proto(self, export_scope=None):
        """The SaveSliceInfoDef; None if the larger variable is not in `export_scope`."""
        if export_scope and not self.full_name.startswith(export_scope):
            return None
        from penstock._src.proto.saved import SaveSliceInfoDef  # not where no graph is written

        name = self.full_name.removeprefix(f"{export_scope}/") if export_scope else self.full_name
        proto = SaveSliceInfoDef(full_name=name)
        proto.full_shape.extend(self.full_shape)
        proto.var_offset.extend(self.var_offset)
        proto.var_shape.extend(self.var_shape)
        return proto


def _integer(text, where):
    try:
        return int(text)
    except ValueError as error:
        raise ValueError(
            f"Spec string {where} must hold integers. Found '{text}', which is not an integer."
        ) from error


def _set_save_slice_info(self, save_slice_info):
    """Sets the position of this variable in a larger one."""
    self._save_slice_info = save_slice_info


def _get_save_slice_info(self):
    """The position of this variable in a larger one, or None."""
    return self._save_slice_info


def _write_object_proto(self, proto, options):
    above("write_object_proto")(self, proto, options)


def _export_to_saved_model_graph(self, object_map, tensor_map, options=None, **kwargs):
    return above("export_to_saved_model_graph")(self, object_map, tensor_map, options)


def _dense_var_to_tensor(self, dtype=None, name=None, as_ref=False):
    """Returns the value for a conversion to a tensor."""
    kind = None if dtype is None else dtypes.as_dtype(dtype)
    if kind is not None and not kind.is_compatible_with(self.dtype):
        raise ValueError(
            f"Incompatible type conversion requested to type {kind.name} for `tf.Variable of type "
            f"{self.dtype.name}. (Variable: {self!r})"
        )
    return self.value()


class _WritableTensor(EagerTensor):
    """A tensor whose array can be written to, as converters that pass it to C++ require: it is a copy."""

    __slots__ = ()

    def __array__(self, dtype=None, copy=None):
        return np.array(self._value, dtype=dtype)


def _read_value_no_copy(self):
    value = self.value()
    if type(value) is not EagerTensor:
        return value
    return _WritableTensor(value._value, value.dtype)


_METHODS = {
    "_dense_var_to_tensor": _dense_var_to_tensor,
    "_read_variable_op": lambda self, no_copy=False: self.value(),
    "read_value_no_copy": _read_value_no_copy,
    "_shape_tuple": lambda self: tuple(self.shape.as_list()),
    "_shape_as_list": lambda self: self.shape.as_list(),
    "_set_save_slice_info": _set_save_slice_info,
    "_get_save_slice_info": _get_save_slice_info,
    "scatter_sub": _scatter("ResourceScatterSub", "Subtracts rows given as IndexedSlices."),
    "scatter_add": _scatter("ResourceScatterAdd", "Adds rows given as IndexedSlices."),
    "scatter_max": _scatter("ResourceScatterMax", "Keeps the greater of row and update."),
    "scatter_min": _scatter("ResourceScatterMin", "Keeps the smaller of row and update."),
    "scatter_mul": _scatter("ResourceScatterMul", "Multiplies rows."),
    "scatter_div": _scatter("ResourceScatterDiv", "Divides rows."),
    "scatter_update": _scatter("ResourceScatterUpdate", "Writes rows given as IndexedSlices."),
    "scatter_nd_sub": _scatter_nd("ResourceScatterNdSub", "Subtracts at coordinates."),
    "scatter_nd_add": _scatter_nd("ResourceScatterNdAdd", "Adds at coordinates."),
    "scatter_nd_update": _scatter_nd("ResourceScatterNdUpdate", "Writes at coordinates."),
    "scatter_nd_max": _scatter_nd("ResourceScatterNdMax", "Keeps the greater at coordinates."),
    "scatter_nd_min": _scatter_nd("ResourceScatterNdMin", "Keeps the smaller at coordinates."),
    "sparse_read": _sparse_read,
    "gather_nd": _gather_nd,
    "batch_scatter_update": _batch_scatter_update,
    "count_up_to": _count_up_to,
    "_strided_slice_assign": _strided_slice_assign,
    "__getitem__": _get_item,
    "SaveSliceInfo": SaveSliceInfo,
    # Settable, as Keras 2 renames the variables of models that it loads.
    "_handle_name": property(
        lambda self: self.name, lambda self, name: setattr(self, "_name", name.partition(":")[0])
    ),
    # Classes over a variable of their own call these.
    "_OverloadAllOperators": classmethod(lambda cls: _install_operators(cls)),
    "_OverloadOperator": classmethod(lambda cls, operator: _install_operator(cls, operator)),
    "_write_object_proto": _write_object_proto,
    "_export_to_saved_model_graph": _export_to_saved_model_graph,
}


def install_methods() -> None:
    """Installs the methods and operators in `Variable`."""
    for name, method in _METHODS.items():
        if callable(method) and not isinstance(method, type):
            method.__name__ = name
        setattr(Variable, name, method)
    _install_operators(Variable)


def _install_operators(cls):
    """Gives a class of variables the operators, which read the variable."""
    for name in Tensor.OVERLOADABLE_OPERATORS - {"__getitem__"}:
        _install_operator(cls, name)
    cls.__getitem__ = _get_item


def _install_operator(cls, operator):
    if operator not in ("__eq__", "__ne__"):
        setattr(cls, operator, _operator(operator))


# Most other operands, whose check against the class of variables would take longer than the operator.
_NOT_VARIABLES = frozenset({EagerTensor, SymbolicTensor, float, int})


def _value_of(operand):
    kind = type(operand)
    if kind is ResourceVariable:
        value = QUICK.read(operand)
        return operand.value() if value is None else value
    return operand.value() if isinstance(operand, Variable) else operand


def _operator(name):
    def operator(self, *others):
        value = QUICK.read(self)
        if value is None:
            value = self.value()  # read first, as the order of captures shows
        if len(others) == 1:  # as nearly always, and a comprehension costs a frame
            (other,) = others
            if type(other) not in _NOT_VARIABLES:
                other = _value_of(other)
            return getattr(Tensor, name)(value, other)
        others = [o if type(o) in _NOT_VARIABLES else _value_of(o) for o in others]
        # looked up in each call: NumPy's behavior may have replaced it
        return getattr(Tensor, name)(value, *others)

    operator.__name__ = name
    return operator


install_methods()
