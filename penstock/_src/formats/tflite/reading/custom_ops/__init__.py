"""Ops that files have by names, not by TFLite's numbers: a function for each, registered by the decorator `custom` of `../call.py`.

`landmarks.py` has MediaPipe's, `detections.py` and `audio.py` those of TFLite's own interpreters, `tensorflow_ops.py` TensorFlow's ops ("Flex").
"""

import importlib
import pkgutil


def load() -> None:
    """Imports all modules."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
