"""tf.Variable: a handle to an array that ops read and assign."""

import contextlib
import functools
import inspect
import itertools
import operator
from abc import ABCMeta
from collections.abc import Callable
from typing import Any

import numpy as np

from penstock._src.autodiff.tape import record_read, variable_accessed
from penstock._src.core.calls.tracebacks import shorten
from penstock._src.core.convert import READERS, convert_to_tensor
from penstock._src.core.dispatch import STATE, in_v1_graph
from penstock._src.core.dtypes import as_dtype
from penstock._src.core.registry import raw
from penstock._src.core.shapes import TensorShape, as_shape
from penstock._src.core.tensor import AnyTensor, Reference, Tensor
from penstock._src.core.tracking.trackable import Trackable
from penstock._src.core.values import resources
from penstock._src.eager.context import init_scope
from penstock._src.eager.tensor import CPU_NAME, EagerTensor
from penstock._src.eager.variable_handle import (
    QUICK,
    add_to_collections,
    announce_creation,
    assign_now,
    check_arguments,
    in_function,
    initial_value_of,
    lifted_value,
    make_handle,
    of_value,
    read_there,
    refused_update,
    scoped,
    under,
    update_now,
    wrong_shape,
)
from penstock._src.eager.variable_modes import (
    VariableAggregation,
    VariableSynchronization,
    mode_of,
)
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only
from penstock._src.util.slots import above

UNIQUE = itertools.count()
# Arguments of TensorFlow 1's variables, which `tf.Variable` accepts without effect.
_OF_VERSION_1 = {"use_resource", "collections", "expected_shape"}


class VariableMetaclass(ABCMeta):
    """Makes variables through the active creators (tf.variable_creator_scope), innermost first."""

    def __instancecheck__(cls, instance: Any) -> bool:
        # Derived classes first: that of abstract classes is slow. A class may define which others count as its own.
        counted = cls.__dict__.get("instances_of", cls)
        return cls in type(instance).__mro__ or ABCMeta.__instancecheck__(counted, instance)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        try:
            # TensorFlow accepts this argument for every variable class; only False has an effect, in functions.
            if kwargs.get("experimental_enable_variable_lifting") is not False:
                kwargs.pop("experimental_enable_variable_lifting", None)
            create: Callable[..., Any] = super().__call__
            if cls is Variable:
                create = _new_variable
                kwargs = {name: kwargs[name] for name in kwargs if name not in _OF_VERSION_1}
            creators = STATE.variable_creators if cls.__dict__.get("asks_creators", False) else ()
            if not creators:
                return create(*args, **kwargs)
            parameters = dict(list(inspect.signature(cls.__init__).parameters.items())[1:])
            arguments = {name: parameter.default for name, parameter in parameters.items()}
            arguments |= {**dict(zip(parameters, args)), **kwargs}
            for creator in creators:
                create = functools.partial(creator, create)
            return create(**arguments)
        except Exception as error:
            shorten(error)
            raise


def _new_variable(*args: Any, **kwargs: Any) -> "ResourceVariable":
    """Returns what `tf.Variable(...)` does: its class has a constructor with other parameters."""
    variable = ResourceVariable.__new__(ResourceVariable)
    Variable.__init__(variable, *args, **kwargs)
    return variable


@export("Variable", v1=[])
class Variable(Trackable, AnyTensor, metaclass=VariableMetaclass):
    """A tensor with a value that can be assigned and stays between calls.

    A read is a snapshot: what was read does not change with the next assignment. A function that
    makes variables must make them at its first call only.

    Args:
      initial_value: a tensor, what converts to one, or a function without arguments that returns
        it.
      trainable: whether tapes watch the variable when it is read; True by default.
      validate_shape: whether the shape is that of the initial value; if False, it is unknown.
      caching_device: a hint without effect.
      name: the name of the variable.
      variable_def: a message to make the variable from, in a graph of TensorFlow 1.
      dtype: the dtype; by default that of the initial value.
      import_scope: the name scope, with `variable_def`.
      constraint: a function that optimizers apply to the value after an update.
      synchronization: when copies of a distributed variable are brought together.
      aggregation: how values that replicas assign become one.
      shape: a more general static shape than that of the initial value, such as `[None]`.
      experimental_enable_variable_lifting: whether the first call of a function makes the
        variable for all calls; otherwise each call does.

    Raises:
      ValueError: there is no initial value, or its shape does not fit `shape`.

    >>> v = tf.Variable([1.0, 2.0])
    >>> v.assign_add([10.0, 10.0]).numpy()
    array([11., 12.], dtype=float32)
    >>> (v * 2.0).numpy()
    array([22., 24.], dtype=float32)
    """

    _is_tensor_like = True
    __array_priority__ = 100
    asks_creators = True
    # Whether classes derived from it may leave its value to themselves.
    is_interface = True
    # In a graph: its copy on the caching device, which is read instead.
    _cached_value: Any = None
    # The graph collections to add it to; None for TensorFlow's defaults.
    _collections: Any = None
    # Its position in a partitioned variable, or None.
    _save_slice_info: Any = None
    # True if assignments in graphs check the shape at run time.
    _validates = True
    _takes_any_shape = False  # after v1.assign of any shape: reads in graphs infer none
    # In a graph: the tensor of the initial value, and the read that sessions fetch.
    _initial_value: Any
    _graph_element: Any

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        import_scope: str | None = None,
        constraint: Callable[..., Any] | None = None,
        synchronization: VariableSynchronization = VariableSynchronization.AUTO,
        aggregation: VariableAggregation = VariableAggregation.NONE,
        shape: Any = None,
        experimental_enable_variable_lifting: bool = True,
    ) -> None:
        if variable_def is not None:
            self._import(variable_def, import_scope, initial_value)
            return
        if initial_value is None and self.is_interface:
            raise NotImplementedError("A class derived from tf.Variable has no value of its own.")
        check_arguments(initial_value, constraint, name)
        synchronization = mode_of(VariableSynchronization.AUTO, synchronization, name)
        aggregation = mode_of(VariableAggregation.NONE, aggregation, name)
        is_local = not experimental_enable_variable_lifting and in_function()
        if not is_local:
            announce_creation(self)
        self._take_modes(trainable, constraint, synchronization, aggregation)
        if not validate_shape:
            self._validates = False
        with contextlib.nullcontext() if is_local else init_scope():
            self._name = scoped(name or "Variable")
            is_called = callable(initial_value)
            with initial_value_of(self._name, is_called):
                value = initial_value() if is_called else initial_value
                lifted = lifted_value(self._name, value)
                tensor = convert_to_tensor(lifted, dtype=dtype, name="initial_value")
            self._dtype = tensor.dtype.base_dtype
            # A tensor of a function being traced may have another shape in the next call.
            declared = value.shape if lifted is not value else tensor.shape
            self._shape = as_shape(shape) if shape is not None else declared
            if not self._shape.is_compatible_with(tensor.shape):
                raise ValueError(
                    f"In this `tf.Variable` creation, the initial value's shape ({tensor.shape}) is "
                    f"not compatible with the explicitly supplied `shape` argument ({self._shape})."
                )
            self._handle = make_handle(self._shape, self._dtype, self._name, is_local)
            self._in_graph_mode = STATE.graph is not None
            if self._in_graph_mode:
                with under(self._name, "IsInitialized"):
                    raw.VarIsInitializedOp(resource=self._handle)
            with under(self._name):
                self._initializer = raw.AssignVariableOp(self._handle, tensor, name="Assign")
            self._initial_value = self._graph_element = None
            if STATE.graph is not None:
                self._take_graph_tensors(tensor, caching_device)
                if not is_local:
                    add_to_collections(self, self._collections)

    # Subclasses may call it from an `__init__` of their own.
    _init_from_args = __init__

    def _import(self, variable_def: Any, import_scope: str | None, initial_value: Any) -> None:
        """Becomes the variable that a message describes."""
        if initial_value is not None:
            raise ValueError(
                "The variable_def and initial_value args to `tf.Variable` are mutually exclusive, but "
                f"got both: variable_def={variable_def},\ninitial_value={initial_value}"
            )
        imported = type(self).from_proto(variable_def, import_scope)
        if isinstance(imported, type(self)):
            self.__class__ = type(imported)  # it may be a reference
        self.__dict__.update(vars(imported))

    def _take_graph_tensors(self, initial_value: Tensor, caching_device: Any) -> None:
        """Sets the tensors of a variable in a graph: its initial value, and the read that sessions fetch."""
        self._initial_value = initial_value
        with under(self._name, "Read"):
            self._graph_element = self._read()
            if caching_device:
                self._cached_value = self._copied_to(caching_device)

    def _take_modes(
        self,
        trainable: bool | None,
        constraint: Callable[..., Any] | None,
        synchronization: VariableSynchronization,
        aggregation: VariableAggregation,
    ) -> None:
        if trainable is None:
            trainable = synchronization is not VariableSynchronization.ON_READ
        self._trainable = bool(trainable)
        self._constraint, self._synchronization = constraint, synchronization
        self._aggregation, self._in_graph_mode = aggregation, False
        self._unique = next(UNIQUE)

    initializer = read_only(
        "_initializer", "The operation that assigns the initial value (graphs only)."
    )

    _initializer_op = initializer

    def _as_graph_element(self) -> Any:
        """Returns the tensor that a session fetches for the variable: a read."""
        return self._graph_element

    # -- properties

    handle = read_only("_handle", "The resource tensor through which ops access the variable.")
    dtype = read_only("_dtype", "The type of the elements.")
    shape = read_only("_shape", "The static shape.")

    @property
    def name(self) -> str:
        """The name, with ":0"."""
        return self._name + ":0"

    @property
    def _shared_name(self) -> str:
        return self._name

    @property
    def _unique_id(self) -> str:
        return f"{self._name}_{self._unique}"

    trainable = read_only("_trainable", "True if tapes watch the variable automatically.")
    constraint = read_only("_constraint", "The function that optimizers apply after an update.")
    synchronization = read_only(
        "_synchronization", "When the copies of a distributed variable are brought together."
    )
    aggregation = read_only("_aggregation", "Aggregation of values that several replicas assign.")

    @property
    def device(self) -> str:
        """The device that holds the value; in a graph, the requested device."""
        made_by = getattr(self._handle, "op", None)
        if made_by is not None and not made_by.graph.building_function:
            return made_by.device
        resource = getattr(self._handle, "_value", None)
        return getattr(resource, "device", None) or CPU_NAME

    graph = read_only("_handle.graph", "The graph of the handle.")
    op = read_only("_handle.op", "The operation that makes the handle.")
    ndim = read_only("_shape.rank", "The number of dimensions.")

    def get_shape(self) -> TensorShape:
        """Returns the static shape.

        Returns:
          A `TensorShape`.
        """
        return self._shape

    def set_shape(self, shape: Any) -> None:
        """Merges a shape into the static shape.

        Args:
          shape: a shape, in which None stands for any extent.

        Raises:
          ValueError: the two are not compatible.
        """
        self._shape = self._shape.merge_with(shape)

    # -- in checkpoints

    def _serialize_to_tensors(self) -> dict[str, Any]:
        return {"VARIABLE_VALUE": self._read()}

    def _restore_from_tensors(self, restored_tensors: dict[str, Any]) -> Any:
        value = restored_tensors["VARIABLE_VALUE"]
        if not self._shape.is_compatible_with(value.shape):
            raise ValueError(
                f"Received incompatible tensor with shape {value.shape} when attempting to restore "
                f"variable with shape {self._shape} and name {self.name}."
            )
        return self.assign(convert_to_tensor(value, dtype=self._dtype))

    def _gather_saveables_for_checkpoint(self) -> dict[str, Any]:
        """Returns itself by its attribute: subclasses around another variable return that variable's."""
        return {"VARIABLE_VALUE": self}

    # -- its value

    def _read(self) -> Tensor:
        value = QUICK.read(self)
        if value is not None:
            return value  # type: ignore[no-any-return]
        resource = None if STATE.graph is not None else getattr(self._handle, "_value", None)
        # Only a handle of the variable's dtype holds an array that a read returns directly.
        if isinstance(resource, resources.VariableHandle) and resource.dtype is self._dtype:
            if resource.device is None:
                tensor = EagerTensor(resource.read(), self._dtype)
            else:
                tensor = read_there(resource, self._dtype)
            if STATE.tapes or STATE.accumulators:
                record_read(self, tensor)
            QUICK.count()
            return tensor
        variable_accessed(self)
        tensor = raw.ReadVariableOp(self._handle, dtype=self._dtype)
        if STATE.graph is not None and not self._takes_any_shape:
            tensor.set_shape(self._shape)
        return tensor

    def _handle_is_own(self) -> bool:
        """True if the handle holds an array of the variable's dtype, which a read returns directly."""
        resource = getattr(self._handle, "_value", None)
        return isinstance(resource, resources.VariableHandle) and resource.dtype is self._dtype

    def value(self) -> Tensor:
        """Returns the present value.

        Returns:
          A tensor.
        """
        if self._cached_value is not None:
            return self._cached_value
        graph = STATE.graph
        if graph is None or not graph.has_device_scope:
            return self._read()
        with graph.device(None):  # where the variable is, whatever reads it
            return self._read()

    def _copied_to(self, device: Any) -> Tensor:
        graph = STATE.graph
        with graph.colocate_with(None, ignore_existing=True), graph.device(None):
            with graph.device(device):
                return raw.Identity(input=self._graph_element)

    def read_value(self) -> Tensor:
        """Returns the present value, by a new read.

        Returns:
          A tensor.
        """
        if STATE.graph is None:
            return raw.Identity(self._read())
        with STATE.graph.name_scope("Read"):
            value = self._read()
        return raw.Identity(value)

    def numpy(self) -> np.ndarray:
        """Returns the present value as an array.

        Returns:
          A NumPy array.

        Raises:
          NotImplementedError: a graph is being built.
        """
        if STATE.graph is not None:
            raise NotImplementedError("numpy() is only available when eager execution is enabled.")
        return self._read().numpy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        value = self.numpy()
        return np.asarray(value, dtype)

    def is_initialized(self, name: str | None = None) -> Tensor:
        """Returns True if the variable has a value.

        Args:
          name: a name for the operation.

        Returns:
          A bool scalar.
        """
        return raw.VarIsInitializedOp(self._handle, name=name)

    def initialized_value(self) -> Tensor:
        """Returns the value.

        Returns:
          A tensor.
        """
        return self._read()

    @property
    def initial_value(self) -> Any:
        """The initial value as a tensor (graphs only)."""
        if STATE.graph is None:
            raise RuntimeError("This property is not supported when eager execution is enabled.")
        return self._initial_value

    def eval(self, session: Any = None) -> Any:
        """Returns the value in a session, in a graph of TensorFlow 1.

        Args:
          session: the session; by default the current one.

        Returns:
          A NumPy array.
        """
        self._require_graph()
        return self._graph_element.eval(session=session)

    def load(self, value: Any, session: Any = None) -> None:
        """Sets the value: in a session, or at once in eager execution.

        Args:
          value: the value.
          session: the session; by default the current one.
        """
        if STATE.graph is None:
            self.assign(value)
            return
        session = session or self.graph._default_session()
        session.run(self._initializer, {self._initializer.inputs[1]: value})

    def to_proto(self, export_scope: str | None = None) -> Any:
        """Returns the message that describes the variable of a graph.

        Args:
          export_scope: the name scope that is left out of names.

        Returns:
          A `VariableDef`, or None if the variable is not in the scope.
        """
        self._require_graph()
        return above("variable_def")(self, export_scope)

    @staticmethod
    def from_proto(variable_def: Any, import_scope: str | None = None) -> "Variable":
        """Returns the variable that a message describes.

        Args:
          variable_def: a `VariableDef`.
          import_scope: the name scope to look in.

        Returns:
          A variable of the current graph.
        """
        prefix = f"{import_scope}/" if import_scope else ""
        return above("variable_of")(variable_def, STATE.graph, prefix)

    def _require_graph(self) -> None:
        if STATE.graph is None:
            raise RuntimeError("This operation is not supported when eager execution is enabled.")

    def assign(
        self,
        value: Any,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Sets the value.

        Args:
          value: a tensor of the variable's shape and dtype.
          use_locking: a hint without effect.
          name: a name for the operation.
          read_value: whether the result can be read as the new value; if not, it is the operation
            (None in eager execution).

        Returns:
          The variable.

        Raises:
          ValueError: the shapes do not fit.
        """
        result = QUICK.assign(self, value)
        if result is not None:
            return result if read_value else None
        try:
            if STATE.graph is not None and self._is_elsewhere():
                with self._handle.graph.as_default():
                    return self.assign(value, use_locking, name, read_value)
            tensor = convert_to_tensor(value, dtype=self._dtype)
            if assign_now(self._handle, self._shape, tensor):
                return self._assigned(None, read_value)
            shape = tensor.shape
            if shape._dims != self._shape._dims and not self._shape.is_compatible_with(shape):
                raise wrong_shape(self, tensor)
            # Eagerly, both shapes are known and have been compared.
            checks = STATE.graph is not None and self._validates and self._shape.is_fully_defined()
            options = {"validate_shape": True} if checks else {}
            assigned = raw.AssignVariableOp(self._handle, tensor, name=name, **options)
            return self._assigned(assigned, read_value)
        except Exception as error:
            shorten(error)
            raise

    def _is_elsewhere(self) -> bool:
        """True if the variable belongs to another graph of TensorFlow 1 than the current one."""
        home = getattr(self._handle, "graph", None)
        return home is not None and home is not STATE.graph and not STATE.graph.building_function

    def assign_add(
        self,
        delta: Any,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Adds to the value.

        Args:
          delta: a tensor of the variable's shape and dtype.
          use_locking: a hint without effect.
          name: a name for the operation.
          read_value: whether the result can be read as the new value.

        Returns:
          The variable.
        """
        result = QUICK.add(self, delta)
        if result is not None:
            return result if read_value else None
        return self._changed("AssignAddVariableOp", np.add, delta, name, read_value)

    def assign_sub(
        self,
        delta: Any,
        use_locking: bool = False,
        name: str | None = None,
        read_value: bool = True,
    ) -> Any:
        """Subtracts from the value.

        Args:
          delta: a tensor of the variable's shape and dtype.
          use_locking: a hint without effect.
          name: a name for the operation.
          read_value: whether the result can be read as the new value.

        Returns:
          The variable.
        """
        result = QUICK.subtract(self, delta)
        if result is not None:
            return result if read_value else None
        return self._changed("AssignSubVariableOp", np.subtract, delta, name, read_value)

    def _changed(
        self, op: str, ufunc: np.ufunc, delta: Any, name: str | None, read_value: bool
    ) -> Any:
        try:
            if update_now(self._handle, self._dtype, ufunc, delta):
                return self._assigned(None, read_value)
            if STATE.graph is not None and self._is_elsewhere():
                with self._handle.graph.as_default():
                    return self._changed(op, ufunc, delta, name, read_value)
            tensor = convert_to_tensor(delta, dtype=self._dtype)
            updated = getattr(raw, op)(self._handle, tensor, name=name)
            return self._assigned(updated, read_value)
        except Exception as error:
            shorten(error)
            raise

    def _assigned(self, op: Any, read_value: bool) -> Any:
        """Returns the result of an assignment: the variable or, in a graph, a read that runs after it."""
        if read_value and STATE.tapes:
            variable_accessed(self)
        if STATE.graph is None:
            # without the metaclass, which asks the creators of variables
            return type.__call__(_UnreadVariable, self, None) if read_value else None
        if not read_value:
            return op
        if STATE.graph.keeps_program_order:
            return _UnreadVariable(self, op)
        return AssignedVariable(self, op)

    # -- conversion to tensors

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Tensor:
        if dtype is not None and not as_dtype(dtype).is_compatible_with(self._dtype):
            raise ValueError(
                f"Incompatible type conversion requested to type {as_dtype(dtype).name!r} for "
                f"`tf.Variable of type {self._dtype.name!r}. (Variable: {self!r})"
            )
        return self.value()

    def ref(self) -> Reference:
        """Returns a reference that can be the key of a dictionary.

        Returns:
          An object that is equal to references to the same variable; `deref()` returns the
          variable.
        """
        return Reference(self)

    experimental_ref = ref

    __int__, __float__, __complex__ = of_value(int), of_value(float), of_value(complex)
    __index__, __bool__ = of_value(operator.index), of_value(bool)
    __len__, __iter__ = of_value(len), of_value(iter)
    __iadd__, __isub__ = refused_update("+", "assign_add"), refused_update("-", "assign_sub")
    __imul__, __itruediv__ = refused_update("*", "assign"), refused_update("/", "assign")
    __ipow__ = refused_update("**", "assign")

    def __format__(self, spec: str) -> str:
        return format(self._read(), spec) if spec else str(self)

    def __hash__(self) -> int:
        if in_v1_graph() or not Tensor._USE_EQUALITY:
            return id(self)
        raise TypeError(
            f"Variable is unhashable. Instead, use variable.ref() as the key. (Variable: {self!r})"
        )

    def __deepcopy__(self, memo: Any) -> "Variable":
        if STATE.graph is not None:
            raise NotImplementedError(
                "__deepcopy__() is only available when eager execution is enabled."
            )
        copy = Variable(
            self._read(),
            trainable=self._trainable,
            name=self._name,
            dtype=self._dtype,
            constraint=self._constraint,
            synchronization=self._synchronization,
            aggregation=self._aggregation,
            shape=self._shape,
        )
        memo[id(self)] = copy
        return copy

    def __reduce__(self) -> Any:
        return restore, (self.numpy(), self._trainable, self._name, self._dtype.name)

    def __repr__(self) -> str:
        head = f"<tf.Variable '{self.name}' shape={self._shape} dtype={self._dtype.name}"
        if STATE.graph is not None or not hasattr(self._handle, "_value"):  # of a graph
            return head + ">"
        if getattr(self._handle._value, "value", self) is None:
            return head + ", numpy=<uninitialized>>"
        try:
            value = self.read_value().numpy()
        except Exception:  # repr must not fail; a subclass may override how the value is read
            return head + ", numpy=<unavailable>>"
        if not np.ndim(value):
            return f"{head}, numpy={value.item() if hasattr(value, 'item') else value!r}>"
        text = np.array_repr(value)
        return f"{head}, numpy={chr(10) if chr(10) in text else ''}{text}>"

    def experimental_as_proto(self) -> Any:
        """Raises TypeError: only defined in a SavedModel."""
        raise TypeError("to_proto() is not supported eagerly.")


class ResourceVariable(Variable):
    """The class of what `tf.Variable(...)` returns, with the name and parameters of TensorFlow's.

    Called itself, it bypasses variable creators. All variables are its instances, however they were made.
    """

    asks_creators = is_interface = False
    instances_of = Variable

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        above("construct_resource_variable")(self, *args, **kwargs)


class AssignedVariable(Variable):
    """A variable after an assignment in a graph of TensorFlow 1: its reads run after the assignment."""

    def __init__(self, variable: Variable, assignment: Any) -> None:
        self.__dict__.update(vars(variable))
        self._assignment = assignment
        self._graph_element, self._cached_value = self._read(), None

    @property
    def name(self) -> str:
        """The name of the assignment."""
        return self._assignment.name

    @property
    def op(self) -> Any:
        """The assignment."""
        return self._assignment

    def _read(self) -> Tensor:
        with STATE.graph.control_dependencies([self._assignment]):
            return super()._read()

    def __getattribute__(self, name: str) -> Any:
        """Returns an attribute; methods that assign run after the assignment."""
        attribute = super().__getattribute__(name)
        if not name.startswith(("assign", "scatter_", "batch_scatter_")):
            return attribute

        def after(*args: Any, **kwargs: Any) -> Any:
            with STATE.graph.control_dependencies([self._assignment]):
                return attribute(*args, **kwargs)

        return after


class _UnreadVariable(Variable):
    """A variable as the result of an assignment: `op` is that of the assignment, None eagerly."""

    op: Any = None  # type: ignore[assignment]
    _original: Variable

    def __init__(self, variable: Variable, op: Any) -> None:
        # An assignment to such a result keeps the variable alone: `v = v.assign_add(1)` would make a chain.
        self._original = variable._original if type(variable) is _UnreadVariable else variable
        if op is not None:
            self.op = op

    def __getattr__(self, name: str) -> Any:
        """Takes what the variable has when it is asked for first: most results of assignments are not used."""
        state = self.__dict__
        if name.startswith("__") or "_handle" in state or "_original" not in state:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        state.update({**vars(state["_original"]), **state})
        return getattr(self, name)

    @property
    def name(self) -> str:
        """The name of the assignment, where the variable belongs to a graph of TensorFlow 1."""
        return self.op.name if self._in_graph_mode and self.op is not None else "UnreadVariable"

    def _read(self) -> Tensor:
        return self._original._read()  # read counters are registered on the original variable


def restore(value: Any, trainable: bool, name: str, dtype: str) -> Variable:
    """Unpickles a variable."""
    return Variable(value, trainable=trainable, name=name, dtype=dtype)


READERS[ResourceVariable] = ResourceVariable.value
QUICK.serve(ResourceVariable, _UnreadVariable)
