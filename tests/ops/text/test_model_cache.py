"""Models in arrays are read once."""

import numpy as np

from penstock._src.ops.text.models.model_cache import ModelCache


def test_equal_models_are_read_once_and_changed_views_again():
    read = []

    def size(data):
        read.append(data)
        return len(data)

    kept = ModelCache(size, 2)
    array = np.frombuffer(b"abc", np.uint8).copy()
    assert [kept(array), kept(array), kept(array.copy())] == [3, 3, 3]
    assert read == [b"abc"]
    view = array[:2]
    kept(view)
    array[0] = ord("x")
    kept(view)
    assert read == [b"abc", b"ab", b"xb"]
