# Members of classes whose sources say too little: a class for each public class (dots as two underscores), with the members to replace or add.
# Names are those of the tables: public names, and the aliases of penstock/_typing.pyi.

class Tensor:
    def __eq__(self, other: object, /) -> Tensor: ...
    def __ne__(self, other: object, /) -> Tensor: ...
    def __getitem__(self, key: Any, /) -> Tensor: ...
    def __iter__(self) -> Iterator[Tensor]: ...
    def __len__(self) -> int: ...
    def __bool__(self) -> bool: ...
    def __int__(self) -> int: ...
    def __float__(self) -> float: ...
    def __complex__(self) -> complex: ...
    def __index__(self) -> int: ...
    def __array__(self, dtype: Any = ..., copy: bool | None = ...) -> np.ndarray: ...
    def __dlpack__(self, **kwargs: Any) -> Any: ...
    def __dlpack_device__(self) -> tuple[int, int]: ...
    def __hash__(self) -> int: ...
    def __div__(self, other: TensorLike, /) -> Tensor: ...
    def __rdiv__(self, other: TensorLike, /) -> Tensor: ...
    def numpy(self) -> Any:
        """Returns the value as a NumPy array or scalar; only eager tensors have one."""
    def cpu(self) -> Tensor:
        """Returns a copy on the CPU."""
    def gpu(self, gpu_index: int = 0) -> Tensor:
        """Returns a copy on a GPU."""
    def consumers(self) -> list[Operation]:
        """The operations that take the tensor; only graphs know them."""
    def get_shape(self) -> TensorShape:
        """Returns the static shape."""
    def set_shape(self, shape: ShapeLike) -> None:
        """Merges `shape` into the static shape."""
    def eval(self, feed_dict: Any = None, session: Any = None) -> Any:
        """Evaluates the tensor in a session."""
    # With NumPy's behavior (tf.experimental.numpy.experimental_enable_numpy_behavior).
    def astype(self, dtype: DTypeLike) -> Tensor: ...
    def reshape(self, *a: Any, **kwargs: Any) -> Tensor: ...
    def transpose(self, axes: Any = None) -> Tensor: ...
    def ravel(self) -> Tensor: ...
    def clip(self, a_min: Any = None, a_max: Any = None) -> Tensor: ...
    def max(self, axis: Any = None, keepdims: Any = None) -> Tensor: ...
    def mean(self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = None) -> Tensor: ...
    def min(self, axis: Any = None, keepdims: Any = None) -> Tensor: ...
    def tolist(self) -> Any: ...
    T: Tensor
    data: Any
    size: Any
    @property
    def dtype(self) -> DType:
        """The type of the elements."""
    @property
    def shape(self) -> TensorShape:
        """The static shape."""
    @property
    def ndim(self) -> int:
        """The number of dimensions."""
    @property
    def name(self) -> str:
        """The name of the tensor in its graph."""
    @property
    def device(self) -> str:
        """The device that holds the tensor."""
    @property
    def backing_device(self) -> str:
        """The device that holds the memory."""
    @property
    def graph(self) -> Graph:
        """The graph that contains the tensor; eager tensors have none."""
    @property
    def op(self) -> Operation:
        """The operation that produces the tensor in its graph."""
    @property
    def value_index(self) -> int:
        """The number of this output of its operation."""

class Variable:
    def __init__(self, initial_value: TensorLike | Callable[[], Any] | None = None, trainable: bool | None = None, validate_shape: bool = True, caching_device: Any = None, name: str | None = None, variable_def: Any = None, dtype: DTypeLike | None = None, import_scope: str | None = None, constraint: Callable[[Any], Any] | None = None, synchronization: VariableSynchronization | None = ..., aggregation: VariableAggregation | None = ..., shape: ShapeLike | None = None, experimental_enable_variable_lifting: bool | None = True) -> None: ...
    def __eq__(self, other: object, /) -> Tensor: ...
    def __ne__(self, other: object, /) -> Tensor: ...
    def __hash__(self) -> int: ...
    def __getitem__(self, key: Any, /) -> Tensor: ...
    def __iter__(self) -> Iterator[Tensor]: ...
    def __len__(self) -> int: ...
    def __bool__(self) -> bool: ...
    def __int__(self) -> int: ...
    def __float__(self) -> float: ...
    def __complex__(self) -> complex: ...
    def __index__(self) -> int: ...
    def __array__(self, dtype: Any = ..., copy: bool | None = ...) -> np.ndarray: ...
    def __div__(self, other: TensorLike, /) -> Tensor: ...
    def __rdiv__(self, other: TensorLike, /) -> Tensor: ...
    def assign(self, value: TensorLike, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        """Assigns a new value."""
    def assign_add(self, delta: TensorLike, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        """Adds a value."""
    def assign_sub(self, delta: TensorLike, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        """Subtracts a value."""
    def numpy(self) -> Any:
        """Returns the value as a NumPy array or scalar."""
    def read_value(self) -> Tensor:
        """Returns the value, read now."""
    def value(self) -> Tensor:
        """Returns the value."""
    def initialized_value(self) -> Tensor: ...
    def eval(self, session: Any = None) -> Any: ...
    @property
    def dtype(self) -> DType:
        """The type of the elements."""
    @property
    def shape(self) -> TensorShape:
        """The shape."""
    @property
    def name(self) -> str:
        """The name, with the number of the output."""
    @property
    def trainable(self) -> bool:
        """True if tapes watch the variable."""
    @property
    def device(self) -> str:
        """The device that holds the value."""
    @property
    def handle(self) -> Tensor:
        """The resource that holds the value."""
    @property
    def graph(self) -> Graph: ...
    @property
    def op(self) -> Operation: ...

class RaggedTensor:
    def __getitem__(self, key: Any, /) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __eq__(self, other: object, /) -> Any: ...
    def __ne__(self, other: object, /) -> Any: ...
    def __hash__(self) -> int: ...
    @property
    def values(self) -> Any:
        """The concatenated rows."""

class TensorShape:
    def __init__(self, dims: ShapeLike | None = None) -> None: ...
    def __getitem__(self, key: Any, /) -> Any: ...
    def __iter__(self) -> Iterator[Any]: ...
    def __add__(self, other: Any, /) -> TensorShape: ...
    def __radd__(self, other: Any, /) -> TensorShape: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def as_list(self) -> list[Any]:
        """Returns the sizes as a list, None where unknown."""
    @property
    def rank(self) -> Any:
        """The number of dimensions, or None."""
    @property
    def ndims(self) -> Any:
        """The number of dimensions, or None."""
    @property
    def dims(self) -> Any:
        """The sizes as a list of Dimensions, or None."""

class DType:
    is_bool: bool
    is_complex: bool
    is_floating: bool
    is_integer: bool
    is_quantized: bool
    is_unsigned: bool
    is_ref: bool
    size: int
    name: str
    @property
    def as_numpy_dtype(self) -> Any:
        """The NumPy type of the elements."""
    @property
    def base_dtype(self) -> DType:
        """The type itself; of a reference, the type that it refers to."""
    def is_compatible_with(self, other: DTypeLike) -> bool:
        """True if values of dtype `other` can be used as this dtype."""
    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __call__(self, value: Any, /) -> Any: ...

class TensorSpec:
    def __init__(self, shape: ShapeLike | None, dtype: DTypeLike = ..., name: str | None = None) -> None: ...

class RaggedTensorSpec:
    def __init__(self, shape: ShapeLike | None = None, dtype: DTypeLike = ..., ragged_rank: int | None = None, row_splits_dtype: DTypeLike = ..., flat_values_spec: Any = None) -> None: ...

class SparseTensor:
    def __init__(self, indices: NumericLike, values: TensorLike, dense_shape: ShapeLike) -> None: ...

class GradientTape:
    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, typ: Any, value: Any, traceback: Any) -> None: ...
    def watch(self, tensor: Any) -> None:
        """Ensures that `tensor`, or each tensor of a structure, is being traced by this tape."""
    def gradient(self, target: Any, sources: Any, output_gradients: Any = None, unconnected_gradients: UnconnectedGradients = ...) -> Any:
        """Computes the gradient of `target` with respect to `sources`, in their structure; None where they are not connected."""
    def jacobian(self, target: TensorLike, sources: Any, unconnected_gradients: UnconnectedGradients = ..., parallel_iterations: int | None = None, experimental_use_pfor: bool = True) -> Any:
        """Computes the jacobian of `target` with respect to `sources`."""
    def batch_jacobian(self, target: TensorLike, source: TensorLike, unconnected_gradients: UnconnectedGradients = ..., parallel_iterations: int | None = None, experimental_use_pfor: bool = True) -> Tensor:
        """Computes the jacobian of each example."""

class data__Dataset:
    def __iter__(self) -> Iterator[Any]: ...
    @classmethod
    def __class_getitem__(cls, item: Any, /) -> Any: ...
    @property
    def element_spec(self) -> Any:
        """The structure of the TypeSpecs of the elements."""

class Module:
    @property
    def name(self) -> str:
        """The name of the module."""
    @property
    def variables(self) -> tuple[Variable, ...]:
        """The variables of this module and its submodules."""
    @property
    def trainable_variables(self) -> tuple[Variable, ...]:
        """The trainable variables of this module and its submodules."""
    @property
    def non_trainable_variables(self) -> tuple[Variable, ...]:
        """The other variables of this module and its submodules."""
    @property
    def submodules(self) -> tuple[Module, ...]:
        """The modules in this one."""
    @classmethod
    def with_name_scope(cls, method: Function) -> Function:
        """Makes a method enter the module's name scope."""

class train__Checkpoint:
    def __init__(self, root: Any = None, **kwargs: Any) -> None: ...
    def __getattr__(self, name: str) -> Any: ...
    def __setattr__(self, name: str, value: Any) -> None: ...

class experimental__ExtensionType:
    def __init__(self, *args: Any, **kwargs: Any) -> None: ...

class errors__OpError:
    @property
    def message(self) -> str:
        """The description of the failure."""
    @property
    def error_code(self) -> int:
        """The number of the kind of error."""

class keras__Model:
    input: Any
    output: Any
    inputs: Any
    outputs: Any
    input_names: Any
    output_names: Any
    loss: Any
    history: Any

class train__CheckpointManager:
    # Paths, or None before the first checkpoint, which the functions that read checkpoints take as well.
    def save(self, checkpoint_number: Any = None, check_interval: bool = True, options: Any = None) -> Any:
        """Saves a checkpoint and deletes what is too old; returns its path, or None if none was due."""
    @property
    def latest_checkpoint(self) -> Any:
        """The path of the latest checkpoint, or None."""
