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
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from penstock._src.core import dtypes
from penstock._src.core.calls import attributes as attribute_values
from penstock._src.core.calls.extents import check_extents, check_rank
from penstock._src.core.calls.facts import (
    Definition,
    Effects,
    Elements,
    Flow,
    HostKernel,
    Kept,
    OpProperties,
    Permissions,
    Slices,
    Traits,
    Values,
    attributes_of,
    gather,
    kept_by_gradient,
    of_all_bases,
    traits_of,
)
from penstock._src.core.calls.signature import Argument, Signature, parse
from penstock._src.core.dtypes import DType
from penstock._src.core.errors import (
    InvalidArgumentError,
    OpError,
    ResourceExhaustedError,
    UnimplementedError,
)
from penstock._src.core.shapes import LARGEST_RANK, TensorShape
from penstock._src.core.typesets import COMPLEX, DIFFERENTIABLE, FLOAT
from penstock._src.core.values.kernel_wrappers import (
    as_one_step,
    in_float32,
    where_resources_are,
    with_checked_scalars,
)
from penstock._src.util import slots
from penstock._src.util.process import forks
from penstock._src.util.signatures import read_only

OPS: dict[str, type["Op"]] = {}
# How many instances a class remembers.
MOST_INSTANCES = 1024
# Limit for one list of outputs, far above the number of tensors of real programs.
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
    # By default True if an input or output is a resource.
    stateful: ClassVar[bool] = False
    # False: the gradient is None. True without `gradient`: differentiating raises LookupError.
    differentiable: ClassVar[bool] = True
    # By default True if it has no signature or its name begins with "_".
    is_abstract: ClassVar[bool] = True
    # {input: allowed ranks, such as (0,), (0, 1) or at_least(2)}, of each tensor of a list, where `shape` does not check
    # them; those of base classes hold, too.
    ranks: ClassVar[dict[str, Sequence[int]]] = {}
    # {input: its extents, "n, 4"}, of each tensor of a list, where `shape` does not check them: see calls/extents.py.
    extents: ClassVar[dict[str, str]] = {}
    # {attribute: the least number it may be, or the least length of a list}; those of base classes hold, too.
    minimum: ClassVar[dict[str, int]] = {}
    # What tf.vectorized_map does with each input: a word of api/vectorized/inputs.py for each, "rows, axis". "" where
    # the op is elementwise, has a rule in api/vectorized/rules, or runs row by row.
    vectorize: ClassVar[str] = ""

    # -- facts, which the rest of the engine asks for instead of listing ops: see calls/facts.py

    effects: ClassVar[Effects] = Effects()
    values: ClassVar[Values] = Values()
    elements: ClassVar[Elements] = Elements()
    host_kernel: ClassVar[HostKernel] = HostKernel()
    flow: ClassVar[Flow] = Flow()
    slices: ClassVar[Slices] = Slices()
    permissions: ClassVar[Permissions] = Permissions()
    definition: ClassVar[Definition] = Definition()
    # The permissions of the graph that an op of a loaded graph is in; None for the program's own (calls/consent.py).
    consent: ClassVar[Any] = None
    # {attribute: the record that the class itself states, without its bases' facts}.
    own_properties: ClassVar[dict[str, OpProperties]] = {}

    # -- methods that few ops have

    # Computes the outputs for many elements of a dataset at once: inputs and outputs are values of
    # core/values/groups.py; arrays among the inputs are shared by all elements. Elementwise ops do not need it.
    eager_each: ClassVar[Any] = None
    # (a bool for each input: it keeps its value, not only its dtype and rank; *inputs) -> a kernel for repeated calls, which takes the
    # varying inputs and returns the outputs of `eager`; if it raises, `eager` is called. None: there is no faster kernel.
    eager_given: ClassVar[Any] = None
    # For an op that TensorFlow lacks: builds its result from TensorFlow's ops, which files contain instead. Its arguments are the constant values of
    # the inputs (None for others) and the inputs as tensors of a graph. See graph/serialize/composed.py.
    composed: ClassVar[Any] = None
    # Computes the outputs on devices, if some inputs are arrays in device memory; None if the device cannot.
    on_devices: ClassVar[Any] = None
    # For an op that draws random numbers at a position in its own state, the form that draws the same at a given position: the op
    # (or its name), its inputs (tensors or arrays) and attributes. Takes the tensors; the op's own position moves on.
    at_position: ClassVar[Any] = None
    # For an op that makes a variant, the list of (static shape, dtype) that it holds, of the inputs' InputShapes.
    held: ClassVar[Any] = None
    # For an op that updates a variable, the variable's value afterwards, of tensors: its value before, and the op's other inputs. None, or
    # the result None: no other ops compute it.
    value_after: ClassVar[Any] = None

    # -- derived from the above

    op_type: ClassVar[str] = ""
    inputs: ClassVar[tuple[Argument, ...]] = ()
    outputs: ClassVar[tuple[Argument, ...]] = ()
    attributes: ClassVar[dict[str, Any]] = {}
    annotations: ClassVar[dict[str, Any]] = {}
    traits: ClassVar[Traits] = Traits()
    kept: ClassVar[Kept] = Kept()
    has_gradient: ClassVar[bool] = False
    # True if `input_gradient(at, ...)` gives what `gradient` gives for one input, whose position comes first.
    has_input_gradient: ClassVar[bool] = False
    # An attribute holds the value of a tensor.
    holds_arrays: ClassVar[bool] = False
    has_lowering: ClassVar[bool] = False

    if TYPE_CHECKING:  # the attributes of each class

        def __getattr__(self, name: str) -> Any: ...

    # Kernels of eager calls, and the instances by their attributes.
    bound: ClassVar[dict[Any, Any]] = {}
    _instances: ClassVar[dict[Any, "Op"]] = {}
    # The same by those attributes that calls state, in their order, without the defaults: see calls/binding.py.
    completed: ClassVar[dict[Any, "Op"]] = {}
    # Native code for eager calls with kernels that are called often, and the scopes of the functions that call it.
    quick: ClassVar[Any] = None
    quick_forms: ClassVar[tuple[Any, ...]] = ()
    scopes: ClassVar[list[dict[str, Any]]] = []

    # Attributes of instances, set once (`_make`).
    attrs: dict[str, Any]
    output_dtypes: tuple[Any, ...]
    passes_gradients: bool
    # {extents of the inputs: static shapes of the outputs} of a rule that reads nothing else: see graph/shapes.py.
    shapes_found: dict[tuple[Any, ...], tuple[TensorShape, ...]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        gather(cls)
        if cls.effects.updates and "eager" in cls.__dict__:
            cls.eager = as_one_step(cls.eager)  # type: ignore[method-assign]
        unnamed = not cls.signature or cls.__name__.startswith("_")
        cls.is_abstract = cls.__dict__.get("is_abstract", unnamed)
        if not cls.signature:
            return
        parsed = parse(cls.signature)
        cls.op_type = cls.__name__
        cls.inputs, cls.outputs = parsed.inputs, parsed.outputs
        defined = cls.definition.input_names
        if defined:
            cls.inputs = tuple(
                dataclasses.replace(a, defined_name=defined.get(a.name, a.name)) for a in cls.inputs
            )
        cls._derive_attributes()
        cls._choose_rules(parsed)
        cls.kept = kept_by_gradient(cls)
        cls._instances, cls.completed, cls.bound = {}, {}, {}
        cls.quick, cls.quick_forms, cls.scopes = None, (), []
        if not cls.is_abstract:
            OPS[cls.op_type] = cls

    @classmethod
    def _derive_attributes(cls) -> None:
        """Sets the attributes with their dtypes, ranks and minima, and wraps the kernel as the signature asks."""
        arguments = (*cls.inputs, *cls.outputs)
        if any(a.dtype is dtypes.resource for a in arguments):
            cls.stateful = cls.__dict__.get("stateful", True)
        if any(a.dtype is dtypes.resource and not a.is_list for a in cls.inputs):
            cls.eager = where_resources_are(cls.eager)  # type: ignore[method-assign]
        cls.annotations, cls.attributes, allowed = attributes_of(cls, Op)
        cls.holds_arrays = attribute_values.TensorValue in cls.annotations.values()
        cls.traits = traits_of(cls, allowed)
        names = {a.name for a in cls.inputs}
        cls.ranks = of_all_bases(cls, "ranks", names)
        cls.extents = of_all_bases(cls, "extents", names)
        if cls.traits.scalars:
            cls.ranks = cls.ranks | {name: (0,) for _, name in cls.traits.scalars}
            cls.eager = with_checked_scalars(cls.eager)  # type: ignore[method-assign]
        numbers = (a.number_attr or a.type_list_attr for a in cls.inputs)
        cls.minimum = of_all_bases(cls, "minimum", {*cls.attributes, *numbers})
        functions = (attribute_values.Function, list[attribute_values.Function])
        if any(kind in functions for kind in cls.annotations.values()):
            cls.flow = Flow(**{**vars(cls.flow), "runs_functions": True})

    @classmethod
    def _choose_rules(cls, signature: Signature) -> None:
        """Sets the shape rule, the gradient and the lowering that the engine calls."""
        stated = signature.shape_rule() if "signature" in cls.__dict__ else None
        rule_name = "output_shape" if "shape" in cls.attributes else "shape"
        if stated is not None and rule_name not in cls.__dict__:
            setattr(cls, rule_name, stated)
        rule = getattr(cls, "output_shape", None) or cls.shape
        cls.shape_rule = rule if callable(rule) else None
        cls.has_gradient = getattr(cls, "gradient", None) is not None
        # A class that overrides only one of the two may not be taken by the other.
        owners = [
            next((c for c in cls.__mro__ if n in vars(c)), None)
            for n in ("gradient", "input_gradient")
        ]
        cls.has_input_gradient = cls.has_gradient and owners[0] is owners[1]
        lowering = getattr(cls, "lower_op", None) or cls.lower
        if callable(lowering) and cls.values.in_float32:
            lowering = in_float32(lowering)
        cls.lowering = lowering if callable(lowering) else None
        cls.has_lowering = cls.lowering is not None

    @classmethod
    def checks_shapes(cls) -> bool:
        """True if something is known about the static shapes of inputs or outputs."""
        return bool(cls.shape_rule or cls.ranks or cls.extents)

    @classmethod
    def instance(cls, attrs: dict[str, Any]) -> "Op":
        """Returns the unique op with these attributes, which are complete and converted, in any order."""
        attrs = {name: attrs[name] for name in sorted(attrs)}
        if cls.holds_arrays:  # arrays cannot be keys of the cache
            return cls._make(attrs)
        try:
            key = tuple(map(attribute_values.attribute_key, attrs.values()))
            op = cls._instances.get(key)
        except TypeError:
            return cls._make(attrs)
        if op is None:
            op = cls._make(attrs)
            if len(cls._instances) >= MOST_INSTANCES:
                cls._instances.clear()  # some attributes are ever new: tokens, names
                cls.completed.clear()
            return cls._instances.setdefault(key, op)  # another thread may have made one
        return op

    @classmethod
    def _make(cls, attrs: dict[str, Any]) -> "Op":
        op = object.__new__(cls)
        op.__dict__.update(attrs, attrs=attrs, shapes_found={})
        cls.check_attributes(attrs)
        types = op.__dict__["output_dtypes"] = op._output_dtypes()
        # An op without a gradient is recorded always: differentiating it is an error.
        op.__dict__["passes_gradients"] = op.differentiable and (
            not op.has_gradient or any(t in DIFFERENTIABLE for t in flatten_arguments(types))
        )
        return op

    @classmethod
    def check_attributes(cls, attrs: dict[str, Any]) -> None:
        """Raises InvalidArgumentError for numbers or lists that are too small, and for a name of a container that is malformed."""
        for name, least in cls.minimum.items():
            attribute_values.check_minimum(cls.op_type, name, attrs[name], least)
        if attrs.get("container"):
            attribute_values.check_container(cls.op_type, attrs["container"])

    def _output_dtypes(self) -> tuple[Any, ...]:
        """The type of each output: a DType, or a tuple of them for a list."""
        return tuple([self._dtype_of(argument) for argument in self.outputs])

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
        file_arguments = self.permissions.file_arguments
        if not file_arguments:
            return None
        places = {argument.name: at for at, argument in enumerate(self.inputs)}
        paths: list[str] = []
        for name in file_arguments.split():
            names = values[places[name]] if name in places else self.attrs[name]
            if names is None:
                return None
            texts = np.asarray(names, object).ravel()
            named = filter(None, texts) if self.permissions.may_lack_files else texts
            paths += map(os.fsdecode, named)
        return paths

    def written_as(self) -> "tuple[Op, int] | None":
        """The op that replaces this one in saved files, and how many of the inputs it takes; None: this op is saved itself."""
        return None

    @classmethod
    def refused_on_accelerators(cls) -> OpError | None:
        """The error of a call while a program for an accelerator is traced, if there is no kernel for the op; else None.

        Libraries that try the op when an accelerator is listed catch the error and use their fallback.
        """
        return None

    @classmethod
    def invalid(cls, message: str) -> OpError:
        """Returns the error for arguments that the op cannot take, tagged with its name."""
        return InvalidArgumentError(f"{cls.op_type}: {message}")

    def eager(self, *values: Any) -> Any:
        """Computes the outputs from host values."""
        raise UnimplementedError(f"{self.op_type}: this operation is not implemented.")

    def compute(self, *values: Any) -> Any:
        """Computes the outputs from host values as programs do, and TensorFlow: denormal numbers are zeros."""
        return self.computed(self.eager, *values)

    def computed(self, kernel: Callable[..., Any], *values: Any) -> Any:
        """Computes the outputs by another kernel than `eager`."""
        return slots.CALL_FLUSHING(kernel, *values) if self.computes_floats else kernel(*values)

    @forks.cached_property
    def computes_floats(self) -> bool:
        """True if an input is of floats or complex numbers. What makes numbers of texts and bytes copies them."""
        types = flatten_arguments([self._dtype_of(argument) for argument in self.inputs])
        return dtypes.string not in types and not (FLOAT | COMPLEX).isdisjoint(types)


def entry_of(cls: type[Op], table: Mapping[str, Any]) -> Any:
    """Returns the entry of a table of class names for an op class, or the nearest class that it is derived from; else None."""
    return next((table[base.__name__] for base in cls.__mro__ if base.__name__ in table), None)


def at_least(rank: int) -> Sequence[int]:
    """Returns all ranks of at least `rank`, for `Op.ranks`."""
    return range(rank, LARGEST_RANK + 1)


def ruled(op: Op, inputs: Sequence[Any]) -> Any:
    """Checks the ranks and extents of the flat inputs, then applies the op's shape rule; None if it has none.

    Raises:
      ValueError, or another of `REFUSALS`: the inputs do not fit.
    """
    grouped = group_arguments(op.inputs, op, inputs) if op.traits.takes_lists else inputs
    if op.ranks or op.extents:
        named = list(_named(op, grouped))
        for name, shape in named:
            if name in op.ranks:
                check_rank(shape.rank, op.ranks[name])
        check_extents(op.extents, named)
    rule = type(op).shape_rule
    return None if rule is None else rule(op, *grouped)


def _named(op: Op, grouped: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Yields each input's name and shape; a list has an entry for each tensor."""
    for argument, value in zip(op.inputs, grouped, strict=True):
        for shape in value if argument.is_list else (value,):
            yield argument.name, shape


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
