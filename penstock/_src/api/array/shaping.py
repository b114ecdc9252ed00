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
from penstock._src.graph.static_values import constant_value
from penstock._src.util import nest
from penstock._src.util.export import export

from .creation import shape_input, shape_vector

_MOST = {dtypes.int32: dtypes.int32.max, dtypes.int64: dtypes.int64.max}


@dispatchable("shape", v1=[], named="Shape")
def shape(input, out_type=None, name=None):
    """The extents of `input` as an integer vector."""
    input = convert_to_tensor(input, name="input")
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
    """The number of elements."""
    input = convert_to_tensor(input, name="input")
    kind = dtypes.int32 if out_type is None else dtypes.as_dtype(out_type)
    count = input.shape.num_elements()
    if count is not None and count <= _MOST.get(kind, count):
        return convert_to_tensor(count, kind, name=name)
    return raw.Size(input=input, out_type=kind, name=name)


@dispatchable("rank", named="Rank")
def rank(input, name=None):
    """The number of dimensions, as an int32 scalar."""
    input = convert_to_tensor(input, name="input")
    if input.shape.rank is not None:
        return convert_to_tensor(np.asarray(input.shape.rank, np.int32), name=name)
    return raw.Rank(input=input, name=name)


@dispatchable("reshape", v1=["reshape", "manip.reshape"])
def reshape(tensor, shape, name=None):
    """The same elements in row-major order in another shape; one -1 is inferred."""
    if STATE.graph is None or not isinstance(shape, (list, tuple)):
        return raw.Reshape(tensor, shape_input(shape), name=name)
    with STATE.graph.name_scope(name or "Reshape") as scope:
        return raw.Reshape(tensor, shape_vector(shape, name="shape"), name=scope)


@dispatchable("squeeze", v1=[])
def squeeze(input, axis=None, name=None):
    """`input` without its axes of length 1 (only those in `axis`, if given)."""
    axes = [] if axis is None else axis
    if isinstance(axes, Tensor):
        known = getattr(axes, "_value", None)
        if known is None:
            raise TypeError(f"Expected list for 'axis' argument to 'squeeze' Op, not {axes!r}.")
        axes = known.tolist()
    if isinstance(axes, (int, np.integer)):
        axes = [axes]
    return raw.Squeeze(input=input, axis=[int(a) for a in axes], name=name)


@dispatchable("transpose", v1=[])
def transpose(a, perm=None, conjugate=False, name="transpose"):
    """`a` with its axes in the order `perm` (by default reversed), optionally conjugated."""
    if not isinstance(a, Tensor):
        a = convert_to_tensor(a, name="a")
    op = raw.ConjugateTranspose if conjugate and a.dtype.is_complex else raw.Transpose
    if perm is None:
        known = a.shape.rank
        if known is not None:
            perm = np.arange(known - 1, -1, -1, dtype=np.int32)
        else:
            last = raw.Rank(input=a) - 1
            perm = last - raw.Range(start=0, limit=last + 1, delta=1)
    return op(x=a, perm=perm, name=name)


@dispatchable("broadcast_to")
def broadcast_to(input, shape, name=None):
    """`input` broadcast to `shape`."""
    return raw.BroadcastTo(input=input, shape=shape_vector(shape), name=name)


@dispatchable("broadcast_dynamic_shape")
def broadcast_dynamic_shape(shape_x, shape_y):
    """The shape, as a tensor, to which tensors of these shapes are broadcast together."""
    if isinstance(shape_x, Tensor) and isinstance(shape_y, Tensor):
        if {shape_x.dtype, shape_y.dtype} == {dtypes.int32, dtypes.int64}:
            shape_x, shape_y = cast(shape_x, dtypes.int64), cast(shape_y, dtypes.int64)
    return raw.BroadcastArgs(s0=shape_x, s1=shape_y)


@dispatchable("identity")
def identity(input, name=None):
    """A tensor with the contents of `input`."""
    if not isinstance(input, Tensor) and nest.is_composite(input):
        return nest.map_structure(identity, input, expand_composites=True)
    return raw.Identity(input=input, name=name)


@export("identity_n")
def identity_n(input, name=None):
    """A list of tensors with the contents of those given."""
    return list(raw.IdentityN(input=list(input), name=name))


@unary("stop_gradient")
def stop_gradient(input, name=None):
    """`input` without a gradient."""
    if not isinstance(input, Tensor) and hasattr(input, "_type_spec"):
        return nest.map_structure(stop_gradient, input, expand_composites=True)
    return raw.StopGradient(input=input, name=name)


@dispatchable("space_to_batch_nd")
def space_to_batch_nd(input, block_shape, paddings, name=None):
    """Blocks of the padded spatial axes moved into the batch axis."""
    return raw.SpaceToBatchND(input=input, block_shape=block_shape, paddings=paddings, name=name)


@dispatchable("space_to_batch", "nn.space_to_batch", v1=[])
def space_to_batch(input, block_shape, paddings, name=None):
    """Blocks of the padded spatial axes moved into the batch axis."""
    return space_to_batch_nd(input, block_shape, paddings, name)


@dispatchable("batch_to_space", v1=[])
def batch_to_space(input, block_shape, crops, name=None):
    """Blocks in the batch axis moved back into the spatial axes, which are then cropped."""
    if isinstance(block_shape, (int, np.integer)):
        block_shape = np.array([block_shape, block_shape], np.int64)
    return raw.BatchToSpaceND(input=input, block_shape=block_shape, crops=crops, name=name)


@export("required_space_to_batch_paddings")
@scoped("required_space_to_batch_paddings")
def required_space_to_batch_paddings(input_shape, block_shape, base_paddings=None, name=None):
    """The paddings and crops that make `block_shape` divide `input_shape`; constants if all of it is known."""
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
    """Whether `x` is a tensor, a variable or one of TensorFlow's own composite tensors.

    Other objects count as tensors if they have an attribute `is_tensor_like`, whatever its value.
    """
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
    """Whether `tensor` is symbolic."""
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
    `input` with a new axis of length 1 before `axis`.
unravel_index = UnravelIndex(indices, dims)
    Flat indices as coordinates in an array of shape `dims`, one row for each axis.
ensure_shape = EnsureShape(x: input, shape)
    `x`, checked at run time to have `shape` (None for any size).
parallel_stack = Pack(values: [convert_to_tensor(v) for v in values], name="parallel_stack", *, axis=0)
    Tensors of equal shape stacked along a new first axis.
""",
    plain="""
guarantee_const = GuaranteeConst(input)
    `input`, promised never to change.
shape_n = ShapeN(input, out_type=dtypes.int32)
    The extents of each tensor of a list.
""",
    unary="""
bitcast = Bitcast(input, type)
    The bits of `input` read as another type.
""",
)
