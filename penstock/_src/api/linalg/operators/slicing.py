"""operator[...]: the operator of some of its matrices."""

from __future__ import annotations

from penstock._src.core.registry import raw

from . import shapes


def sliced(operator, slices):
    """The operator whose arguments are those of `operator`, each sliced in its batch axes."""
    slices = slices if isinstance(slices, tuple) else (slices,)
    arguments = operator.parameters
    for name in operator._matrix_axes:
        value = getattr(operator, "_" + name, arguments[name])
        if value is not None:
            arguments[name] = _sliced(operator, value, operator._matrix_axes[name], slices)
    return type(operator)(**arguments)


def _sliced(operator, value, axes, slices):
    if isinstance(value, (list, tuple)):
        return [_sliced(operator, v, axes, slices) for v in value]
    if hasattr(value, "matmul"):
        return sliced(_with_batch(value, operator), slices)
    value = shapes.read(value)
    batch, full = operator._shape_vector()[:-2], shapes.vector(value)
    end = full[len(value.shape) - axes :]
    whole = raw.BroadcastTo(input=value, shape=shapes.joined(batch, end))
    if Ellipsis not in slices:
        slices = (*slices, Ellipsis)
    return whole[(*slices, *[slice(None)] * axes)]


def _with_batch(part, whole):
    """`part` with as many batch axes as `whole`: its arguments are broadcast."""
    if part.batch_shape.as_list() == whole.batch_shape.as_list():
        return part
    batch, arguments = whole._shape_vector()[:-2], part.parameters
    for name, axes in part._matrix_axes.items():
        value = getattr(part, "_" + name, arguments[name])
        if value is None:
            continue
        if isinstance(value, (list, tuple)):
            arguments[name] = [_with_batch(v, whole) for v in value]
        elif hasattr(value, "matmul"):
            arguments[name] = _with_batch(value, whole)
        else:
            value = shapes.read(value)
            end = shapes.vector(value)[len(value.shape) - axes :]
            arguments[name] = raw.BroadcastTo(input=value, shape=shapes.joined(batch, end))
    return type(part)(**arguments)
