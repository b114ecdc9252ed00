"""Products of matrices and tensors."""

import functools
import math
import re

import numpy as np

from penstock._src.api.extending.dispatch import dispatchable
from penstock._src.api.math.complex_numbers import conj
from penstock._src.api.math.elementwise import cast
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor, is_tensor_like
from penstock._src.core.dispatch import STATE, scope_in_graph
from penstock._src.core.registry import raw
from penstock._src.core.tensor import Tensor
from penstock._src.core.typesets import SINGLE_RANGE
from penstock._src.eager.constants import index_input
from penstock._src.graph.static_values import constant_value


@dispatchable("linalg.matmul", "matmul", direct=True)
def matmul(
    a,
    b,
    transpose_a=False,
    transpose_b=False,
    adjoint_a=False,
    adjoint_b=False,
    a_is_sparse=False,
    b_is_sparse=False,
    output_type=None,
    grad_a=False,
    grad_b=False,
    name=None,
):
    """Returns the product of matrices, which may be transposed first.

    `a @ b` is the same. Only one of transpose and adjoint can be asked for each.

    Args:
      a: numbers, `[..., m, k]`.
      b: numbers of the same dtype, `[..., k, n]`. The leading axes broadcast.
      transpose_a: use `a` transposed.
      transpose_b: use `b` transposed.
      adjoint_a: use `a` transposed and conjugated.
      adjoint_b: use `b` transposed and conjugated.
      a_is_sparse: a hint without effect.
      b_is_sparse: a hint without effect.
      output_type: the dtype of the result: int32 for two int8 matrices, else that of `a`.
      grad_a: a hint without effect.
      grad_b: a hint without effect.
      name: a name for the operation.

    Returns:
      A tensor `[..., m, n]`.

    Raises:
      ValueError: both transpose and adjoint are asked for.
      InvalidArgumentError: the inner sizes differ, or the leading axes do not broadcast.

    >>> tf.matmul([[1, 2], [3, 4]], [[5], [6]]).numpy()
    array([[17],
           [39]], dtype=int32)
    >>> tf.matmul([[1.0, 2.0]], [[3.0, 4.0]], transpose_b=True).numpy()
    array([[11.]], dtype=float32)
    """
    if transpose_a and adjoint_a:
        raise ValueError(
            "Only one of `transpose_a` and `adjoint_a` can be True. Received `transpose_a`=True, "
            "`adjoint_a`=True."
        )
    if transpose_b and adjoint_b:
        raise ValueError(
            "Only one of `transpose_b` and `adjoint_b` can be True. Received `transpose_b`=True, "
            "`adjoint_b`=True."
        )
    if not (isinstance(a, Tensor) and isinstance(b, Tensor)):
        with scope_in_graph(name, "MatMul") as scope:
            name = scope or name
            a = convert_to_tensor(a, name="a")
            b = convert_to_tensor(b, dtype_hint=a.dtype.base_dtype, name="b")
    rank_a, rank_b = a.ndim, b.ndim
    if a.dtype is not b.dtype and rank_a == rank_b == 2 and {a.dtype, b.dtype} == SINGLE_RANGE:
        a, b = cast(a, dtypes.float32), cast(b, dtypes.float32)
    if output_type is not None and dtypes.as_dtype(output_type) != a.dtype:
        wanted = dtypes.as_dtype(output_type)
        a, b = cast(a, wanted), cast(b, wanted)
    if rank_a == 2 and rank_b == 2:
        if adjoint_a:
            a, transpose_a = conj(a), True
        if adjoint_b:
            b, transpose_b = conj(b), True
        if transpose_a is False and transpose_b is False:
            return raw.MatMul(a, b, name=name)
        return raw.MatMul(a=a, b=b, transpose_a=transpose_a, transpose_b=transpose_b, name=name)
    if rank_a is not None and rank_a <= 2 and rank_b is not None and rank_b <= 2:
        return raw.MatMul(a=a, b=b, name=name)  # raises: one of them is not a matrix
    if transpose_a:
        a, adjoint_a = conj(a), True
    if transpose_b:
        b, adjoint_b = conj(b), True
    return raw.BatchMatMulV2(x=a, y=b, adj_x=adjoint_a, adj_y=adjoint_b, name=name or "MatMul")


@dispatchable("linalg.matvec", scope="MatVec", direct=True)
def matvec(
    a, b, transpose_a=False, adjoint_a=False, a_is_sparse=False, b_is_sparse=False, name=None
):
    """Returns the product of matrices and vectors.

    Args:
      a: numbers, `[..., m, n]`.
      b: numbers of the same dtype, `[..., n]`. The leading axes broadcast.
      transpose_a: use `a` transposed.
      adjoint_a: use `a` transposed and conjugated.
      a_is_sparse: a hint without effect.
      b_is_sparse: a hint without effect.
      name: a name for the operation.

    Returns:
      A tensor `[..., m]`.

    Raises:
      InvalidArgumentError: the sizes do not fit.

    >>> tf.linalg.matvec([[1, 2], [3, 4]], [5, 6]).numpy()
    array([17, 39], dtype=int32)
    """
    product = matmul(
        a,
        raw.ExpandDims(input=b, axis=index_input(-1)),
        transpose_a=transpose_a,
        adjoint_a=adjoint_a,
        a_is_sparse=a_is_sparse,
        b_is_sparse=b_is_sparse,
    )
    return raw.Squeeze(input=product, axis=[-1], name=name)


@dispatchable("tensordot", "linalg.tensordot", named="Tensordot")
def tensordot(a, b, axes, name=None):
    """Returns the sums of products over some axes of both tensors.

    Args:
      a: numbers.
      b: numbers of the same dtype.
      axes: n sums over the last n axes of `a` and the first n of `b`; a pair of lists names the
        axes of each.
      name: a name for the operation.

    Returns:
      A tensor with the other axes of `a`, then those of `b`.

    Raises:
      ValueError: the axes are not as many on both sides, or out of range.
      InvalidArgumentError: their sizes differ.

    >>> tf.tensordot([[1, 2], [3, 4]], [10, 1], axes=1).numpy()
    array([12, 34], dtype=int32)
    >>> tf.tensordot([[1, 2], [3, 4]], [[1, 2], [3, 4]], axes=[[0, 1], [0, 1]]).numpy()
    np.int32(30)
    """
    a = convert_to_tensor(a, name="a")
    b = convert_to_tensor(b, name="b")
    axes_a, axes_b = _tensordot_axes(a, axes)
    matrix_a, free_a, static_a = _as_matrix(a, axes_a, False)
    matrix_b, free_b, static_b = _as_matrix(b, axes_b, True)
    product = raw.MatMul(a=matrix_a, b=matrix_b)
    if static_a is not None and static_b is not None and None not in static_a + static_b:
        return raw.Reshape(tensor=product, shape=_vector(static_a + static_b), name=name)
    shape = raw.ConcatV2(values=[free_a, free_b], axis=0)
    result = raw.Reshape(tensor=product, shape=shape, name=name)
    if static_a is not None and static_b is not None:
        result.set_shape(static_a + static_b)
    return result


def _tensordot_axes(a, axes):
    rank = a.shape.rank
    if isinstance(axes, (int, np.integer)):
        if axes < 0:
            raise ValueError(f"`axes` must be at least 0. Received: {axes}.")
        if rank is None:
            return list(range(-axes, 0)), list(range(axes))
        if axes > rank:
            raise ValueError(
                "`axes` must not be larger than the number of dimensions of tensor "
                f"{a}.  Received {axes}, vs tensor dimensions {rank}."
            )
        return list(range(rank - axes, rank)), list(range(axes))
    if isinstance(axes, Tensor):
        known = constant_value(axes)
        if known is None:
            return axes[0], axes[1]
        axes = known.tolist()
    if len(axes) != 2:
        raise ValueError(f"`axes` must be an integer or have length 2. Received {axes}.")
    first, second = (
        [int(x)] if isinstance(x, (int, np.integer)) else [int(i) for i in x] for x in axes
    )
    if len(first) != len(second):
        raise ValueError(
            f"Different number of contraction axes `a` and `b`, {len(first)} != {len(second)}."
        )
    return first, second


def _as_matrix_of_any_rank(x, axes, contracted_first):
    rank, extents = raw.Rank(input=x), raw.Shape(input=x)
    axes = raw.FloorMod(x=axes, y=rank)
    free = raw.ListDiff(x=raw.Range(start=0, limit=rank, delta=1), y=axes)[0]
    free_extents = raw.GatherV2(params=extents, indices=free, axis=0)
    inner = raw.Prod(input=raw.GatherV2(params=extents, indices=axes, axis=0), axis=0)
    outer = raw.Prod(input=free_extents, axis=0)
    order, shape = (
        ([axes, free], [inner, outer]) if contracted_first else ([free, axes], [outer, inner])
    )
    ordered = raw.Transpose(x=x, perm=raw.ConcatV2(values=order, axis=0))
    return raw.Reshape(tensor=ordered, shape=raw.Pack(values=shape)), free_extents, None


def _vector(values):
    return index_input(values) if STATE.graph is None else np.array(values, np.int32)


def _as_matrix(x, axes, contracted_first):
    """`x` as a matrix (free x contracted, or vice versa), with the free sizes."""
    rank = x.shape.rank
    if isinstance(axes, Tensor):
        return _as_matrix_of_any_rank(x, axes, contracted_first)
    if rank is None:
        return _as_matrix_of_any_rank(x, np.array(axes, np.int32), contracted_first)
    axes = [i + rank if i < 0 else i for i in axes]
    free = [i for i in range(rank) if i not in axes]
    perm = axes + free if contracted_first else free + axes
    extents = x.shape.as_list()
    free_extents = [extents[i] for i in free]
    ordered = raw.Transpose(x=x, perm=_vector(perm)) if perm != sorted(perm) else x
    if None not in extents:
        inner, outer = math.prod([extents[i] for i in axes]), math.prod(free_extents)
        shape = [inner, outer] if contracted_first else [outer, inner]
        return (
            raw.Reshape(tensor=ordered, shape=_vector(shape)),
            _vector(free_extents),
            free_extents,
        )
    shape = raw.Shape(input=x)
    sizes = raw.GatherV2(params=shape, indices=np.array(free, np.int32), axis=0)
    contracted = raw.GatherV2(params=shape, indices=np.array(axes, np.int32), axis=0)
    inner = raw.Prod(input=contracted, axis=[0])
    outer = raw.Prod(input=sizes, axis=[0])
    target = raw.Pack(values=[inner, outer] if contracted_first else [outer, inner])
    return raw.Reshape(tensor=ordered, shape=target), sizes, free_extents


@dispatchable("einsum", "linalg.einsum", scope="einsum")
def einsum(equation, *inputs, **kwargs):
    """Returns the sums of products that an equation such as "bij,bjk->bik" names.

    A letter that does not occur after "->" is summed over. Without "->" the result has the
    letters that occur once, in alphabetical order. "..." stands for leading axes that broadcast.
    A letter that occurs twice in one input takes the diagonal.

    Args:
      equation: the axes of each input as letters, and those of the result.
      *inputs: the tensors, all of one dtype, which arrays of NumPy take from the first tensor.
      **kwargs: `name`, and `optimize`: "greedy", "optimal" or "auto", how the order of products
        is chosen.

    Returns:
      A tensor.

    Raises:
      TypeError: there is another keyword.
      ValueError: the equation does not fit the inputs.
      InvalidArgumentError: a letter stands for different sizes.

    >>> a, b = tf.constant([[1, 2], [3, 4]]), tf.constant([[5, 6], [7, 8]])
    >>> tf.einsum("ij,jk->ik", a, b).numpy()
    array([[19, 22],
           [43, 50]], dtype=int32)
    >>> tf.einsum("ii->i", a).numpy()
    array([1, 4], dtype=int32)
    """
    name = kwargs.pop("name", None)
    optimize = kwargs.pop("optimize", "greedy")
    if kwargs:
        raise TypeError(
            f"Invalid keyword arguments for this function: {', '.join(sorted(kwargs))}. "
            "Expected: name, optimize."
        )
    tensors = _of_one_dtype(inputs)
    terms, result = _explicit_equation(equation, len(tensors))
    if len(tensors) <= 2:
        return raw.Einsum(inputs=tensors, equation=f"{','.join(terms)}->{result}", name=name)
    terms = list(terms)
    for group in _contraction_order(terms, result, tensors, optimize):
        picked = [(terms.pop(i), tensors.pop(i)) for i in sorted(group, reverse=True)][::-1]
        rest = "".join(terms) + result
        labels = "".join(t for t, _ in picked)
        kept = "".join(dict.fromkeys(c for c in labels if c in rest and c != "."))
        target = ("..." if "..." in labels else "") + kept if terms else result
        equation = f"{','.join(t for t, _ in picked)}->{target}"
        terms.append(target)
        tensors.append(raw.Einsum(inputs=[x for _, x in picked], equation=equation))
    return raw.Identity(input=tensors[0], name=name) if name else tensors[0]


def _of_one_dtype(inputs):
    """Inputs as tensors; arrays and lists take the dtype of the first tensor, if there is one."""
    tensors = [convert_to_tensor(x, name="input") for x in inputs]
    are_tensors = [is_tensor_like(x) for x in inputs]
    dtype = next(
        (t.dtype for t, is_given in zip(tensors, are_tensors, strict=True) if is_given), None
    )
    return [
        t if is_given or dtype is None or t.dtype.is_complex > dtype.is_complex else cast(t, dtype)
        for t, is_given in zip(tensors, are_tensors, strict=True)
    ]


@functools.lru_cache(1024)
def _explicit_equation(equation, count):
    """Returns the terms of the operands and of the result; raises ValueError if the number of terms is not that of the operands."""
    text = equation.replace(" ", "")
    if not re.fullmatch(r"([a-zA-Z,]|\.{3})*(->([a-zA-Z]|\.{3})*)?", text):
        raise ValueError(f"Indices have incorrect format: {equation}")
    left, arrow, result = text.partition("->")
    terms = left.split(",")
    if len(terms) != count:
        raise ValueError(
            f'Got {count} arguments for equation "{equation}", expecting {len(terms)}.'
        )
    if not arrow:
        letters = "".join(terms).replace(".", "")
        single = sorted(c for c in set(letters) if letters.count(c) == 1)
        result = ("..." if "..." in left else "") + "".join(single)
    missing = set(result) - set(left) - {"."}
    if missing:
        raise ValueError(f"Unknown output label {sorted(missing)[0]!r} in equation {equation!r}.")
    letters = result.replace(".", "")
    if len(set(letters)) != len(letters):
        raise ValueError(f"Output labels appear more than once in equation {equation!r}.")
    if any(term.count("...") > 1 for term in (*terms, result)):
        raise ValueError(f"Too many ellipses in a term of equation {equation!r}.")
    return tuple(terms), result


def _contraction_order(terms, result, tensors, optimize):
    """Groups of positions to contract; each product is appended to the list."""
    shapes = [t.shape for t in tensors]
    known = all(s.rank is not None and None not in s.as_list() for s in shapes)
    if known and not any("." in t for t in terms):
        shells = [np.broadcast_to(np.float32(0), s.as_list()) for s in shapes]
        method = "optimal" if optimize in ("optimal", "auto") else "greedy"
        path, _ = np.einsum_path(f"{','.join(terms)}->{result}", *shells, optimize=method)
        groups = []
        for group in path[1:]:
            groups.append(group)
        if all(len(g) <= 2 for g in groups):
            return groups
    # the first two, then the product (at the end) with the next
    groups = [(0, 1)]
    for left in range(len(terms) - 2, 0, -1):
        groups.append((0, left))
    return groups
