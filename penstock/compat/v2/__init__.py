"""tf.compat.v2: the public API itself."""

import penstock as _penstock


def __getattr__(name):
    return getattr(_penstock, name)


def __dir__():
    return dir(_penstock)
