"""`tensorflow.python.ops.nn_ops`: arguments of convolutions, dropout and cross entropies, and convolutions as objects."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from penstock._src.api.nn.activations import noise_shape_of
from penstock._src.api.nn.convolution import check_steps, convolution
from penstock._src.api.nn.space_to_batch import channel_axis_of, with_space_to_batch
from penstock._src.core import dtypes
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import scope_in_graph
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape


def convert_padding(padding: Any, expected_length: int = 4) -> tuple[Any, list[Any]]:
    """Returns the padding of a convolution as the attributes `padding` and `explicit_paddings` of the op.

    Raises:
      ValueError: the padding is "EXPLICIT", or a list of another form.
    """
    if padding == "EXPLICIT":
        raise ValueError(
            "'EXPLICIT' is not a valid value for `padding`. To use explicit padding, `padding` must be a "
            "list."
        )
    if not isinstance(padding, (list, tuple)):
        return padding, []
    flat: list[Any] = []
    for at, pair in enumerate(padding):
        is_list = isinstance(pair, (list, tuple))
        if not is_list or len(pair) != 2:
            description = f"of size {len(pair)}" if is_list else f"of type {type(pair)}"
            raise ValueError(
                "When `padding` is a list, each element of `padding` must be a list/tuple of size 2. "
                f"Received: padding={padding} with element at index {at} {description}"
            )
        flat.extend(pair)
    if len(padding) != expected_length:
        raise ValueError(
            f"When padding is a list, it must be of size {expected_length}. Received: "
            f"padding={padding} of size {len(padding)}"
        )
    return "EXPLICIT", flat


class Convolution:
    """A convolution over 1 to 3 spatial axes, for inputs with any number of axes of a batch.

    Args:
      input_shape: of the inputs.
      filter_shape: of the filters.
      padding: "SAME" or "VALID".
      strides: an integer, or one for each spatial axis.
      dilation_rate: an integer, or one for each spatial axis.
      name: a name for the operations.
      data_format: which begins with "NC" if channels stand before the spatial axes.
      num_spatial_dims: the number of spatial axes, if the filters' rank is not known.

    Raises:
      ValueError: the ranks are not known, or do not fit.
    """

    def __init__(
        self,
        input_shape: Any,
        filter_shape: Any,
        padding: Any,
        strides: Any = None,
        dilation_rate: Any = None,
        name: str | None = None,
        data_format: str | None = None,
        num_spatial_dims: int | None = None,
    ) -> None:
        self.input_shape, self.filter_shape = TensorShape(input_shape), TensorShape(filter_shape)
        rank, filter_rank = self.input_shape.rank, self.filter_shape.rank
        if num_spatial_dims is None:
            if filter_rank is None:
                raise ValueError("rank of filter must be known")
            num_spatial_dims = filter_rank - 2
        if rank is not None and rank < num_spatial_dims + 2:
            raise ValueError(
                f"`input_shape` must have at least {num_spatial_dims + 2} axes for {num_spatial_dims} "
                f"spatial ones. Received: input_shape={self.input_shape}"
            )
        self.num_spatial_dims = num_spatial_dims
        self.num_batch_dims = 1 if rank is None else rank - num_spatial_dims - 1
        self.padding, self.strides, self.dilation_rate = padding, strides, dilation_rate
        self.name, self.data_format = name, data_format

    def __call__(self, inp: Any, filter: Any) -> Any:
        """Returns the convolution of an input with filters."""
        inp = convert_to_tensor(inp)
        batch, rows = self.num_batch_dims, inp
        if batch != 1:
            rest = raw.Shape(input=inp)[batch:]
            rows = raw.Reshape(tensor=inp, shape=raw.ConcatV2(values=[[-1], rest], axis=0))
            rows.set_shape([None, *inp.shape[batch:]])
        convolved = convolution(
            rows,
            filter,
            self.strides,
            self.padding,
            self.data_format,
            self.dilation_rate,
            self.name,
        )
        if batch == 1:
            return convolved
        outer, rest = raw.Shape(input=inp)[:batch], raw.Shape(input=convolved)[1:]
        shape = raw.ConcatV2(values=[outer, rest], axis=0)
        convolved = raw.Reshape(tensor=convolved, shape=shape)
        convolved.set_shape([*inp.shape[:batch], *convolved.shape[batch:]])
        return convolved


def _get_strides_and_dilation_rate(
    num_spatial_dims: int, strides: Sequence[int] | None, dilation_rate: Sequence[int] | None
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the strides and dilation rates of a convolution, ones by default.

    Raises:
      ValueError: there are not as many as spatial axes, one is not positive, or both have one that is not 1.
    """
    checked = []
    for name, given in (("strides", strides), ("dilation_rate", dilation_rate)):
        listed = [1] * num_spatial_dims if given is None else given
        if len(listed) != num_spatial_dims:
            raise ValueError(
                f"`len({name})` should be {num_spatial_dims}. Received: {name}={listed} of length "
                f"{len(listed)}"
            )
        values = np.array(listed, np.int32)
        if np.any(values < 1):
            raise ValueError(f"all values of `{name}` must be positive. Received: {name}={values}")
        checked.append(values)
    steps, rates = checked
    check_steps(steps, rates)
    return steps, rates


class _NonAtrousConvolution:
    """A convolution over 1 to 3 spatial axes without dilation.

    Args:
      input_shape: of the inputs.
      filter_shape: of the filters.
      padding: "SAME" or "VALID".
      data_format: which begins with "NC" if channels stand before the spatial axes.
      strides: one for each spatial axis.
      name: a name for the operations.
      num_batch_dims: the number of axes of the batch.

    Raises:
      ValueError: the ranks or strides do not fit.
    """

    def __init__(
        self,
        input_shape: Any,
        filter_shape: Any,
        padding: Any,
        data_format: str | None = None,
        strides: Sequence[int] | None = None,
        name: str | None = None,
        num_batch_dims: int = 1,
    ) -> None:
        filters = TensorShape(filter_shape)
        rank = TensorShape(input_shape).rank
        if rank is None and filters.rank is None:
            raise ValueError("Rank of either the inputs or the filters must be known.")
        count = len(filters) - 2 if rank is None else rank - num_batch_dims - 1
        if not 1 <= count <= 3:
            raise ValueError(
                "`input_shape.rank - num_batch_dims + 1` must be at least 3 and at most 5. Received: "
                f"input_shape.rank={rank} and num_batch_dims={num_batch_dims}"
            )
        if count == 2 and data_format not in (None, "NHWC", "NCHW"):
            raise ValueError(
                f"`data_format` must be 'NHWC' or 'NCHW'. Received: data_format={data_format}"
            )
        self.strides, _ = _get_strides_and_dilation_rate(count, strides, None)
        self.padding, self.data_format, self.name = padding, data_format, name
        self.conv_op = Convolution(
            input_shape,
            filters.with_rank(count + 2),
            padding,
            self.strides.tolist(),
            None,
            name,
            data_format,
            count,
        )

    def __call__(self, inp: Any, filter: Any) -> Any:
        """Returns the convolution of an input with filters."""
        return self.conv_op(inp, filter)


class _WithSpaceToBatch:
    """An operation on the interleaved grids of a dilated window, as an object that is called with inputs and filters.

    Args:
      input_shape: of the inputs.
      dilation_rate: an integer for each spatial axis.
      padding: "SAME", "VALID" or a list of pairs.
      build_op: called as `build_op(num_spatial_dims, padding)`; returns a function of an input and filters.
      filter_shape: the sizes of the window, which "SAME" needs.
      spatial_dims: the spatial axes in increasing order; by default those of the format.
      data_format: which begins with "NC" if the channels are second.
      num_batch_dims: the number of axes of the batch.
    """

    def __init__(
        self,
        input_shape: Any,
        dilation_rate: Any,
        padding: Any,
        build_op: Callable[[int, Any], Callable[[Any, Any], Any]],
        filter_shape: Any = None,
        spatial_dims: Any = None,
        data_format: str | None = None,
        num_batch_dims: int = 1,
    ) -> None:
        rates = convert_to_tensor(dilation_rate, dtypes.int32, name="dilation_rate")
        if spatial_dims is None:
            first = num_batch_dims + (channel_axis_of(data_format) == 1)
            spatial_dims = range(first, first + rates.shape[0])
        self.input_shape, self.dilation_rate = TensorShape(input_shape), rates
        self.padding, self.filter_shape = padding, filter_shape
        self.spatial_dims, self.data_format = list(spatial_dims), data_format
        self._build_op = build_op

    def __call__(self, inp: Any, filter: Any) -> Any:
        """Returns the results of the operation on the grids, put together.

        Raises:
          ValueError: the padding, dilation rates or spatial axes are not valid, or "SAME" has no filter shape.
        """

        def op(grids: Any, count: int, padding: Any) -> Any:
            return self._build_op(count, padding)(grids, filter)

        return with_space_to_batch(
            inp,
            self.dilation_rate,
            self.padding,
            op,
            self.filter_shape,
            self.spatial_dims,
            self.data_format,
        )


def _get_noise_shape(x: Any, noise_shape: Any) -> Any:
    """Returns the shape of dropout's random numbers: that of `x` where none is given; None in it is an extent of `x`."""
    if noise_shape is not None and not isinstance(noise_shape, (list, tuple, TensorShape)):
        return noise_shape
    shape = noise_shape_of(convert_to_tensor(x), noise_shape)
    is_static = not isinstance(shape, list) or all(isinstance(n, int) for n in shape)
    return TensorShape(shape) if isinstance(shape, list) and is_static else shape


def _flatten_outer_dims(logits: Any) -> Any:
    """Returns a tensor as a matrix: all axes but the last become one."""
    logits = convert_to_tensor(logits)
    if logits.shape.rank is not None and None not in logits.shape[-1:]:
        return raw.Reshape(tensor=logits, shape=[-1, logits.shape[-1]])
    last = raw.Shape(input=logits)[-1:]
    return raw.Reshape(tensor=logits, shape=raw.ConcatV2(values=[[-1], last], axis=0))


def _ensure_xent_args(name: str, labels: Any, logits: Any) -> None:
    """Checks that a cross entropy has both of its arguments.

    Raises:
      ValueError: one is None.
    """
    if labels is None or logits is None:
        raise ValueError(
            f"Both `labels` and `logits` must be provided for {name}"
            f"Received: labels={labels} and logits={logits}"
        )


def xw_plus_b_v1(x: Any, weights: Any, biases: Any, name: str | None = None) -> Any:
    """Returns `x @ weights + biases`."""
    with scope_in_graph(name, "xw_plus_b_v1") as scope:
        x, weights = convert_to_tensor(x, name="x"), convert_to_tensor(weights, name="weights")
        product = raw.MatMul(a=x, b=weights)
        return raw.Add(x=product, y=convert_to_tensor(biases, name="biases"), name=scope)
