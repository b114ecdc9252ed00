# Definitions whose types annotations in the sources do not tell. Above each stands its public path.

# at function
@overload
def function(func: Callable[P, Scalar], input_signature: Sequence[Any] | None = None, autograph: bool = True, jit_compile: bool | None = None, reduce_retracing: bool = False, experimental_implements: str | None = None, experimental_autograph_options: Any = None, experimental_attributes: Any = None, experimental_relax_shapes: bool | None = None, experimental_compile: bool | None = None, experimental_follow_type_hints: bool | None = None) -> TracedFunction[P, Any]:
    """Compiles a function: it is traced into a graph for each signature of its arguments."""
@overload
def function(func: Callable[P, Tensor], input_signature: Sequence[Any] | None = None, autograph: bool = True, jit_compile: bool | None = None, reduce_retracing: bool = False, experimental_implements: str | None = None, experimental_autograph_options: Any = None, experimental_attributes: Any = None, experimental_relax_shapes: bool | None = None, experimental_compile: bool | None = None, experimental_follow_type_hints: bool | None = None) -> TracedFunction[P, Tensor]: ...
@overload
def function(func: Callable[P, Any], input_signature: Sequence[Any] | None = None, autograph: bool = True, jit_compile: bool | None = None, reduce_retracing: bool = False, experimental_implements: str | None = None, experimental_autograph_options: Any = None, experimental_attributes: Any = None, experimental_relax_shapes: bool | None = None, experimental_compile: bool | None = None, experimental_follow_type_hints: bool | None = None) -> TracedFunction[P, Any]: ...
@overload
def function(func: None = None, input_signature: Sequence[Any] | None = None, autograph: bool = True, jit_compile: bool | None = None, reduce_retracing: bool = False, experimental_implements: str | None = None, experimental_autograph_options: Any = None, experimental_attributes: Any = None, experimental_relax_shapes: bool | None = None, experimental_compile: bool | None = None, experimental_follow_type_hints: bool | None = None) -> FunctionDecorator: ...

# at custom_gradient
def custom_gradient(f: Callable[P, Any]) -> Callable[P, Any]:
    """Decorates a function that returns its result and the function that computes its gradient."""

# at recompute_grad
def recompute_grad(f: Function) -> Function:
    """Makes the gradient of a function compute its intermediate values again."""

# at grad_pass_through
def grad_pass_through(f: Function) -> Function:
    """Makes the gradient of a function that of the identity."""

# at autograph.experimental.do_not_convert
def do_not_convert(func: Function) -> Function:
    """Keeps AutoGraph from converting a function."""

# at train.latest_checkpoint
def latest_checkpoint(checkpoint_dir: PathLike, latest_filename: str | None = None) -> Any:
    """Returns the path of the latest checkpoint in a folder, or None."""
