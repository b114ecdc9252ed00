"""Shape queries and shape changes."""

import numpy as np

from penstock._src.api.extending.dispatch import dispatchable, unary
from penstock._src.api.extending.op_functions import op_functions
from penstock._src.api.extending.scopes import scoped
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.composite import IndexedSlices
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.registry import raw
from penstock._src.core.tensor import AnyTensor, Tensor
from penstock._src.eager.constants import integers
from penstock._src.eager.tensor import EagerTensor
from penstock._src.graph.static_values import constant_value
from penstock._src.util import nest
from penstock._src.util.export import export

from .creation import shape_input, shape_vector

_MOST = {dtypes.int32: dtypes.int32.max, dtypes.int64: dtypes.int64.max}
_MOST_INT32 = _MOST[dtypes.int32]


@dispatchable("shape", v1=[], named="Shape")
def shape(input, out_type=None, name=None):
    """Returns the extents of `input` as an integer vector.

    Inside a function this is the shape at the time of the run; `input.shape` is what is known
    when the function is traced.

    Args:
      input: a tensor; a ragged tensor gives a `tf.experimental.DynamicRaggedShape`.
      out_type: int32 (the default) or int64.
      name: a name for the operation.

    Returns:
      A vector of as many entries as `input` has axes.

    >>> tf.shape([[1, 2, 3], [4, 5, 6]]).numpy()
    array([2, 3], dtype=int32)
    """
    input = convert_to_tensor(input, name="input")
    if type(input) is EagerTensor and out_type is None:
        dims = input._shape_tuple()
        if max(dims, default=0) <= _MOST_INT32:
            return EagerTensor(np.array(dims, np.int32), dtypes.int32)
    kind = dtypes.int32 if out_type is None else dtypes.as_dtype(out_type)
    extents = input.shape
    if (
        extents.is_fully_defined()
        and kind in (dtypes.int32, dtypes.int64)
        and max(extents.as_list(), default=0) <= _MOST[kind]
    ):
        vector = np.array(extents.as_list(), kind.as_numpy_dtype)
        return convert_to_tensor(vector, name=name)
    return raw.Shape(input=input, out_type=kind, name=name)


@dispatchable("size", v1=[], named="Size")
def size(input, out_type=None, name=None):
    """Returns the number of elements of `input`.

    Args:
      input: a tensor.
      out_type: int32 (the default) or int64.
      name: a name for the operation.

    Returns:
      A scalar of `out_type`.

    >>> tf.size([[1, 2, 3], [4, 5, 6]]).numpy()
    np.int32(6)
    """
    input = convert_to_tensor(input, name="input")
    if type(input) is EagerTensor and out_type is None:
        number = input._num_elements()
        if number <= _MOST_INT32:
            return EagerTensor(np.array(number, np.int32), dtypes.int32)
    kind = dtypes.int32 if out_type is None else dtypes.as_dtype(out_type)
    count = input.shape.num_elements()
    if count is not None and count <= _MOST.get(kind, count):
        return convert_to_tensor(count, kind, name=name)
    return raw.Size(input=input, out_type=kind, name=name)


@dispatchable("rank", named="Rank")
def rank(input, name=None):
    """Returns the number of axes of `input`, 0 for a scalar.

    Args:
      input: a tensor.
      name: a name for the operation.

    Returns:
      An int32 scalar.

    >>> tf.rank([[1, 2], [3, 4]]).numpy()
    np.int32(2)
    """
    input = convert_to_tensor(input, name="input")
    if input.shape.rank is not None:
        return convert_to_tensor(np.asarray(input.shape.rank, np.int32), name=name)
    return raw.Rank(input=input, name=name)


@dispatchable("reshape", v1=["reshape", "manip.reshape"], direct=True)
def reshape(tensor, shape, name=None):
    """Returns the elements of `tensor`, in row-major order, in another shape.

    Nothing is copied in eager execution if the elements already lie in that order.

    Args:
      tensor: a tensor of any dtype.
      shape: integers; one of them may be -1, for what is left.
      name: a name for the operation.

    Returns:
      A tensor of `shape`.

    Raises:
      InvalidArgumentError: `shape` has another number of elements, more than one -1, or another
        negative number.

    >>> tf.reshape([1, 2, 3, 4, 5, 6], [2, -1]).numpy()
    array([[1, 2, 3],
           [4, 5, 6]], dtype=int32)
    """
    if STATE.graph is None or not isinstance(shape, (list, tuple)):
        return raw.Reshape(tensor, shape_input(shape), name=name)
    with STATE.graph.name_scope(name or "Reshape") as scope:
        return raw.Reshape(tensor, shape_vector(shape, name="shape"), name=scope)


@dispatchable("squeeze", v1=[], direct=True)
def squeeze(input, axis=None, name=None):
    """Returns `input` without its axes of length 1, or without those that are named.

    Args:
      input: a tensor.
      axis: an axis or a list of axes, all of length 1; by default every axis of length 1.
      name: a name for the operation.

    Returns:
      A tensor with the same elements.

    Raises:
      InvalidArgumentError: an axis that is named has another length or is out of range.
      TypeError: `axis` is a tensor whose value is not known while a function is traced.

    >>> tf.squeeze(tf.zeros([1, 2, 1, 3])).shape
    TensorShape([2, 3])
    >>> tf.squeeze(tf.zeros([1, 2, 1, 3]), axis=[2]).shape
    TensorShape([1, 2, 3])
    """
    axes = [] if axis is None else axis
    if isinstance(axes, Tensor):
        known = getattr(axes, "_value", None)
        if known is None:
            raise TypeError(f"Expected list for 'axis' argument to 'squeeze' Op, not {axes!r}.")
        axes = known.tolist()
    if isinstance(axes, (int, np.integer)):
        axes = [axes]
    return raw.Squeeze(input=input, axis=[int(a) for a in axes], name=name)


@dispatchable("transpose", v1=[], direct=True)
def transpose(a, perm=None, conjugate=False, name="transpose"):
    """Returns `a` with its axes in another order.

    Args:
      a: a tensor of rank n.
      perm: a permutation of 0 ... n - 1: axis i of the result is axis `perm[i]` of `a`. By
        default the order is reversed.
      conjugate: if True, complex numbers are conjugated too.
      name: a name for the operation.

    Returns:
      A tensor of shape `[a.shape[p] for p in perm]`.

    Raises:
      InvalidArgumentError: `perm` is not a permutation of the axes.

    >>> tf.transpose([[1, 2, 3], [4, 5, 6]]).numpy()
    array([[1, 4],
           [2, 5],
           [3, 6]], dtype=int32)
    >>> tf.transpose(tf.zeros([2, 3, 4]), perm=[0, 2, 1]).shape
    TensorShape([2, 4, 3])
    """
    if not isinstance(a, Tensor):
        a = convert_to_tensor(a, name="a")
    op = raw.ConjugateTranspose if conjugate and a.dtype.is_complex else raw.Transpose
    if perm is None:
        known = a._rank()
        if known is not None and STATE.graph is None:
            perm = integers(*range(known - 1, -1, -1))
        elif known is not None:
            perm = np.arange(known - 1, -1, -1, dtype=np.int32)
        else:
            last = raw.Rank(input=a) - 1
            perm = last - raw.Range(start=0, limit=last + 1, delta=1)
    return op(x=a, perm=perm, name=name)


@dispatchable("broadcast_to", direct=True)
def broadcast_to(input, shape, name=None):
    """Returns `input` broadcast to `shape`: its axes of length 1, and axes in front of it, are repeated.

    Args:
      input: a tensor.
      shape: an integer vector of at least as many entries as `input` has axes.
      name: a name for the operation.

    Returns:
      A tensor of `shape`.

    Raises:
      InvalidArgumentError: `input` does not broadcast to `shape`.

    >>> tf.broadcast_to([1, 2, 3], [2, 3]).numpy()
    array([[1, 2, 3],
           [1, 2, 3]], dtype=int32)
    """
    return raw.BroadcastTo(input=input, shape=shape_vector(shape), name=name)


@dispatchable("broadcast_dynamic_shape")
def broadcast_dynamic_shape(shape_x, shape_y):
    """Returns the shape to which tensors of two shapes broadcast, as a tensor.

    `tf.broadcast_static_shape` does the same for shapes that are known when the program is
    written.

    Args:
      shape_x: an int32 or int64 vector.
      shape_y: an int32 or int64 vector.

    Returns:
      An integer vector.

    Raises:
      InvalidArgumentError: the shapes do not broadcast.

    >>> tf.broadcast_dynamic_shape([2, 1, 4], [3, 1]).numpy()
    array([2, 3, 4], dtype=int32)
    """
    if isinstance(shape_x, Tensor) and isinstance(shape_y, Tensor):
        if {shape_x.dtype, shape_y.dtype} == {dtypes.int32, dtypes.int64}:
            shape_x, shape_y = cast(shape_x, dtypes.int64), cast(shape_y, dtypes.int64)
    return raw.BroadcastArgs(s0=shape_x, s1=shape_y)


@dispatchable("identity", direct=True)
def identity(input, name=None):
    """Returns a tensor with the contents of `input`.

    For a variable it is a snapshot: later assignments do not change it. The gradient passes
    through.

    Args:
      input: a tensor, a variable, or a composite tensor, whose components are treated alike.
      name: a name for the operation.

    Returns:
      A tensor of the same shape and dtype.

    >>> v = tf.Variable(1)
    >>> before = tf.identity(v)
    >>> v.assign_add(5).numpy(), before.numpy()
    (np.int32(6), np.int32(1))
    """
    if not isinstance(input, Tensor) and nest.is_composite(input):
        return nest.map_structure(identity, input, expand_composites=True)
    return raw.Identity(input=input, name=name)


@dispatchable("identity_n")
def identity_n(input, name=None):
    """A list of tensors with the contents of those given.

    Args:
      input: a list of tensors, which may differ in dtype.
      name: of the operation.

    Returns:
      A list of tensors of the same dtypes and shapes.
    """
    return list(raw.IdentityN(input=list(input), name=name))


@unary("stop_gradient", direct=True)
def stop_gradient(input, name=None):
    """Returns `input`, through which no gradient passes.

    Args:
      input: a tensor or a composite tensor.
      name: a name for the operation.

    Returns:
      A tensor of the same contents, which gradients treat as a constant.

    >>> x = tf.constant(3.0)
    >>> with tf.GradientTape() as tape:
    ...     tape.watch(x)
    ...     y = x * tf.stop_gradient(x)
    >>> tape.gradient(y, x).numpy()
    np.float32(3.0)
    """
    if not isinstance(input, Tensor) and hasattr(input, "_type_spec"):
        return nest.map_structure(stop_gradient, input, expand_composites=True)
    return raw.StopGradient(input=input, name=name)


@dispatchable("space_to_batch_nd")
def space_to_batch_nd(input, block_shape, paddings, name=None):
    """Blocks of the padded spatial axes moved into the batch axis.

    Args:
      input: `[batch, spatial..., rest...]`, any dtype.
      block_shape: `[m]` integers, one for each spatial axis.
      paddings: `[m, 2]` integers: zeros added before and after each spatial axis, after which the
        block divides it.
      name: of the operation.

    Returns:
      `[batch * prod(block_shape), padded / block..., rest...]` of the same dtype.
    """
    return raw.SpaceToBatchND(input=input, block_shape=block_shape, paddings=paddings, name=name)


@dispatchable("space_to_batch", "nn.space_to_batch", v1=[])
def space_to_batch(input, block_shape, paddings, name=None):
    """Blocks of the padded spatial axes moved into the batch axis.

    Args:
      input, block_shape, paddings, name: as `tf.space_to_batch_nd`'s.

    Returns:
      `[batch * prod(block_shape), padded / block..., rest...]` of the dtype of `input`.
    """
    return space_to_batch_nd(input, block_shape, paddings, name)


@dispatchable("batch_to_space", v1=[])
def batch_to_space(input, block_shape, crops, name=None):
    """Blocks in the batch axis moved back into the spatial axes, which are then cropped.

    Args:
      input: `[batch, spatial..., rest...]`, any dtype.
      block_shape: `[m]` integers, or an int for two equal ones; their product divides `batch`.
      crops: `[m, 2]` integers: what is cut off before and after each spatial axis.
      name: of the operation.

    Returns:
      `[batch / prod(block_shape), spatial * block - crops..., rest...]` of the same dtype.
    """
    if isinstance(block_shape, (int, np.integer)):
        block_shape = np.array([block_shape, block_shape], np.int64)
    return raw.BatchToSpaceND(input=input, block_shape=block_shape, crops=crops, name=name)


@export("required_space_to_batch_paddings")
@scoped("required_space_to_batch_paddings")
def required_space_to_batch_paddings(input_shape, block_shape, base_paddings=None, name=None):
    """The paddings and crops that make `block_shape` divide `input_shape`; constants if all of it is known.

    Args:
      input_shape: `[n]`, int32: the lengths of the spatial axes.
      block_shape: `[n]`, int32.
      base_paddings: `[n, 2]`, int32: the least paddings; zeros by default.
      name: of the operations.

    Returns:
      (paddings, crops): int32 tensors `[n, 2]` for `tf.space_to_batch` and `tf.batch_to_space`.
    """
    shape = convert_to_tensor(input_shape, dtype=dtypes.int32, name="input_shape")
    block = convert_to_tensor(block_shape, dtype=dtypes.int32, name="block_shape")
    block.shape.assert_is_fully_defined()
    block.shape.assert_has_rank(1)
    shape.shape.assert_is_compatible_with(block.shape)
    if base_paddings is None:
        base_paddings = np.zeros([block.shape[0], 2], np.int32)
    base = convert_to_tensor(base_paddings, dtype=dtypes.int32, name="base_paddings")
    base.shape.assert_is_compatible_with([block.shape[0], 2])
    known = [constant_value(tensor) for tensor in (shape, block, base)]
    if all(value is not None for value in known):
        shape, block, base = known
    start, end = base[:, 0], base[:, 1]
    extra = (block - (shape + start + end) % block) % block
    none = np.zeros(block.shape[0], np.int32)
    if isinstance(extra, np.ndarray):
        paddings, crops = np.stack([start, end + extra], 1), np.stack([none, extra], 1)
        return convert_to_tensor(paddings, name="paddings"), convert_to_tensor(crops, name="crops")
    return raw.Pack(values=[start, end + extra], axis=1), raw.Pack(values=[none, extra], axis=1)


@export("is_tensor")
def is_tensor(x):
    """Returns True for a tensor, a variable or a composite tensor such as a ragged or sparse one.

    Other objects count as tensors if they have an attribute `is_tensor_like`, whatever its value.

    Args:
      x: any Python object.

    Returns:
      A Python bool.

    >>> tf.is_tensor(tf.constant(1)), tf.is_tensor([1, 2]), tf.is_tensor(np.ones(2))
    (True, False, False)
    """
    if isinstance(x, type):
        return hasattr(x, "is_tensor_like")
    return (
        isinstance(x, Tensor)
        or getattr(x, "_is_tensor_like", False)
        or isinstance(x, (AnyTensor, IndexedSlices))
        # RaggedTensor, SparseTensor: defined in higher modules
        or getattr(x, "_is_native_composite", False)
        or hasattr(x, "is_tensor_like")
    )


@export("is_symbolic_tensor", v1=["is_symbolic_tensor"])
def is_symbolic_tensor(tensor):
    """Returns True if `tensor` represents a value that a graph will compute.

    Args:
      tensor: any object.

    Returns:
      True for a tensor of a graph and for a composite tensor with one such part.
    """
    if isinstance(tensor, Tensor):
        return not hasattr(tensor, "numpy")
    parts = getattr(tensor, "_components", None)
    if callable(parts):
        return any(is_symbolic_tensor(p) for p in parts())
    return False


__getattr__ = op_functions(
    globals(),
    dispatchable="""
-expand_dims = ExpandDims(input, axis)
    Returns `input` with a new axis of length 1.

    Args:
      input: a tensor of rank n.
      axis: where the new axis goes, from `-(n + 1)` to `n`; -1 makes it the last.
      name: a name for the operation.

    Returns:
      A tensor of rank n + 1 with the same elements.

    Raises:
      InvalidArgumentError: `axis` is out of range.

    >>> tf.expand_dims([1, 2, 3], 0).shape, tf.expand_dims([1, 2, 3], -1).shape
    (TensorShape([1, 3]), TensorShape([3, 1]))
unravel_index = UnravelIndex(indices, dims)
    Flat indices as coordinates in an array of shape `dims`, one row for each axis.

    Args:
      indices: int32 or int64, a scalar or vector `[n]`.
      dims: a vector `[r]` of the same dtype.
      name: of the operation.

    Returns:
      A tensor of the same dtype, `[r, n]` or for a scalar `[r]`.
ensure_shape = EnsureShape(x: input, shape)
    Returns `x`, whose shape is checked when it is known.

    What the shape says is known from there on while a function is traced; unlike
    `Tensor.set_shape`, it is also checked at each run.

    Args:
      x: a tensor.
      shape: a shape in which None stands for any extent.
      name: a name for the operation.

    Returns:
      `x`, with `shape` merged into its static shape.

    Raises:
      InvalidArgumentError: the shape of `x` at the run differs.
      ValueError: the static shape already differs.

    >>> tf.ensure_shape([[1, 2], [3, 4]], [None, 2]).shape
    TensorShape([2, 2])
shape_n = ShapeN(input, out_type=dtypes.int32)
    The extents of each tensor of a list.

    Args:
      input: a list of tensors of one dtype.
      out_type: int32 or int64.
      name: of the operation.

    Returns:
      A list of vectors of dtype `out_type`.
""",
    plain="""
guarantee_const = GuaranteeConst(input)
    `input`, promised never to change.

    Args:
      input: a tensor.
      name: of the operation.

    Returns:
      A tensor equal to `input`. The promise is not used.
""",
    unary="""
bitcast = Bitcast(input, type)
    Returns the bits of `input` read as another dtype.

    Args:
      input: a tensor of numbers.
      type: the dtype to read.
      name: a name for the operation.
      smaller dtype gives a new last axis; a larger one uses up the last axis, whose length must
        be the ratio of the sizes. Bytes are in the order of the machine.

    Returns:
      A tensor of dtype `type`.

    Raises:
      InvalidArgumentError: the last axis has another length than the ratio.

    >>> hex(tf.bitcast(1.0, tf.uint32).numpy())
    '0x3f800000'
    >>> tf.bitcast(tf.constant([1, 256]), tf.uint8).numpy()
    array([[1, 0, 0, 0],
           [0, 1, 0, 0]], dtype=uint8)
""",
)


@dispatchable("parallel_stack")
def parallel_stack(values, name="parallel_stack"):
    """Stacks tensors of equal shape along a new first axis, in a graph.

    Args:
      values: a list of tensors of one shape, which is known, and one dtype.
      name: of the operation.

    Returns:
      A tensor of shape `[len(values), ...]`.

    Raises:
      RuntimeError: code runs eagerly; `tf.stack` does the same there.
      ValueError: a shape is not known.

    >>> tf.function(lambda x: tf.parallel_stack([x, x + 1]))(tf.constant(1)).numpy()
    array([1, 2], dtype=int32)
    """
    if STATE.graph is None:
        raise RuntimeError("tf.parallel_stack() is not compatible with eager execution.")
    with STATE.graph.name_scope(name) as scope:
        tensors = [convert_to_tensor(value) for value in values]
        rows = [raw.ExpandDims(input=tensor, axis=0) for tensor in tensors]
        for tensor in tensors:
            if not tensor.shape.is_fully_defined():
                raise ValueError("shape attr must be fully defined.")
        shape = [len(tensors), *tensors[0].shape]
        return raw.ParallelConcat(values=rows, shape=shape, name=scope)
