"""tf.compat.v1: the names of TensorFlow 1, from the table `_names_v1.txt`."""

from penstock._src.bridge.compat_v1 import attach as _attach

__getattr__, __dir__ = _attach(__name__)
