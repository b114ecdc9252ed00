"""Counterpart of `tensorflow/python/eager/polymorphic_function/concrete_function.py`."""

from typing import Any

from penstock._src.function import concrete
from penstock._src.function.types.atomic import AtomicFunction


class _ByAtomicFunction(type(concrete.ConcreteFunction)):  # type: ignore[misc]
    """Lets the class be called with an AtomicFunction, as TensorFlow's is; any ConcreteFunction is an instance of it."""

    def __call__(cls, atomic_fn: AtomicFunction) -> concrete.ConcreteFunction:
        return concrete.ConcreteFunction.from_atomic(atomic_fn)

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, concrete.ConcreteFunction)


class ConcreteFunction(concrete.ConcreteFunction, metaclass=_ByAtomicFunction):
    """A traced function, made of an AtomicFunction.

    Args:
      atomic_fn: the function that it runs.
    """

    from_func_graph = concrete.ConcreteFunction.from_func_graph
