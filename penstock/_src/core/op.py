"""class Op: the contract of an operation, in one place.

    class MatMul(Op):
        '''Product of two matrices.'''
        signature = "a: T, b: T -> product: T"
        T = NUMERIC
        transpose_a: bool = False
        def shape(self, a, b): ...
        def gradient(self, a, b, _product, dy): ...
        def eager(self, a, b): ...
        def lower(self, p, a, b): ...

The signature may state the shapes of outputs, which makes `shape` unnecessary: "x: T -> y: T[x], count: int32[]"
(calls/signature.py). A dtype attribute that no input fixes is annotated with the dtypes it may be, a list of dtypes with
those in brackets: `out_type: INDEX = dtypes.int32`, `types: [FLOAT]`.

An instance is the op with its attributes: immutable, cached, and hashable if its attributes are.
`gradient` takes the inputs, the outputs, then one gradient per output. Name a parameter with a leading `_` if it is unused:
tapes then do not keep that tensor alive.
"""

import collections
import dataclasses
import functools
import inspect
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls import attributes as attribute_values
from penstock._src.core.calls.attributes import REQUIRED
from penstock._src.core.calls.facts import Effects, Values, stated_by
from penstock._src.core.calls.signature import Argument, parse
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import (
    InvalidArgumentError,
    OpError,
    ResourceExhaustedError,
    UnimplementedError,
)
from penstock._src.core.shapes import TensorShape
from penstock._src.core.typesets import DIFFERENTIABLE, NARROW
from penstock._src.core.values.resources import UPDATING, RemoteResource
from penstock._src.util import slots
from penstock._src.util.signatures import read_only

OPS: dict[str, type["Op"]] = {}
# Of one list: more tensors than a program could ever name.
MOST_OUTPUTS = 1 << 20


class InputShape(TensorShape):
    """The static shape of an input, with its dtype and static value."""

    __slots__ = ("_tensor",)

    def __init__(self, tensor: Any) -> None:
        self._dims = tensor.shape._dims
        self._tensor = tensor

    def with_rank(self, rank: int | None) -> "InputShape":
        """Returns this input with the required rank; see TensorShape."""
        merged = super().with_rank(rank)
        if self._dims is not None:
            return self
        known = InputShape(self._tensor)
        known._dims = merged._dims
        return known

    dtype: DType = read_only("_tensor.dtype", "The type of the input.")

    @property
    def value(self) -> np.ndarray | None:
        """The static value, or None if the value may differ between runs."""
        return slots.STATIC_VALUE(self._tensor)

    def as_shape(self) -> TensorShape:
        """The shape that this input holds as a shape vector; unknown elements give unknown dimensions."""
        return slots.STATIC_SHAPE(self._tensor)

    @property
    def handle_data(self) -> Any:
        """For a resource or variant: the list of (shape, dtype) it holds, if known."""
        return getattr(self._tensor, "_handle_data", None)


class Op:
    """One of TensorFlow's raw ops. See the head of this file."""

    signature: ClassVar[str] = ""
    # By default, whether it takes or makes a resource.
    stateful: ClassVar[bool] = False
    # False: the gradient is None. True without `gradient`: differentiating raises LookupError.
    differentiable: ClassVar[bool] = True
    # -- facts, which the rest of the engine asks for instead of listing ops

    # What it does besides computing, if it is stateful, and what is known of its results; those of base classes hold, too.
    effects: ClassVar[Effects] = Effects()
    values: ClassVar[Values] = Values()
    # Maps elements to elements: inputs broadcast, and no element of a result depends on its place.
    is_elementwise: ClassVar[bool] = False
    # No more than that, but not elementwise: reads a variable, or changes each element of one by that at its place.
    keeps_places: ClassVar[bool] = False
    # Computes each row of its first input by itself (along the first axis), with inputs that all rows share.
    is_row_wise: ClassVar[bool] = False
    # Its outputs are its inputs: a program that is neither differentiated nor checked any more does without it.
    passes_on: ClassVar[bool] = False
    # Only moves values: a compiled kernel is no faster than `eager`.
    is_movement: ClassVar[bool] = False
    # `eager` is as fast as a compiled kernel for a single picture: not worth a program where sizes are ever new ones, see graph/passes/own_sizes.py.
    suits_new_sizes: ClassVar[bool] = False
    # `eager` takes the name of the operation in its graph as one more argument, for messages.
    takes_name: ClassVar[bool] = False
    # Of a node of TensorFlow 1's loops and conditions: "switch", "merge", "enter", "exit" or "next".
    redirects: ClassVar[str] = ""
    # Its part in iterations: "iterator" creates one; "begin" binds one, its second input, to a dataset, its first; "elements"
    # computes elements of a dataset or iterator among its inputs.
    iteration: ClassVar[str] = ""
    # Which control flow it is: "call", "if", "case", "while"; "" for none.
    control: ClassVar[str] = ""
    # What tf.vectorized_map does with each input: a word of api/vectorized/inputs.py for each, "rows, axis". "" where
    # the op is elementwise, has a rule in api/vectorized/rules, or runs row by row.
    vectorize: ClassVar[str] = ""
    # Whether rows count as vectorized if they are computed one after the other, where words and rules do not apply.
    vectorizes_one_by_one: ClassVar[bool] = False
    # Method: the outputs of `eager` for each of many elements of a dataset, all at once, of inputs and as outputs that are
    # values of core/values/groups.py; arrays among the inputs are shared by all elements. Elementwise ops need none.
    eager_each: ClassVar[Any] = None
    # Whether `eager` usually returns a view of its input or is trivial: never compiled for an eager call.
    eager_is_view: ClassVar[bool] = False
    # Whether the lowering computes float16 and bfloat16 in float32 and rounds once, as `eager` does.
    in_float32: ClassVar[bool] = False
    # Method: the outputs of host values, some of which are arrays of devices, computed by those devices; None if they cannot.
    on_devices: ClassVar[Any] = None
    # Method: for an op that draws random numbers at a position of its own, what draws the same at a position that it is given: the op
    # (or its name), its inputs (tensors or arrays) and attributes. Takes the tensors; the op's own position moves on.
    at_position: ClassVar[Any] = None
    # Whether its results have as many rows as its values say: compiler/lower/dynamic_rows_sources.py lowers it.
    has_dynamic_rows: ClassVar[bool] = False
    # Whether eager calls of any size are compiled: the op is a whole program.
    is_program: ClassVar[bool] = False
    # Whether `gradient` accepts IndexedSlices; else they are converted to dense tensors.
    takes_slices: ClassVar[bool] = False
    # Whether an eager tape passes slices on to the first of two inputs if the second is a scalar that it does not watch.
    keeps_slices_past_scalar: ClassVar[bool] = False
    # Method: for an op that makes a variant, the list of (static shape, dtype) that it holds, of the inputs' InputShapes.
    held: ClassVar[Any] = None
    # Whether the operations of a group of devices compute it together: see graph/passes/collectives.py.
    is_collective: ClassVar[bool] = False
    # Method: the op that files have in its place, and how many of the inputs that takes.
    written_as: ClassVar[Any] = None
    # Method: the error of a call while a program for an accelerator is traced, which has no kernel for the op. Libraries that call it where
    # an accelerator is listed then go another way.
    refused_on_accelerators: ClassVar[Any] = None
    # What it does besides computing, for which a graph from a file needs its caller's consent: names of
    # util/flags.py's CAPABILITIES, separated by spaces; and the inputs and attributes that name the files, "" if none does.
    capabilities: ClassVar[str] = ""
    file_arguments: ClassVar[str] = ""
    is_abstract: ClassVar[bool] = True
    # Inherited attributes that the op lacks.
    dropped: ClassVar[frozenset[str]] = frozenset()
    # {input: its name in TensorFlow's definition of the op}, where tf.raw_ops has another.
    defined_names: ClassVar[dict[str, str]] = {}
    # {name of an attribute in tf.raw_ops: its name}, where they differ.
    raw_names: ClassVar[dict[str, str]] = {}
    # {attribute: its default in tf.raw_ops}, where that differs from the op's definition.
    raw_defaults: ClassVar[dict[str, Any]] = {}

    op_type: ClassVar[str] = ""
    inputs: ClassVar[tuple[Argument, ...]] = ()
    outputs: ClassVar[tuple[Argument, ...]] = ()
    attributes: ClassVar[dict[str, Any]] = {}
    annotations: ClassVar[dict[str, Any]] = {}
    type_sets: ClassVar[dict[str, frozenset[DType]]] = {}
    has_gradient: ClassVar[bool] = False
    # Whether it has a gradient and only plain tensors.
    has_plain_gradient: ClassVar[bool] = False
    has_lowering: ClassVar[bool] = False
    keeps: ClassVar[tuple[bool, ...]] = ()
    # Whether the gradient reads all inputs and no output, as most do.
    keeps_inputs_only: ClassVar[bool] = False
    takes_lists: ClassVar[bool] = False
    # Whether an input or output is a list of tensors.
    has_lists: ClassVar[bool] = False
    # Whether the kernel runs user functions, whose errors are passed on unchanged.
    runs_functions: ClassVar[bool] = False
    # {input: allowed ranks, such as (0,) or (0, 1)}, where `shape` does not check them.
    ranks: ClassVar[dict[str, tuple[int, ...]]] = {}

    if TYPE_CHECKING:  # the attributes of each class

        def __getattr__(self, name: str) -> Any: ...

    # Whether its attribute `container` may have any characters.
    takes_any_container: ClassVar[bool] = False
    # {attribute: the least number it may be, or the least length of a list}; those of base classes hold, too.
    minimum: ClassVar[dict[str, int]] = {}
    # Whether an input or output is a reference to a v1 variable; such ops run in graphs only.
    has_refs: ClassVar[bool] = False
    is_simple: ClassVar[bool] = False
    bound: ClassVar[dict[Any, Any]] = {}
    _instances: ClassVar[dict[Any, "Op"]] = {}
    # The inputs that are scalars by the signature: their positions and names.
    scalars: ClassVar[tuple[tuple[int, str], ...]] = ()
    # How many instances a class remembers.
    most_instances: ClassVar[int] = 1024

    # Of an instance, which sets them once (`_make`).
    attrs: dict[str, Any]
    output_dtypes: tuple[Any, ...]
    passes_gradients: bool

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.effects = stated_by(cls, "effects", Effects)
        cls.values = stated_by(cls, "values", Values)
        if cls.effects.updates and "eager" in cls.__dict__:
            cls.eager = _as_one_step(cls.eager)  # type: ignore[method-assign]
        unnamed = not cls.signature or cls.__name__.startswith("_")
        cls.is_abstract = cls.__dict__.get("is_abstract", unnamed)
        if not cls.signature:
            return
        parsed = parse(cls.signature)
        cls.op_type = cls.__name__
        cls.inputs, cls.outputs = parsed.inputs, parsed.outputs
        if cls.defined_names:
            cls.inputs = tuple(
                dataclasses.replace(a, defined_name=cls.defined_names.get(a.name, a.name))
                for a in cls.inputs
            )
        if any(a.dtype is dtypes.resource for a in (*cls.inputs, *cls.outputs)):
            cls.stateful = cls.__dict__.get("stateful", True)
        if any(a.dtype is dtypes.resource and not a.is_list for a in cls.inputs):
            cls.eager = _where_it_is(cls.eager)  # type: ignore[method-assign]
        cls.scalars = tuple((n, a.name) for n, a in enumerate(cls.inputs) if a.shape == "")
        if cls.scalars:
            cls.ranks = cls.ranks | {name: (0,) for _, name in cls.scalars}
            cls.eager = _with_scalars(cls.eager)  # type: ignore[method-assign]
        cls.annotations, cls.attributes, allowed = _collect_attributes(cls)
        cls.type_sets = {}
        for argument in (*cls.inputs, *cls.outputs):
            attr = argument.type_attr or argument.type_list_attr
            if attr and isinstance(cls.__dict__.get(attr, getattr(cls, attr, None)), frozenset):
                cls.type_sets[attr] = getattr(cls, attr)
        cls.type_sets |= allowed
        known = {*cls.attributes, *(a.number_attr or a.type_list_attr for a in cls.inputs)}
        bases = [base.__dict__.get("minimum", {}) for base in reversed(cls.__mro__)]
        merged = {name: least for minimum in bases for name, least in minimum.items()}
        cls.minimum = {name: least for name, least in merged.items() if name in known}
        functions = (attribute_values.Function, list[attribute_values.Function])
        if any(kind in functions for kind in cls.annotations.values()):
            cls.runs_functions = True
        stated = parsed.shape_rule() if "signature" in cls.__dict__ else None
        rule_name = "output_shape" if "shape" in cls.attributes else "shape"
        if stated is not None and rule_name not in cls.__dict__:
            setattr(cls, rule_name, stated)
        rule = getattr(cls, "output_shape", None) or cls.shape
        cls.shape_rule = rule if callable(rule) else None
        cls.has_gradient = getattr(cls, "gradient", None) is not None
        lowering = getattr(cls, "lower_op", None) or cls.lower
        if callable(lowering) and cls.in_float32:
            lowering = _widened(lowering)
        cls.lowering = lowering if callable(lowering) else None
        cls.has_lowering = cls.lowering is not None
        cls.keeps = _kept_by_gradient(cls)
        count = len(cls.inputs)
        cls.keeps_inputs_only = all(cls.keeps[:count]) and not any(cls.keeps[count:])
        cls._instances = {}
        cls.takes_lists = any(a.is_list for a in cls.inputs)
        cls.has_refs = any(a.is_ref for a in (*cls.inputs, *cls.outputs))
        cls.has_lists = cls.takes_lists or any(a.is_list for a in cls.outputs)
        cls.has_plain_gradient = cls.has_gradient and not cls.has_lists
        # At most one plain output: `bound` then caches a kernel for each (dtypes, attributes).
        cls.is_simple = len(cls.outputs) <= 1 and not any(a.is_list for a in cls.outputs)
        cls.bound = {}
        if not cls.is_abstract:
            OPS[cls.op_type] = cls

    @classmethod
    def instance(cls, attrs: dict[str, Any]) -> "Op":
        """Returns the unique op with these attributes, which are complete and converted, in any order."""
        attrs = {name: attrs[name] for name in sorted(attrs)}
        try:
            key = tuple(attrs.values())
            op = cls._instances.get(key)
        except TypeError:
            return cls._make(attrs)
        if op is None:
            op = cls._make(attrs)
            if len(cls._instances) >= Op.most_instances:
                cls._instances.clear()  # some attributes are ever new: tokens, names
            cls._instances[key] = op
        return op

    @classmethod
    def _make(cls, attrs: dict[str, Any]) -> "Op":
        op = object.__new__(cls)
        op.__dict__.update(attrs)
        op.__dict__["attrs"] = attrs
        for name, least in cls.minimum.items():
            attribute_values.check_minimum(cls.op_type, name, attrs[name], least)
        if attrs.get("container") and not cls.takes_any_container:
            attribute_values.check_container(cls.op_type, attrs["container"])
        types = op.__dict__["output_dtypes"] = op._output_dtypes()
        flows = any(dtype in DIFFERENTIABLE for dtype in flatten_arguments(types))
        # An op without a gradient is recorded always: differentiating it is an error.
        op.__dict__["passes_gradients"] = op.differentiable and (flows or not op.has_gradient)
        return op

    def _output_dtypes(self) -> tuple[Any, ...]:
        """The type of each output: a DType, or a tuple of them for a list."""
        return tuple(self._dtype_of(argument) for argument in self.outputs)

    def _dtype_of(self, argument: Argument) -> Any:
        if argument.type_list_attr:
            return tuple(self.attrs[argument.type_list_attr])
        dtype = argument.dtype or self.attrs[str(argument.type_attr)]
        if not argument.number_attr:
            return dtype
        count = self.attrs[argument.number_attr]
        if count > MOST_OUTPUTS:
            raise ResourceExhaustedError(
                f"{self.op_type}: '{argument.number_attr}' asks for {count} outputs, more than {MOST_OUTPUTS}."
            )
        return (dtype,) * count

    @classmethod
    def output_tuple(cls) -> Any:
        """Returns the named tuple class that holds several outputs."""
        known: Any = cls.__dict__.get("_output_tuple")
        if known is None:
            names = [a.name for a in cls.outputs]
            make: Any = collections.namedtuple
            known = cls._output_tuple = make(cls.op_type.replace(">", "_"), names)  # type: ignore[attr-defined]
        return known

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{self.op_type}: the attributes of an op are immutable.")

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value}" for name, value in self.attrs.items())
        return f"{self.op_type}({shown})"

    # -- the contract: subclasses define these methods with the inputs as parameters

    shape: ClassVar[Any] = None
    # `shape`, or `output_shape` of an op that has an attribute called "shape".
    shape_rule: ClassVar[Any] = None
    gradient: ClassVar[Any] = None
    lower: ClassVar[Any] = None
    # `lower`, or `lower_op` of an op that has an attribute called "lower".
    lowering: ClassVar[Any] = None

    def touched_files(self, values: Sequence[Any]) -> list[str] | None:
        """The paths and patterns of the files that the kernel would touch; None if that is not known.

        Args:
          values: of the inputs; None for those that are not known.
        """
        if not self.file_arguments:
            return None
        places = {argument.name: at for at, argument in enumerate(self.inputs)}
        paths: list[str] = []
        for name in self.file_arguments.split():
            names = values[places[name]] if name in places else self.attrs[name]
            if names is None:
                return None
            paths += [os.fsdecode(text) for text in np.asarray(names, object).ravel() if text]
        return paths

    @classmethod
    def invalid(cls, message: str) -> OpError:
        """Returns the error for arguments that the op cannot take, tagged with its name."""
        return InvalidArgumentError(f"{cls.op_type}: {message}")

    def eager(self, *values: Any) -> Any:
        """Computes the outputs from host values."""
        raise UnimplementedError(f"{self.op_type}: this operation is not implemented.")


def entry_of(cls: type[Op], table: Mapping[str, Any]) -> Any:
    """Returns the entry of a table of class names for an op class, or the nearest class that it is derived from; else None."""
    return next((table[base.__name__] for base in cls.__mro__ if base.__name__ in table), None)


def _as_one_step(eager: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps a kernel that updates variables: between its reads and its writes nobody else changes them."""

    @functools.wraps(eager)
    def run(op: Op, *values: Any) -> Any:
        with UPDATING:
            return eager(op, *values)

    return run


def _where_it_is(eager: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps a kernel that takes a resource: it runs in the process that holds the resource."""
    if getattr(eager, "runs_where_it_is", False):
        return eager

    @functools.wraps(eager)
    def run(op: Op, *values: Any) -> Any:
        for value in values:
            if isinstance(value, RemoteResource):
                return value.run(op, values)
        return eager(op, *values)

    run.runs_where_it_is = True  # type: ignore[attr-defined]
    return run


def _with_scalars(eager: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a kernel so that inputs declared as scalars by the signature are refused with other ranks."""
    if getattr(eager, "checks_scalars", False):
        return eager

    @functools.wraps(eager)
    def run(op: Op, *values: Any) -> Any:
        for position, name in op.scalars:
            rank = getattr(values[position], "ndim", 0)
            if rank:
                raise op.invalid(f"Shape must be rank 0 but is rank {rank} for `{name}`")
        return eager(op, *values)

    run.checks_scalars = True  # type: ignore[attr-defined]
    return run


def _widened(lower: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps a lowering: narrow floats are computed in float32 and results rounded to the op's output dtypes."""

    @functools.wraps(lower)
    def lowering(op: Op, p: Any, *args: Any) -> Any:
        if not any(x.dtype in NARROW for x in args):
            return lower(op, p, *args)
        results = lower(
            op, p, *[p.cast(x, dtypes.float32) if x.dtype in NARROW else x for x in args]
        )
        types: Any = op._output_dtypes()
        if len(types) == 1:
            return p.cast(results, types[0])
        return tuple(p.cast(x, dtype) for x, dtype in zip(results, types, strict=True))

    return lowering


def _collect_attributes(
    cls: type["Op"],
) -> tuple[dict[str, Any], dict[str, Any], dict[str, frozenset[DType]]]:
    """Returns {attribute: annotation}, {attribute: default or REQUIRED} and {attribute: allowed dtypes} of an op class."""
    annotations: dict[str, Any] = {}
    allowed: dict[str, frozenset[DType]] = {}
    # Own attributes come before inherited ones, as in TensorFlow's definitions.
    for base in cls.__mro__:
        if base is Op or not issubclass(base, Op):
            continue
        for name, annotation in inspect.get_annotations(base, eval_str=True).items():
            if name in cls.dropped or name in annotations:
                continue
            types = annotation[0] if isinstance(annotation, list) else annotation
            if isinstance(types, set | frozenset):
                allowed[name] = frozenset(types)
                annotations[name] = DType if types is annotation else list[DType]
            elif not str(annotation).startswith("typing.ClassVar"):
                annotations[name] = annotation
    defaults = {}
    for name, annotation in annotations.items():
        default = getattr(cls, name, REQUIRED)
        if isinstance(default, frozenset) or name in Op.__dict__ and default is Op.__dict__[name]:
            default = REQUIRED
        if default is not REQUIRED and default is not None:
            default = attribute_values.convert_attribute(cls.__name__, name, annotation, default)
        defaults[name] = default
    return annotations, defaults, allowed


def _kept_by_gradient(cls: type[Op]) -> tuple[bool, ...]:
    """Return for every input, then every output: True if the gradient reads it."""
    count = len(cls.inputs) + len(cls.outputs)
    if cls.gradient is None:
        return (False,) * count
    parameters = list(inspect.signature(cls.gradient).parameters.values())[1:]
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return (True,) * count
    return tuple(not p.name.startswith("_") for p in parameters[:count])


def ruled(op: Op, inputs: Sequence[Any]) -> Any:
    """Checks the ranks of the flat inputs, then applies the op's shape rule.

    Raises:
      ValueError, or another of `REFUSALS`: the inputs do not fit.
    """
    grouped = group_arguments(op.inputs, op, inputs)
    if op.ranks:
        for argument, shape in zip(op.inputs, grouped, strict=True):
            allowed = op.ranks.get(argument.name)
            if allowed is None or shape.rank is None or shape.rank in allowed:
                continue
            most = "at most rank" if 0 in allowed and len(allowed) > 1 else "rank"
            raise ValueError(f"Shape must be {most} {allowed[-1]} but is rank {shape.rank}")
    return type(op).shape_rule(op, *grouped)


def refusal_of_reference(cls: type[Op]) -> str:
    """The message for an op with reference inputs or outputs that is called eagerly."""
    ref = next(a.name for a in (*cls.inputs, *cls.outputs) if a.is_ref)
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.op_type)
    return f"{words.lower()} op does not support eager execution. Arg '{ref}' is a ref."


def flatten_arguments(values: Sequence[Any]) -> list[Any]:
    """Returns the tensors of a sequence in which list arguments are lists."""
    flat: list[Any] = []
    for value in values:
        if isinstance(value, (list, tuple)):
            flat.extend(value)
        else:
            flat.append(value)
    return flat


def group_arguments(arguments: Sequence[Argument], op: Op, flat: Sequence[Any]) -> list[Any]:
    """Inverse of `flatten_arguments`: gathers the tensors of each list argument into a list."""
    grouped: list[Any] = []
    at = 0
    for argument in arguments:
        if not argument.is_list:
            grouped.append(flat[at])
            at += 1
            continue
        count = (
            op.attrs[argument.number_attr]
            if argument.number_attr
            else len(op.attrs[str(argument.type_list_attr)])
        )
        grouped.append(list(flat[at : at + count]))
        at += count
    return grouped
