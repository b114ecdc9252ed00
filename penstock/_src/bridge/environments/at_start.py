"""Import hooks that load nothing themselves: they wait for an import that needs Penstock's stand-in for TensorFlow.

`penstock enable` runs `wait` at the start of Python, and `import penstock` runs `follow`.
"""

import sys
from importlib import machinery

# The modules whose import needs the stand-in.
NAMES = ("tensorflow", "tensorflow_text", "tensorflow_decision_forests", "keras", "tf_keras")


class Waiting:
    """Installs the stand-in when one of these modules is first imported.

    It stays where it is afterwards: a finder that left the list would make the search skip the next one.
    """

    done = False

    @classmethod
    def find_spec(cls, fullname, path=None, target=None):
        """Returns the stand-in's spec for `tensorflow`; for others None, and the search goes on."""
        if cls.done or fullname.partition(".")[0] not in NAMES:
            return None
        cls.done = True
        if _is_replaced():
            return None
        return _stand_in(fullname, path, target)


class Following:
    """Finds what is nowhere else: `penstock.keras.layers`, and `tensorflow` for Keras, if TensorFlow is not installed."""

    @staticmethod
    def find_spec(fullname, path=None, target=None):
        """Returns the stand-in's spec for these modules, or None."""
        if fullname.startswith("penstock.keras."):
            from penstock._src.bridge import keras  # only once it is asked for

            return keras.find_spec(fullname)
        if fullname == "tensorflow" and _keras_needs_it():
            return _stand_in(fullname, path, target)
        return None


def _keras_needs_it():
    """True if a Keras that runs on TensorFlow has been imported, or is being imported."""
    if "tf_keras" in sys.modules:
        return True
    config = sys.modules.get("keras.src.backend.config")
    return config is not None and config.backend() == "tensorflow"


def _stand_in(fullname, path, target):
    from penstock._src.bridge import tensorflow_alias  # only once `tensorflow` is asked for

    tensorflow_alias.install()
    if fullname == tensorflow_alias.ALIAS:
        # Otherwise importlib would load the module again by its own spec: a second Penstock.
        del sys.modules[fullname]
    finders = [each.FINDER for each in (*tensorflow_alias.COMPANIONS, tensorflow_alias)]
    specs = (finder.find_spec(fullname, path, target) for finder in finders)
    return next((spec for spec in specs if spec is not None), None)


def _is_replaced():
    """True if TensorFlow itself has come into this environment since; a warning says so."""
    spec = machinery.PathFinder.find_spec("tensorflow")
    if spec is None or not spec.origin:
        return False
    import warnings  # only once it is needed, as at every start of Python this file is read

    warnings.warn(
        f"TensorFlow itself is installed in this environment ({spec.origin}), which `penstock enable` had given to Penstock, and "
        "`import tensorflow` gives it from now on. Probably pip installed it for a library that requires another version: `penstock doctor` "
        "tells which. `pip uninstall tensorflow` and `penstock enable --as VERSION --constraints FILE` give Penstock back and keep pip from it; "
        "`penstock disable` leaves TensorFlow, and ends this warning.",
        RuntimeWarning,
        stacklevel=2,
    )
    return True


def wait():
    """Makes the first `import tensorflow` find Penstock, before all other finders."""
    if Waiting not in sys.meta_path:
        sys.meta_path.insert(0, Waiting)


def follow():
    """Makes imports that find nothing else find Penstock's Keras, and Keras find its backend."""
    if Following not in sys.meta_path:
        sys.meta_path.append(Following)
