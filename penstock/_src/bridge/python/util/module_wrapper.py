"""Modules that import their public names late, and warn of old ones: `tensorflow.python.util.module_wrapper`."""

from __future__ import annotations

import importlib
import inspect
import types
from typing import Any

from penstock._src.bridge.python.eager import monitoring
from penstock._src.bridge.python.platform import tf_logging as logging
from penstock._src.v1.names import renames

from . import fast_module_type, tf_decorator

FastModuleType = fast_module_type.get_fast_module_type_class()
# Most names of a module for which there is a warning.
_PER_MODULE_WARNING_LIMIT = 1
compat_v1_usage_gauge = monitoring.BoolGauge("/tensorflow/api/compat/v1", "compat.v1 usage")

_OWN = "_tfmw_"


def get_rename_v2(name: str) -> str | None:
    """Returns the TensorFlow 2 name of a symbol of TensorFlow 1; None if its name is the same."""
    return renames.symbol_renames.get(name)


def contains_deprecation_decorator(decorators: list[Any]) -> bool:
    """True if a decorator warns about the decorated function."""
    return any(decorator.decorator_name == "deprecated" for decorator in decorators)


def has_deprecation_decorator(symbol: Any) -> bool:
    """True if a function, or the constructor of a class, emits its own warning."""
    decorators, symbol = tf_decorator.unwrap(symbol)
    if contains_deprecation_decorator(decorators):
        return True
    if inspect.isfunction(symbol) or not hasattr(symbol, "__init__"):
        return False
    return contains_deprecation_decorator(tf_decorator.unwrap(symbol.__init__)[0])


def _call_location() -> str:
    """Returns the file and line that use a name."""
    frame = inspect.currentframe()
    own = (__file__, fast_module_type.__file__)
    while frame is not None and frame.f_code.co_filename in own:
        frame = frame.f_back
    return "UNKNOWN" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"


class TFModuleWrapper(FastModuleType):  # type: ignore[misc,valid-type]
    """A module with the attributes of another, and public names that are imported when they are used.

    Args:
      wrapped: the other module.
      module_name: its public name, without `tf.`.
      public_apis: {name: (module, name there)}; without a module the name there is a module's.
      deprecation: whether names that TensorFlow 2 calls otherwise are warned of.
      has_lite: whether `lite` is always the public one.
    """

    # True if a name below compat.v1 was used.
    compat_v1_usage_recorded = False

    def __init__(
        self,
        wrapped: types.ModuleType,
        module_name: str,
        public_apis: dict[str, tuple[str, str]] | None = None,
        deprecation: bool = True,
        has_lite: bool = False,
    ) -> None:
        super().__init__(wrapped.__name__)
        self.__dict__.update(wrapped.__dict__)
        public_apis = public_apis or {}
        names = [name for name in wrapped.__dict__ if not name.startswith("_")]
        initial = {
            "wrapped_module": wrapped,
            "module_name": module_name,
            "public_apis": public_apis,
            "has_lite": has_lite,
            "print_deprecation_warnings": deprecation,
            "warning_count": 0,
            "deprecated_checked": set(),
            "is_compat_v1": wrapped.__name__.endswith(".compat.v1"),
        }
        self.__dict__.update({_OWN + name: value for name, value in initial.items()})
        self.__dict__["__all__"] = list(dict.fromkeys([*names, *public_apis]))
        own = [_OWN + name for name in initial if name != "warning_count"]
        methods = (
            "_fastdict_insert _fastdict_get _fastdict_key_in _fastdict_delete "
            "_tfmw_add_deprecation_warning _tfmw_import_module"
        ).split()
        for name in (*own, *methods, "__all__", "__dict__", "__name__"):
            self._fastdict_insert(name, types.ModuleType.__getattribute__(self, name))
        self.set_getattribute_callback(TFModuleWrapper._getattribute)
        self.set_getattr_callback(TFModuleWrapper._getattr)

    def _tfmw_add_deprecation_warning(self, name: str, attr: Any) -> bool:
        """Warns of a name that TensorFlow 2 calls otherwise; returns whether it is fine from now on."""
        self._tfmw_deprecated_checked.add(name)
        full = f"tf.{self._tfmw_module_name}.{name}" if self._tfmw_module_name else f"tf.{name}"
        new = get_rename_v2(full)
        if new is None or has_deprecation_decorator(attr):
            return False
        count = types.ModuleType.__getattribute__(self, "__dict__")["_tfmw_warning_count"]
        if count >= _PER_MODULE_WARNING_LIMIT:
            return False
        text = "From %s: The name %s is deprecated. Please use %s instead.\n"
        logging.warning(text, _call_location(), full, new)
        self.__dict__["_tfmw_warning_count"] = count + 1
        return True

    def _tfmw_import_module(self, name: str) -> Any:
        """Imports a public name, of which the module then is the holder.

        Raises:
          AttributeError: there is none.
        """
        if name not in self._tfmw_public_apis:
            raise AttributeError(f"module '{self.__name__}' has no attribute '{name}'")
        if self._tfmw_is_compat_v1 and not TFModuleWrapper.compat_v1_usage_recorded:
            TFModuleWrapper.compat_v1_usage_recorded = True
            compat_v1_usage_gauge.get_cell().set(True)
        module, symbol = self._tfmw_public_apis[name]
        imported = importlib.import_module(module or symbol)
        attribute = getattr(imported, symbol) if module else imported
        setattr(self._tfmw_wrapped_module, name, attribute)
        self.__dict__[name] = attribute
        return attribute

    def _getattribute(self, name: str) -> Any:
        """Looks a name up that is not kept."""
        if name == "lite" and self._tfmw_has_lite:
            attribute = self._tfmw_import_module(name)
        else:
            attribute = types.ModuleType.__getattribute__(self, name)
        if name.startswith("__") or name.startswith(_OWN):
            return attribute
        if self._tfmw_print_deprecation_warnings and name not in self._tfmw_deprecated_checked:
            self._tfmw_add_deprecation_warning(name, attribute)
        self._fastdict_insert(name, attribute)
        return attribute

    def _getattr(self, name: str) -> Any:
        """Looks up a name that the module does not have: in the wrapped module, or among public names."""
        try:
            attribute = getattr(self._tfmw_wrapped_module, name)
        except AttributeError:
            attribute = self._tfmw_import_module(name)
        if self._tfmw_print_deprecation_warnings and name not in self._tfmw_deprecated_checked:
            self._tfmw_add_deprecation_warning(name, attribute)
        self._fastdict_insert(name, attribute)
        return attribute

    def __setattr__(self, arg: str, val: Any) -> None:
        if arg.startswith(_OWN):
            self.__dict__[arg] = val
            self._fastdict_insert(arg, val)
            return
        setattr(self._tfmw_wrapped_module, arg, val)
        self.__dict__[arg] = val
        if arg not in self.__all__ and arg != "__all__":
            self.__all__.append(arg)
        self._fastdict_insert(arg, val)

    def __delattr__(self, name: str) -> None:
        delattr(self._tfmw_wrapped_module, name)
        self.__dict__.pop(name, None)
        self._fastdict_delete(name)
        if name in self.__all__:
            self.__all__.remove(name)

    def __dir__(self) -> list[str]:
        return list(self._tfmw_public_apis) + dir(self._tfmw_wrapped_module)

    def __repr__(self) -> str:
        return repr(self._tfmw_wrapped_module)

    def __reduce__(self) -> tuple[Any, ...]:
        return importlib.import_module, (self.__name__,)
