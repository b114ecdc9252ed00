"""tf.function: a Python function that is traced into a graph for each signature of arguments, compiled and run."""

import functools
import inspect
import threading
import types
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from penstock._src.api.extending.types import PolymorphicFunction
from penstock._src.core.calls import lines
from penstock._src.core.calls.tracebacks import note_failure, shorten, shortening
from penstock._src.core.composite import CompositeTensor
from penstock._src.core.convert import convert_to_tensor
from penstock._src.core.dispatch import STATE
from penstock._src.core.specs import TensorSpec, TypeSpec
from penstock._src.core.tensor import Tensor
from penstock._src.core.tracking.trackable import Trackable
from penstock._src.eager.tensor import EagerTensor
from penstock._src.eager.variable import Variable
from penstock._src.eager.variable_spec import VariableSpec, stand_in
from penstock._src.function import retracing, side_effects
from penstock._src.function.autograph.line_tracer import recorded_lines
from penstock._src.function.concrete import ConcreteFunction
from penstock._src.function.explaining import compile_now, explain_call, stage_printer
from penstock._src.function.trace_cache import MOST_SHAPES, ByInstance, TraceCache
from penstock._src.function.trace_type import (
    Leaves,
    add_quick_key,
    declared,
    describe,
    generalize,
    parameters_of,
)
from penstock._src.function.tracing import Trace, trace_function
from penstock._src.function.types.attributes import PUBLIC, attribute_values, checked_names
from penstock._src.function.types.function_spec import FunctionSpec
from penstock._src.function.types.function_type import FunctionType
from penstock._src.function.types.input_signature import (
    are_declared,
    cast_to,
    check_default,
    checked_signature,
    declared_types,
    flat_specs,
    plain_arity,
)
from penstock._src.function.types.trace_types import from_value
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.util.lazy import ByName
from penstock._src.util.process import forks
from penstock._src.util.process.references import mark_shared
from penstock._src.util.signatures import read_only
from penstock._src.util.slots import above, above_if_loaded

# Imported by name: functions of files are traced by none.
_USES_BUILTINS = ByName("penstock._src.function.autograph.public", "uses_builtins")


class _Settings:
    run_eagerly = False


@export("config.run_functions_eagerly", "config.experimental_run_functions_eagerly")
def run_functions_eagerly(run_eagerly: bool) -> None:
    """Sets whether functions run operation by operation, in Python, for debugging.

    The functions of datasets are not meant: `tf.data.experimental.enable_debug_mode` is for them.

    Args:
      run_eagerly: a bool.

    >>> tf.config.run_functions_eagerly(True)
    >>> tf.config.functions_run_eagerly()
    True
    >>> tf.config.run_functions_eagerly(False)
    """
    _Settings.run_eagerly = bool(run_eagerly)


@export("config.functions_run_eagerly", "config.experimental_functions_run_eagerly")
def functions_run_eagerly() -> bool:
    """Returns whether tf.functions run as plain Python.

    Returns:
      A bool.
    """
    return _Settings.run_eagerly


@export("__internal__.function.Function", v1=[])
class Function(Trackable):
    """The object that `tf.function` returns.

    Args:
      python_function: the function.
      name: of the function's graphs.
      input_signature, autograph, jit_compile, reduce_retracing, experimental_implements,
        experimental_autograph_options, experimental_attributes: as `tf.function`'s.
    """

    _is_saved_function = True

    def __init__(
        self,
        python_function: Callable[..., Any],
        name: str,
        input_signature: Any = None,
        autograph: bool = True,
        jit_compile: bool | None = None,
        reduce_retracing: bool = False,
        experimental_implements: str | None = None,
        experimental_autograph_options: Any = None,
        experimental_attributes: Any = None,
    ) -> None:
        self._python_function = python_function
        self._name = name
        self._autograph = autograph
        self._jit_compile = jit_compile
        self._reduce_retracing = reduce_retracing
        self._implements = experimental_implements
        self._autograph_options = experimental_autograph_options
        self._attributes = dict(experimental_attributes or {})
        self._signature = parameters_of(python_function)
        self._variadic_keywords = _name_of_kind(self._signature, inspect.Parameter.VAR_KEYWORD)
        self._input_signature = checked_signature(input_signature, self._signature)
        self._cache = TraceCache(reduce_retracing)
        self._fast: dict[tuple[Any, ...], ConcreteFunction] = {}
        self._plain_arity = plain_arity(self._signature) if input_signature is None else -1
        # With an input signature of tensors alone: their types, and the traces by replica, which take whatever shapes fit.
        self._declared = declared_types(self._input_signature, self._signature)
        self._of_declared: dict[Any, ConcreteFunction] = {}
        self._bound = ByInstance()
        self._traced = False
        self._side_effects_checked = False  # whether `side_effects.warn` has run
        self._lock = forks.freed_in_child(threading.RLock())
        # The object to which the traces belong: of a method, the one that does not keep the instance alive.
        self._traces_of: Callable[[], Any] = weakref.ref(self)
        self._look_like(python_function)

    def _look_like(self, python_function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, python_function, updated=())
        for name, value in getattr(python_function, "__dict__", {}).items():
            self.__dict__.setdefault(name, value)

    # -- calling

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Calls the function: traces it if no trace fits these arguments, then runs the trace."""
        try:
            if kwargs or len(args) != self._plain_arity or _Settings.run_eagerly:
                return self._call_described(args, kwargs)
            # The key is made in this frame: another call would add to the time of small functions.
            key: list[Any] = []
            tensors = []
            for arg in args:
                kind = type(arg)
                if kind is EagerTensor:
                    key.append(arg._dtype)
                    key.append(getattr(arg._value, "shape", None))
                    tensors.append(arg)
                elif not add_quick_key(arg, key, tensors):
                    return self._call_described(args, kwargs)
            key.append(STATE.trace_context)
            quick = tuple(key)
            concrete = self._fast.get(quick)
            if concrete is None:
                concrete, tensors = self._find_for(quick, args)
            return concrete.call_flat(tensors)
        except Exception as error:
            note_failure(error, self, args, kwargs)
            shorten(error)
            raise

    def _call_described(self, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Calls the function with arguments that have no quick key."""
        if _Settings.run_eagerly:
            return self._python_function(*args, **kwargs)
        is_declared = not kwargs and STATE.graph is None and are_declared(args, self._declared)
        if is_declared and (concrete := self._of_declared.get(STATE.trace_context)):
            return concrete.call_flat(args)
        concrete, tensors = self._find(args, kwargs)
        if is_declared and self._side_effects_checked:
            self._of_declared[STATE.trace_context] = concrete
        return concrete.call_flat(tensors)

    def _find_for(
        self, quick: tuple[Any, ...], args: Sequence[Any]
    ) -> tuple[ConcreteFunction, list[Any]]:
        """Returns what `_find` does, and stores the trace for later calls with this quick key."""
        concrete, tensors = self._find(args, {})
        if STATE.graph is None and self._side_effects_checked:
            if len(self._fast) >= MOST_SHAPES:
                self._fast.clear()
            mark_shared(quick)
            self._fast[quick] = concrete
        return concrete, tensors

    def _find(
        self, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> tuple[ConcreteFunction, list[Any]]:
        """Returns the trace for these arguments, made if necessary, and the tensors to call it with."""
        parameters = self._bind(args, kwargs)
        leaves = Leaves()
        structure = tuple((name, describe(value, leaves)) for name, value in parameters)
        own = structure
        if self._input_signature is not None:
            signature = self._input_signature
            structure = tuple((name, declared(part, signature.get(name))) for name, part in own)
            leaves[:] = map(_unnamed, leaves)  # the signature's names are the arguments'
        concrete = self._cache.lookup(structure, leaves)
        if concrete is not None:
            if not self._side_effects_checked:
                self._side_effects_checked = True
                prints_values = _USES_BUILTINS(self._autograph_options)
                side_effects.warn(self._python_function, prints_values)
            return concrete, leaves
        with self._lock:
            concrete = self._cache.lookup(structure, leaves)
            if concrete is not None:  # another thread traced it meanwhile
                return concrete, leaves
            specs = leaves.specs()
            if self._input_signature is not None:
                specs = self._signature_specs(specs)
            reason = self._cache.reason(structure, specs)
            retracing.log(self, reason)
            general, specs = self._cache.generalized(structure, specs)
            if general != own:
                parameters = [
                    (name, generalize(value, described))
                    for (name, value), (_, described) in zip(parameters, general, strict=True)
                ]
            concrete = self._trace(parameters, specs, leaves, reason)
            self._cache.add(general, specs, leaves, concrete)
        return concrete, leaves

    def _bind(self, args: Sequence[Any], kwargs: dict[str, Any]) -> list[tuple[str, Any]]:
        """Returns (name, argument) of every parameter, defaults included."""
        if self._signature is None:
            named = [(f"args_{i}", value) for i, value in enumerate(args)]
            return named + sorted(kwargs.items())
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(
                f"Binding inputs to tf.function failed due to `{error}`. Received args: {tuple(args)} and "
                f"kwargs: {kwargs} for signature: {self.function_type}."
            ) from None
        bound.apply_defaults()
        if self._variadic_keywords is not None:
            # Sorted as in TensorFlow: a trace serves calls that name the same arguments in any order.
            named = bound.arguments[self._variadic_keywords]
            bound.arguments[self._variadic_keywords] = dict(sorted(named.items()))
        parameters = list(bound.arguments.items())
        if self._input_signature is not None:
            parameters = self._cast(parameters, args, kwargs)
        return parameters

    def _cast(
        self, parameters: list[tuple[str, Any]], args: Sequence[Any], kwargs: dict[str, Any]
    ) -> list[tuple[str, Any]]:
        """Returns the arguments converted to the input signature."""
        cast, signature = [], self._input_signature or {}
        for name, value in parameters:
            spec = signature.get(name)
            try:
                if spec is None and signature:
                    self._check_default(name, value)
                cast.append((name, value if spec is None else cast_to(value, spec)))
            except (TypeError, ValueError) as error:
                raise self._refusal(error, args, kwargs) from None
        return cast

    def _refusal(self, error: Exception, args: Any, kwargs: Any) -> Exception:
        """The error for arguments that do not fit the input signature."""
        return TypeError(
            f"Binding inputs to tf.function failed due to `{error}`. Received args: {tuple(args)} "
            f"and kwargs: {kwargs} for signature: {self.function_type}."
        )

    def _check_default(self, name: str, value: Any) -> None:
        parameter = self._signature.parameters[name]  # type: ignore[union-attr]
        if parameter.default is not parameter.empty:
            check_default(value, parameter.default)

    def _trace(
        self, parameters: list[tuple[str, Any]], specs: list[TensorSpec], values: Leaves, why: str
    ) -> ConcreteFunction:
        retracing.count(self._traces_of(), why)
        trace = Trace(
            self._target(), self._name, parameters, specs, self._signature, self._autograph, values,
            self._attributes.get("api_implements"), _USES_BUILTINS(self._autograph_options),
            bool(self._jit_compile),
        )  # fmt: skip
        concrete = self._trace_with(trace)
        concrete._attributes = dict(self._attributes)
        concrete.graph.runs_whole = bool(self._jit_compile)
        concrete._function.implements = self._attributes.get("api_implements")
        compiled = {} if self._jit_compile is None else {"_XlaMustCompile": bool(self._jit_compile)}
        if self._jit_compile:
            compiled["_noinline"] = True
        concrete._function.attributes = attribute_values({**self._attributes, **compiled})
        concrete._binder = self._traces_of()._tensors_of
        return concrete

    def _trace_with(self, trace: Trace) -> ConcreteFunction:
        """Returns the trace; if the function creates variables, on the first call, that of a second call, which uses them.

        A function that has breakpoints is traced once more, for the debugger, while its lines are recorded.
        """
        if lines.CURRENT.records_all and not lines.is_recording():
            with recorded_lines():
                return self._trace_with(trace)
        concrete, created = trace_function(trace, allow_variables=not self._traced)
        self._traced = True
        if created:
            self._cache.count_initial()
            concrete = trace_function(trace, allow_variables=False)[0]
        if not lines.is_recording() and lines.has_breakpoints(concrete.graph):
            with recorded_lines():
                concrete = trace_function(trace, allow_variables=False)[0]
        return concrete

    def _signature_specs(self, specs: list[TensorSpec]) -> list[TensorSpec]:
        signature = self._input_signature or {}
        declared = [s for spec in signature.values() for s in flat_specs(spec)]
        return [*declared, *specs[len(declared) :]] if len(declared) <= len(specs) else specs

    def _target(self) -> Callable[..., Any]:
        return self._python_function

    def _tensors_of(self, concrete: ConcreteFunction, args: Any, kwargs: Any) -> list[Any]:
        """Returns the tensors for a call of one trace, from structured arguments or from tensors by name.

        Raises:
          TypeError: they are others than those of the trace.
        """
        if self._signature is None or (
            kwargs and set(kwargs) & set(concrete.argument_names) - set(self._signature.parameters)
        ):
            return concrete._flat_arguments(args, kwargs)
        parameters = self._bind(args, kwargs)
        leaves = Leaves()
        for name, value in parameters:
            expected = dict(concrete.parameters).get(name)
            before = len(leaves)
            if (
                isinstance(expected, TypeSpec)
                and not isinstance(value, TypeSpec | Tensor)
                and isinstance(expected, TensorSpec)
            ):
                value = convert_to_tensor(value, expected.dtype)
            description = describe(value, leaves)
            fixed = Leaves()
            if describe(expected, fixed) != description and len(leaves) == before and not fixed:
                if name in kwargs or not isinstance(value, TypeSpec):
                    raise TypeError(f"Can not cast {value!r} to {from_value(expected)!r}")
        tensors = [leaf for leaf in leaves if not isinstance(leaf, TensorSpec)]
        if len(tensors) == concrete.arity:
            return concrete.checked(tensors)
        if leaves.variables:  # a match means the same variable as in the trace
            return concrete.of_its_type(args, kwargs)
        return concrete._flat_arguments(args, kwargs)

    # -- traces

    @shortening
    def get_concrete_function(self, *args: Any, **kwargs: Any) -> ConcreteFunction:
        """Returns the trace for arguments of these types; TensorSpecs may replace tensors."""
        if self._input_signature is not None and not args and not kwargs:
            kwargs = dict(self._input_signature)
            variadic = self._variadic()
            if variadic is not None and variadic in kwargs:
                rest = kwargs.pop(variadic)
                args, kwargs = (*kwargs.values(), *rest), {}
        if any(isinstance(leaf, VariableSpec) for leaf in nest.flatten((args, kwargs))):
            args, kwargs = _with_variables(args, kwargs)
        concrete, _ = self._find(args, kwargs)
        concrete.name_arguments(self._variadic())
        return concrete

    _get_concrete_function_garbage_collected = get_concrete_function

    def _variadic(self) -> str | None:
        return _name_of_kind(self._signature, inspect.Parameter.VAR_POSITIONAL)

    def _trackable_children(self, save_type: str = "checkpoint", **kwargs: Any) -> dict[str, Any]:
        """Returns the traces, for SavedModels only."""
        if save_type == "checkpoint":
            return {}
        traces = self._list_all_concrete_functions_for_serialization()
        return {f"trace_{number}": trace for number, trace in enumerate(traces)}

    def _list_all_concrete_functions(self) -> list[ConcreteFunction]:
        """Returns all traces. A function with an input signature has one, made here if need be."""
        if self.input_signature is not None and not self._cache.concrete_functions():
            self.get_concrete_function()
        return self._cache.concrete_functions()

    def _list_all_concrete_functions_for_serialization(self) -> list[ConcreteFunction]:
        self._list_all_concrete_functions()
        traces = self._cache.traces_in_contexts()
        return list(dict.fromkeys(self._to_save(trace, context) for context, trace in traces))

    def _get_concrete_function_for_serialization(self) -> ConcreteFunction:
        """Returns the trace of the input signature to save."""
        return self._to_save(self.get_concrete_function(), STATE.trace_context)

    def _to_save(self, trace: ConcreteFunction, context: Any) -> ConcreteFunction:
        """Returns a trace, made in a `STATE.trace_context`, as it would be without a strategy: SavedModels hold one copy of variables."""
        uses_copies = above_if_loaded("uses_copies")
        if uses_copies is None or not uses_copies(trace, context):
            return trace
        args, kwargs = trace.structured_input_signature
        with above("first_copies")():
            return self.get_concrete_function(*args, **kwargs)

    def experimental_get_tracing_count(self) -> int:
        """Returns the number of traces so far."""
        return self._cache.count

    def pretty_printed_concrete_signatures(self, verbose: bool = True) -> str:
        """Returns the signatures of all traces as text."""
        joint = "\n\n" if verbose else "\n"
        return joint.join(
            c.pretty_printed_signature(verbose) for c in self._cache.concrete_functions()
        )

    def explain(self, *args: Any, **kwargs: Any) -> Any:
        """Returns the report of what a call with these arguments compiles to, from source line to kernel.

        >>> report = tf.function(lambda x: tf.exp(x) + 1.0).explain(tf.ones([1000]), time=True)
        >>> "GB/s" in report, len(report.kernels)
        (True, 1)

        Args:
          *args: the arguments of a call.
          **kwargs: the call's arguments by name; and `time`, unless the function has a parameter of that name: whether
            kernels and host operations are measured, in a few calls. Variables keep their values.

        Returns:
          A string with the report; `kernels` are its kernels as records.
        """
        takes_time = self._signature is not None and "time" in self._signature.parameters
        is_timed = not takes_time and kwargs.pop("time", False)
        return explain_call(*self._find(args, kwargs), is_timed)

    def experimental_get_compiler_ir(self, *args: Any, **kwargs: Any) -> Callable[..., str]:
        """Returns a function of a stage that gives the compiled form's text.

        >>> stages = tf.function(lambda x: tf.sqrt(x)).experimental_get_compiler_ir(tf.ones([4]))
        >>> "sqrt" in stages(stage="hlo"), "llvm.sqrt" in stages(stage="llvm")
        (True, True)
        """
        return stage_printer(compile_now(*self._find(args, kwargs)))

    def _decorate(self, decorator: Callable[..., Any]) -> None:
        """Wraps the Python function in `decorator`, for classes that wrap their methods later.

        Raises:
          ValueError: the function has been traced.
        """
        if self._traced:
            raise ValueError("Functions cannot be decorated after they have been traced.")
        self._python_function = decorator(self._python_function)

    # -- properties

    python_function: Callable[..., Any] = read_only("_python_function", "The Python function.")
    name: str = read_only("_name", "Its name.")

    @property
    def input_signature(self) -> Any:
        """The requested input signature, or None; that of a function without parameters is empty."""
        if self._input_signature is None and self._signature is not None:
            return None if self._signature.parameters else ()
        return self._requested_signature()

    def _requested_signature(self) -> Any:
        """Returns the specs of the input signature, None without one."""
        if self._input_signature is None:
            return None
        variadic = self._variadic()
        specs: list[Any] = []
        for name, spec in self._input_signature.items():
            specs.extend(spec if name == variadic else (spec,))
        return tuple(specs)

    @property
    def function_spec(self) -> FunctionSpec:
        """Signature of the Python function, as known before it is called."""
        return FunctionSpec.from_function_and_signature(
            self._python_function, self._requested_signature(), jit_compile=self._jit_compile
        )

    @property
    def function_type(self) -> FunctionType:
        """The parameters of the Python function, with the types that the input signature gives them."""
        return self.function_spec.function_type

    @property
    def _concrete_variable_creation_fn(self) -> ConcreteFunction:
        """The first trace, whose graph the TensorBoard callback of legacy Keras writes."""
        for trace in self._cache.concrete_functions():
            return trace
        raise AttributeError("The function has not been traced.")

    @property
    def _run_functions_eagerly(self) -> bool:
        return _Settings.run_eagerly

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        # One for all threads: its first trace makes the variables.
        bound = self._bound.get(instance)
        if bound is None:
            if _is_argument(instance):
                return types.MethodType(self, instance)  # objects of one type share traces
            bound = BoundFunction(self, instance, self._requested_signature())
            bound = self._bound.setdefault(instance, bound)
        return bound._held_by(instance)

    def _clone(self, python_function: Callable[..., Any]) -> "Function":
        return Function(
            python_function, self._name, self._requested_signature(), self._autograph, self._jit_compile,
            self._reduce_retracing, self._implements, self._autograph_options, self._attributes,
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<tensorflow.python.eager.polymorphic_function.polymorphic_function.Function object at {id(self):#x}>"


def _is_argument(instance: Any) -> bool:
    """True if a method takes its object as an argument that has tensors, False if each object has a function of its own."""
    if isinstance(instance, CompositeTensor):
        return instance._type_spec is not None
    return isinstance(instance, Variable)


def _name_of_kind(signature: inspect.Signature | None, kind: Any) -> str | None:
    """The name of the first parameter of a kind, such as that of `**kwargs`; None if there is none."""
    parameters = () if signature is None else signature.parameters.values()
    return next((p.name for p in parameters if p.kind is kind), None)


def _unnamed(leaf: Any) -> Any:
    return TensorSpec(leaf.shape, leaf.dtype) if isinstance(leaf, TensorSpec) else leaf


def _with_variables(args: Any, kwargs: Any) -> Any:
    """Returns arguments with a variable for each VariableSpec, the same one for the same `alias_id`."""
    by_alias: dict[int, Any] = {}

    def of(leaf: Any) -> Any:
        if not isinstance(leaf, VariableSpec):
            return leaf
        if leaf.alias_id is None:
            return stand_in(leaf)
        if leaf.alias_id not in by_alias:
            by_alias[leaf.alias_id] = stand_in(leaf)
        return by_alias[leaf.alias_id]

    return nest.map_structure(of, (args, kwargs))


PolymorphicFunction.register(Function)


class BoundFunction(Function):
    """A tf.function bound to an instance as a method.

    The traces of an instance belong to one object, which refers to the instance weakly, so that both end with it. A
    caller gets another object with the same attributes, which keeps the instance alive: `Model().call(x)` calls a
    method of an object to which nothing else refers.
    """

    __slots__ = ("_kept",)
    _kept: tuple["BoundFunction", Any]

    def __init__(self, unbound: Function, instance: Any, signature: Any) -> None:
        self._unbound_function = unbound._python_function
        self._caller_object: Callable[[], BoundFunction | None] = lambda: None
        try:
            self._instance: Callable[[], Any] = weakref.ref(instance)
        except TypeError:
            self._instance = lambda: instance
        super().__init__(
            types.MethodType(unbound._python_function, instance), unbound._name, None, unbound._autograph,
            unbound._jit_compile, unbound._reduce_retracing, unbound._implements,
            unbound._autograph_options, unbound._attributes,
        )  # fmt: skip
        if signature is not None:
            self._input_signature = checked_signature(signature, self._signature)
            self._declared = declared_types(self._input_signature, self._signature)
            self._plain_arity = -1

    def _held_by(self, instance: Any) -> "BoundFunction":
        """Returns the function with the same traces that keeps its instance alive; the same one as long as a caller has it."""
        held = self._caller_object()
        if held is None:
            held = object.__new__(BoundFunction)
            held.__dict__ = self.__dict__
            held._kept = self, instance
            self._caller_object = weakref.ref(held)
        return held

    def _look_like(self, python_function: Callable[..., Any]) -> None:
        for name in functools.WRAPPER_ASSIGNMENTS:
            if hasattr(python_function, name):
                setattr(self, name, getattr(python_function, name))

    @property
    def _python_function(self) -> Callable[..., Any]:  # type: ignore[override]
        instance = self._instance()
        if instance is None:
            raise ReferenceError(
                f"{self._unbound_function.__qualname__} is traced for an object that no longer exists."
            )
        return types.MethodType(self._unbound_function, instance)

    @_python_function.setter
    def _python_function(self, value: Callable[..., Any]) -> None:
        """Ignored: the instance is held weakly."""

    @property
    def __wrapped__(self) -> Callable[..., Any]:  # type: ignore[override]
        return self._python_function


@export("function")
def function(
    func: Callable[..., Any] | None = None,
    input_signature: Any = None,
    autograph: bool = True,
    jit_compile: bool | None = None,
    reduce_retracing: bool = False,
    experimental_implements: str | None = None,
    experimental_autograph_options: Any = None,
    experimental_attributes: Any = None,
    experimental_relax_shapes: bool | None = None,
    experimental_compile: bool | None = None,
    experimental_follow_type_hints: bool | None = None,
) -> Any:
    """Compiles a Python function of tensors: it is traced into a graph for each kind of arguments.

    Python code runs while it is traced; operations run at each call. Tensors of other shapes or
    dtypes, and other Python values, cause a new trace. `f.explain(*args)` reports what a call
    compiles to.

    Args:
      func: the function; without it, a decorator is returned.
      input_signature: specs of the arguments; the function then has a single trace.
      autograph: whether Python's `if`, `for` and `while` may depend on tensors.
      jit_compile: functions are always compiled; with True, floats that do not fit an integer dtype
        are cast as XLA does, to the nearest integer of the dtype, and NaN to 0.
      reduce_retracing: whether a second set of shapes is traced with unknown extents, for all
        others.
      experimental_implements: the name of a known function that this one is, kept in the graph.
      experimental_autograph_options: a `tf.autograph.experimental.Feature` or several. With `BUILTIN_FUNCTIONS`,
        `print` shows the values of tensors when the function runs; the others are hints without effect.
      experimental_attributes: attributes that are kept in the graph.
      experimental_relax_shapes: an older name of `reduce_retracing`.
      experimental_compile: an older name of `jit_compile`.
      experimental_follow_type_hints: a hint without effect.

    Returns:
      A callable with the arguments of `func`.

    Raises:
      TypeError: `func` is not callable.
      ValueError: `experimental_attributes` has an unknown name.

    >>> @tf.function
    ... def double(x):
    ...     return x + x
    >>> double(tf.constant(2)).numpy()
    np.int32(4)
    """
    if experimental_relax_shapes is not None:
        reduce_retracing = experimental_relax_shapes
    if jit_compile is None:
        jit_compile = experimental_compile
    checked_names(experimental_attributes or {}, PUBLIC, "tf.function does not support")

    def decorate(inner: Callable[..., Any]) -> Function:
        if not callable(inner):
            raise TypeError(f"tf.function: expected a callable. Received {inner!r}.")
        name = getattr(inner, "__name__", None) or type(inner).__name__
        if isinstance(inner, functools.partial):
            name = getattr(inner.func, "__name__", "partial")
        return Function(
            inner, name, input_signature, autograph, jit_compile, reduce_retracing,
            experimental_implements, experimental_autograph_options, experimental_attributes,
        )  # fmt: skip

    return decorate if func is None else decorate(func)
