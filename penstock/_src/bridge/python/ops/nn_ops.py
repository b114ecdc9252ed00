"""`tensorflow.python.ops.nn_ops`: arguments of convolutions, dropout and cross entropies, and convolutions as objects."""

from typing import Any

from penstock._src.api.nn.activations import noise_shape_of
from penstock._src.api.nn.convolution import convolution
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
