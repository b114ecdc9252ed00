"""The objects to which compiled methods are bound: `tensorflow.python.eager.polymorphic_function.tf_method_target`."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any


class TfMethodTarget:
    """An object and its method, both held weakly.

    Args:
      target: a weak reference to the object.
      original_python_function: the method.
    """

    __slots__ = ("weakrefself_func__", "weakrefself_target__")

    def __init__(
        self, target: Callable[[], Any], original_python_function: Callable[..., Any]
    ) -> None:
        self.weakrefself_target__ = target
        self.weakrefself_func__ = weakref.ref(original_python_function)

    @property
    def target(self) -> Any:
        """The object; None if it is gone."""
        return self.weakrefself_target__()

    @property
    def target_class(self) -> type:
        """The class of the object, or the object if it is one."""
        return self.target if inspect.isclass(self.target) else type(self.target)

    def call(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Calls the method."""
        function = self.weakrefself_func__()
        assert function is not None
        return function(self.target, *args, **kwargs)
