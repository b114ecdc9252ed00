"""The import hook that makes `tensorflow` mean Penstock in this process."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.metadata
import importlib.util
import os
import sys
import types
from typing import Any

from .decision_forests import alias as forests_alias
from .environments import stand_in
from .keras_modules import loader as keras_modules
from .names import frozen_keras, identities, private_modules
from .text import alias as text_alias

PUBLIC = "penstock"
# The hooks of other packages that Penstock replaces.
COMPANIONS = (text_alias, forests_alias)
ALIAS = "tensorflow"
# `penstock.keras.layers` is the module that `tensorflow.keras.layers` is.
OWN_KERAS = PUBLIC + ".keras."
# Keras 2; {} is the version of TensorFlow's API.
LEGACY_KERAS = "tf_keras.api._{}.keras"
# Keras 3 with the additional names of tf.keras: an older `backend`, reductions of losses, short names of metrics.
KERAS_3 = "keras._tf_keras.keras"
# Prefixes of the paths of modules that are made, in place of a module's name.
PRIVATE, FROZEN = "private:", "frozen:"
# Filled by `asks_for_keras_2`.
_KERAS_2_BY_USE: dict[str, bool] = {}


class TensorFlowFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds `tensorflow`, its public namespaces, `tensorflow.keras`, and known private paths."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        """Returns a spec for names below `tensorflow` that have a counterpart."""
        if fullname in keras_modules.WRAPPERS:
            spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
            if spec is not None:
                spec.loader = keras_modules.Loader(spec.loader)
            return spec
        if fullname != ALIAS and not fullname.startswith((ALIAS + ".", OWN_KERAS)):
            return None
        counterpart = self._counterpart(fullname)
        if counterpart is None:
            return None
        file = private_modules.file_of(counterpart.removeprefix(PRIVATE))
        if file is None:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return importlib.machinery.ModuleSpec(fullname, self, origin=str(file))

    def get_code(self, fullname: str) -> Any:
        """Returns the code of a module that can be run as a script, such as `tensorflow.python.tools.saved_model_cli`."""
        file = private_modules.file_of(fullname.removeprefix(ALIAS + "."))
        return None if file is None else compile(file.read_bytes(), str(file), "exec")

    def _counterpart(self, fullname: str) -> str | None:
        """The module that stands for `fullname`: a real name, or "private:<path>" or "frozen:<path>"."""
        rest = fullname.partition(".")[2]
        if not rest:
            asks_for_keras_2("import")
        if rest == "_api" or rest.startswith("_api.v2"):
            rest = rest[len("_api.v2") :].lstrip(".")
            rest = rest[2:].lstrip(".") if rest == "v2" or rest.startswith("v2.") else rest
        rest = rest.removeprefix("compat.v2.")
        is_v1 = rest.startswith("compat.v1.keras") and asks_for_keras_2("import")
        name = rest.removeprefix("compat.v1.") if is_v1 else rest
        if name == "keras" or name.startswith("keras."):
            module = _imported_keras(is_v1) + name.removeprefix("keras")
            return module if _can_import(module) else None
        if frozen_keras.is_known(rest):
            return FROZEN + rest
        public = f"{PUBLIC}.{rest}" if rest else PUBLIC
        # `tensorflow.lite` is public, and has private modules below it.
        if private_modules.is_known(rest) and not _can_import(public):
            return PRIVATE + rest
        if frozen_keras.is_path(rest):
            raise ModuleNotFoundError(frozen_keras.why_not(rest), name=fullname)
        if rest.startswith("compat.v1"):
            importlib.import_module("penstock.compat.v1")
        if public in sys.modules or _can_import(public):
            return public
        return None

    def create_module(self, spec: Any) -> types.ModuleType:
        """Returns the counterpart itself."""
        counterpart = self._counterpart(spec.name)
        if counterpart is None:
            raise ModuleNotFoundError(f"No module named {spec.name!r}", name=spec.name)
        if counterpart.startswith(PRIVATE):
            module = private_modules.build(counterpart.removeprefix(PRIVATE), spec.name)
        elif counterpart.startswith(FROZEN):
            module = frozen_keras.module(counterpart.removeprefix(FROZEN), spec.name)
        else:
            module = importlib.import_module(counterpart)
        # importlib writes the alias's spec into the module; exec_module restores the original.
        spec.loader_state = getattr(module, "__spec__", None)
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        """Restores the module's own spec; the counterpart is already loaded."""
        alias_spec = module.__spec__
        if alias_spec is not None and alias_spec.loader_state is not None:
            module.__spec__ = alias_spec.loader_state


def asks_for_keras_2(use: str = "v2") -> bool:
    """True if Keras 2 is what a use of Keras gets.

    As in TensorFlow, the environment is read once for each use: libraries change it when they are imported (tensorflow-transform does),
    which must not give a process two kinds of models.

    Args:
      use: "v2" for names of `tf.keras`, "v1" for those of `tf.compat.v1.keras`, "import" for modules below `tensorflow.keras`, which is
        decided when `tensorflow` is imported.
    """
    if use not in _KERAS_2_BY_USE:
        _KERAS_2_BY_USE[use] = os.environ.get("TF_USE_LEGACY_KERAS") in ("true", "True", "1")
    return _KERAS_2_BY_USE[use]


def keras_module() -> str:
    """Returns the name of the module used as tf.keras: Keras 3, or Keras 2 if the environment selects it."""
    return LEGACY_KERAS.format("v2") if asks_for_keras_2() else KERAS_3


def _imported_keras(is_v1: bool) -> str:
    """Returns the name of the module that `import tensorflow.keras` finds, or `tensorflow.compat.v1.keras`."""
    return LEGACY_KERAS.format("v1" if is_v1 else "v2") if asks_for_keras_2("import") else KERAS_3


def _can_import(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, AttributeError, ValueError):
        return False


class _TensorFlowMetadata(importlib.metadata.DistributionFinder):
    """Answers `importlib.metadata.version("tensorflow")` where no file does."""

    @staticmethod
    def find_spec(fullname: str, path: Any = None, target: Any = None) -> None:
        """Finds no modules."""
        return None

    def find_distributions(self, context: Any = None) -> Any:
        """Yields the distribution `tensorflow`, unless a real one is installed."""
        name = getattr(context, "name", None)
        if name is not None and name.replace("_", "-").lower() in stand_in.DISTRIBUTIONS:
            yield Distribution(name.replace("_", "-").lower())


class Distribution(importlib.metadata.Distribution):
    """The metadata of the stand-in."""

    def __init__(self, name: str) -> None:
        self._name = name

    def read_text(self, filename: str) -> str | None:
        """Returns METADATA, the only file."""
        return stand_in.metadata(self._name) if filename == "METADATA" else None

    def locate_file(self, path: Any) -> Any:
        """Returns `path`: there are no files."""
        return path


FINDER = TensorFlowFinder()
METADATA = _TensorFlowMetadata()


def is_installed() -> bool:
    """True if `tensorflow` means Penstock in this process."""
    return FINDER in sys.meta_path


def install(imports: bool = True) -> None:
    """Makes `import tensorflow` find Penstock from now on.

    Args:
      imports: whether this counts as an import of tensorflow, which chooses the Keras of `tensorflow.keras`. If False, the first
        import that follows does, of a program that may set TF_USE_LEGACY_KERAS before it.

    Raises:
      RuntimeError: the real TensorFlow has already been imported.
    """
    existing = sys.modules.get(ALIAS)
    own = importlib.import_module(PUBLIC)
    if existing is not None and existing is not own:
        raise RuntimeError(
            "install_as_tensorflow: another `tensorflow` has already been imported, from "
            f"{getattr(existing, '__file__', 'an unknown place')}. Call `penstock.install_as_tensorflow()` "
            "before anything imports tensorflow or keras."
        )
    if not is_installed():
        if imports:
            asks_for_keras_2("import")
        sys.meta_path.insert(0, FINDER)
        sys.meta_path.append(METADATA)
        for companion in COMPANIONS:
            companion.install()
    sys.modules[ALIAS] = own
    identities.install()
    if not imports and existing is None:
        # The program's own import is to be the first; renaming classes makes one.
        del sys.modules[ALIAS]
        _KERAS_2_BY_USE.pop("import", None)
