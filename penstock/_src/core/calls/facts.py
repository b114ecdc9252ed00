"""Facts that op classes declare, one record per subject. The rest of the engine reads these records instead of listing ops by name.

A class declares only the facts that differ from its base classes; the others are inherited.

    class ReadVariableOp(Op):
        effects = Effects(reads_only=True)
"""

import inspect
from collections.abc import Collection
from typing import Any, ClassVar, dataclass_transform

from penstock._src.core.calls.attributes import REQUIRED, convert_attribute
from penstock._src.core.dtypes import DType


@dataclass_transform(kw_only_default=True, frozen_default=True)
class OpProperties:
    """Base of the records. The fields of a class are annotated, with their defaults; an instance holds those that are stated."""

    fields: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls) -> None:
        cls.fields = frozenset(cls.__annotations__)

    def __init__(self, **stated: Any) -> None:
        unknown = stated.keys() - self.fields
        if unknown:
            raise TypeError(f"{type(self).__name__} has no field {unknown.pop()!r}.")
        self.__dict__.update(stated)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__}: facts do not change.")

    def __repr__(self) -> str:
        stated = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({stated})"


class Effects(OpProperties):
    """Effects of a stateful op besides computing its outputs, and their order."""

    # Changes nothing: it reads the resources that it takes.
    reads_only: bool = False
    # Reads variables and gives them new values, as one step: no other thread's update comes in between.
    updates: bool = False
    # Reads state that only other ops write: a loop without such writes may read it once, see autodiff/loop_reads.py.
    leaves_loops: bool = False
    # Runs even if its control inputs are in a branch of a TensorFlow 1 condition that is not taken.
    runs_always: bool = False
    # If nothing reads its outputs, its execution cannot be observed (random numbers, new tables): it may be pruned.
    effect_free: bool = False
    # Stateful by definition, but a call changes no state: it checks values, or creates a new resource.
    leaves_nothing: bool = False
    # Has an effect of its own, besides those of the functions that it holds.
    has_own_effect: bool = False
    # Takes elements of a dataset: its OutOfRangeError means that the dataset is exhausted.
    may_end: bool = False
    # Holds a lock on the resource of its input until an operation consumes the output: other users of it must wait for that one.
    holds_until_consumed: bool = False
    # May block until another thread or run acts, such as filling a queue or sending gradients.
    may_wait: bool = False
    # The operations of a group of devices compute it together: see graph/passes/collectives.py.
    is_collective: bool = False
    # Draws from the state of a `tf.random.Generator`, its first input, or skips numbers of it.
    draws_from_generator: bool = False


class Values(OpProperties):
    """Properties of an op's results that are known without computing them."""

    # Every element of a result is an element of an input, or a constant. This includes every movement, which may need no kernel.
    rounds_nothing: bool = False
    # Results are finite wherever inputs are; every movement is such an op.
    keeps_finite: bool = False
    # `eager` gives the same bits as compiled kernels, and no arguments of these types are refused.
    eager_is_exact: bool = False
    # tf.get_static_value looks through it.
    has_static_value: bool = False
    # float16 and bfloat16 are computed in float32 and rounded once, by `eager`, and so by the lowering.
    in_float32: bool = False


class Elements(OpProperties):
    """Dependence of the elements, and of the rows along the first axis, of results on those of inputs."""

    # Maps elements to elements: inputs broadcast, and no element of a result depends on its index.
    is_elementwise: bool = False
    # No more than that, but not elementwise: reads a variable, or changes each element of one by that at its index.
    keeps_places: bool = False
    # Computes each row of its first input by itself, with inputs that all rows share.
    is_row_wise: bool = False
    # Its outputs equal its inputs: it is removed from a program once differentiation and checks are done.
    passes_on: bool = False
    # Only moves values: a compiled kernel is no faster than `eager`.
    is_movement: bool = False
    # Results have a data-dependent number of rows: compiler/lower/dynamic_rows_sources.py lowers it.
    has_dynamic_rows: bool = False
    # Rows count as vectorized if they are computed one after the other, where `vectorize` and rules do not apply.
    vectorizes_one_by_one: bool = False


# `HostKernel.compiles_from`: the default, and lower ones where compiling pays off sooner: of ops whose `eager` is slow, and of those
# where it takes tens of nanoseconds, or a microsecond, for an element; the latter also where it makes dozens of NumPy's calls; and of
# those that compute one element after the other in Python.
LARGE, SLOW, SLOWEST, HEAVY, ONE_BY_ONE = 1 << 16, 1 << 13, 1 << 11, 1 << 8, 1 << 5


class HostKernel(OpProperties):
    """Properties of `eager` that decide between it and a compiled kernel of the op."""

    # Takes the name of the operation in its graph as one more argument, for messages.
    takes_name: bool = False
    # Usually returns a view of its input or is trivial: never compiled for an eager call.
    is_view: bool = False
    # As fast for a single picture: not worth a program where sizes are ever new ones, see graph/passes/own_sizes.py.
    suits_new_sizes: bool = False
    # Elements of the first or last input from which eager calls run a compiled kernel, if the op lowers.
    compiles_from: int = LARGE
    # The same for calls with integers, complex or 16-bit floats, which NumPy computes that much slower; 0 if it does not.
    compiles_rare_from: int = 0
    # Extents that those kernels leave open: "all", but a narrow last one; "wide", the same, but none of an array with a short axis besides the first;
    # "first", that of the largest input, unless sizes are given; "rows", that of the first input; "none", where it would make them slower;
    # "own", the same where NumPy is faster than a program for many sizes, and computes later ones. Those of elementwise ops leave all open.
    opens: str = "first"
    # Inputs, separated by spaces, that are never open: their shapes, or their values if they are vectors of a few integers. Those of a model are few,
    # and kernels need to know them: filters, permutations.
    alike: str = ""
    # Integer scalars are constants of those kernels: to divide by a constant is far faster.
    bakes_numbers: bool = False
    # `eager_each` gives a `Deferred`, and takes one as first input: worth a group only if an op follows that takes it.
    defers_each: bool = False
    # `eager_each` takes a first input that is a `Deferred` only, and gives a stack.
    takes_deferred: bool = False
    # Of a list that the host holds: "changes" gives the changed list alone; "reads" gives an element or a number (graph/passes/host_lists.py).
    use_of_list: str = ""
    # Never computes by itself: the op is a whole program, and eager calls of any size are compiled.
    is_program: bool = False


class Flow(OpProperties):
    """The part of an op in calls, branches, loops and iterations."""

    # The kind of control flow: "call", "if", "case" or "while"; "" for other ops.
    control: str = ""
    # Of a node of TensorFlow 1's loops and conditions: "switch", "merge", "enter", "exit" or "next".
    redirects: str = ""
    # "iterator" creates one; "begin" binds one, its second input, to a dataset, its first; "elements" computes elements of a
    # dataset or iterator among its inputs.
    iteration: str = ""
    # The kernel runs user functions, whose errors are passed on unchanged. By default: an attribute is a function.
    runs_functions: bool = False


class Slices(OpProperties):
    """Treatment of gradients that are IndexedSlices."""

    # `gradient` accepts them; else they are converted to dense tensors.
    accepted: bool = False
    # An eager tape passes them on to the first of two inputs if the second is a scalar that it does not watch.
    kept_past_scalar: bool = False


class Permissions(OpProperties):
    """Side effects for which a graph loaded from a file needs its caller's consent."""

    # Names of util/flags.py's CAPABILITIES, separated by spaces.
    capabilities: str = ""
    # The inputs and attributes that name the files, separated by spaces; "" if none does.
    file_arguments: str = ""
    # The names are patterns, which may match several files.
    are_patterns: bool = False
    # An empty name means that there is no file. Of other ops it is a path: that of the current folder, or of what is beside it.
    may_lack_files: bool = False
    # The kernel makes a graph of a value and runs it: its operations may do what this one may (`Op.consent`).
    makes_graphs: bool = False


class Definition(OpProperties):
    """Deviations of TensorFlow's op definition, or of tf.raw_ops, from the signature and annotations."""

    # Inherited attributes that the op lacks.
    dropped: frozenset[str] = frozenset()
    # {input: its name in the definition}.
    input_names: dict[str, str] = {}
    # {name of an attribute in tf.raw_ops: its name}.
    raw_names: dict[str, str] = {}
    # {attribute: its default in tf.raw_ops}.
    raw_defaults: dict[str, Any] = {}


class Traits(OpProperties):
    """Facts derived from an op's signature."""

    # An input is a list of tensors.
    takes_lists: bool = False
    # An input or output is a list of tensors.
    has_lists: bool = False
    # An input or output is a reference to a v1 variable; such ops run in graphs only.
    has_refs: bool = False
    # The inputs that are scalars: their positions and names.
    scalars: tuple[tuple[int, str], ...] = ()
    # {dtype attribute: the dtypes that it may be}.
    type_sets: dict[str, frozenset[Any]] = {}


class Kept(OpProperties):
    """The tensors of a call that a tape keeps for the gradient."""

    # Of every input, then every output: True if the gradient reads it.
    reads: tuple[bool, ...] = ()
    # The gradient reads all inputs and no output; true of most ops.
    inputs_only: bool = False


# The records that classes declare, by the attribute of Op.
STATED: dict[str, type[OpProperties]] = {
    "effects": Effects,
    "values": Values,
    "elements": Elements,
    "host_kernel": HostKernel,
    "flow": Flow,
    "slices": Slices,
    "permissions": Permissions,
    "definition": Definition,
}


_RECORD_OF = {field: name for name, record in STATED.items() for field in record.fields}


def gather(cls: Any) -> None:
    """Merges into each record of a class the facts of its bases, if the class or several bases declare any.

    Raises:
      TypeError: the class declares a fact outside its record, where nothing would read it.
    """
    for field in cls.__dict__.keys() & _RECORD_OF.keys():
        raise TypeError(f"{cls.__name__}: the fact {field!r} belongs to `{_RECORD_OF[field]}`.")
    own = {name: cls.__dict__[name] for name in STATED if name in cls.__dict__}
    cls.own_properties = own
    for name in own if len(cls.__bases__) == 1 else STATED:
        stated: dict[str, Any] = {}
        for base in reversed(cls.__mro__):
            one = base.__dict__.get("own_properties", {}).get(name)
            if one is not None:
                stated.update(one.__dict__)
        setattr(cls, name, STATED[name](**stated))


def of_all_bases(cls: Any, table: str, names: Collection[str | None]) -> dict[str, Any]:
    """Merges a table that a class and its bases declare, the nearest class last; keeps the entries of `names`."""
    tables = [base.__dict__.get(table, {}) for base in reversed(cls.__mro__)]
    merged = {name: value for entries in tables for name, value in entries.items()}
    return {name: value for name, value in merged.items() if name in names}


def attributes_of(
    cls: Any, root: type
) -> tuple[dict[str, Any], dict[str, Any], dict[str, frozenset[DType]]]:
    """Returns {attribute: annotation}, {attribute: default or REQUIRED} and {attribute: allowed dtypes}.

    Args:
      cls: a class of ops.
      root: the class of all ops, whose own annotations are not attributes.
    """
    annotations: dict[str, Any] = {}
    allowed: dict[str, frozenset[DType]] = {}
    # Own attributes come before inherited ones, as in TensorFlow's definitions.
    for base in cls.__mro__:
        if base is root or not issubclass(base, root):
            continue
        for name, annotation in inspect.get_annotations(base, eval_str=True).items():
            if name in cls.definition.dropped or name in annotations:
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
        if isinstance(default, frozenset) or default is vars(root).get(name, REQUIRED):
            default = REQUIRED
        if default is not REQUIRED and default is not None:
            default = convert_attribute(cls.__name__, name, annotation, default)
        defaults[name] = default
    return annotations, defaults, allowed


def traits_of(cls: Any, allowed: dict[str, frozenset[DType]]) -> Traits:
    """Derives the traits from the signature and from annotations of allowed dtypes."""
    arguments = (*cls.inputs, *cls.outputs)
    type_sets = {}
    for argument in arguments:
        attr = argument.type_attr or argument.type_list_attr
        if attr and isinstance(cls.__dict__.get(attr, getattr(cls, attr, None)), frozenset):
            type_sets[attr] = getattr(cls, attr)
    gives_lists = any(a.is_list for a in cls.outputs)
    takes_lists = any(a.is_list for a in cls.inputs)
    return Traits(
        takes_lists=takes_lists,
        has_lists=takes_lists or gives_lists,
        has_refs=any(a.is_ref for a in arguments),
        scalars=tuple((n, a.name) for n, a in enumerate(cls.inputs) if a.shape == ""),
        type_sets=type_sets | allowed,
    )


def kept_by_gradient(cls: Any) -> Kept:
    """The tensors that the gradient reads: its parameters whose names do not begin with "_"."""
    count = len(cls.inputs) + len(cls.outputs)
    reads = (False,) * count
    if cls.gradient is not None:
        # A signature would take longer than all else here.
        code = inspect.unwrap(cls.gradient).__code__
        if code.co_flags & inspect.CO_VARARGS:
            reads = (True,) * count
        else:
            names = code.co_varnames[1 : code.co_argcount]
            reads = tuple(not name.startswith("_") for name in names[:count])
    inputs, outputs = reads[: len(cls.inputs)], reads[len(cls.inputs) :]
    return Kept(reads=reads, inputs_only=all(inputs) and not any(outputs))
