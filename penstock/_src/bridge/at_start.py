"""The startup hook that `penstock enable` installs in a virtual environment.

Imported by a `.pth` file, so it loads nothing: it only waits for the first import of TensorFlow or Keras.
"""

import sys


class Waiting:
    """Installs the stand-in when `tensorflow` or `keras` is first imported, then steps aside."""

    @staticmethod
    def find_spec(fullname, path=None, target=None):
        """Returns no spec itself: the import system goes on to the finder of the stand-in."""
        if fullname.partition(".")[0] not in ("tensorflow", "keras"):
            return None
        sys.meta_path.remove(Waiting)
        from penstock._src.bridge import tensorflow_alias  # only once `tensorflow` is asked for

        tensorflow_alias.install()
        if fullname == tensorflow_alias.ALIAS:
            # Otherwise importlib would load the module again by its own spec: a second Penstock.
            del sys.modules[fullname]
        return tensorflow_alias.FINDER.find_spec(fullname, path, target)


def wait():
    """Installs the hook."""
    if Waiting not in sys.meta_path:
        sys.meta_path.insert(0, Waiting)
