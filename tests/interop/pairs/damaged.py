"""Damaged checkpoints and SavedModels are refused with errors of the same class.

Where TensorFlow's reader of checkpoints raises its bare OpError or IndexError, Penstock says which kind of error it is: DataLossError for
damaged files, NotFoundError for missing ones. These count as equal.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.interop.pairs import error_of


def _refusal(function: Callable[[], Any]) -> str:
    """`error_of`, but the reader's errors are one kind."""
    names = "OpError", "IndexError", "DataLossError", "NotFoundError"
    found = error_of(function)
    return "refused" if found in names else found


class Checkpoints:
    """Files of a checkpoint that are cut, changed or missing."""

    @staticmethod
    def write(tf: Any, folder: str) -> Any:
        tf.train.Checkpoint(v=tf.Variable(tf.range(100.0)), s=tf.Variable("text")).write(
            folder + "/c"
        )

    @staticmethod
    def read(tf: Any, folder: str) -> Any:
        index, data = (
            Path(folder, "c.index").read_bytes(),
            Path(folder, "c.data-00000-of-00001").read_bytes(),
        )
        damages = {
            "whole": (index, data),
            "empty index": (b"", data),
            "cut index": (index[: len(index) // 2], data),
            "changed index": (bytes([index[0], index[1] ^ 255, *index[2:]]), data),
            "other magic": (index[:-1] + b"\x00", data),
            "cut data": (index, data[:50]),
            "empty data": (index, b""),
            "changed data": (index, data[:41] + bytes([data[41] ^ 1]) + data[42:]),
            "no index": (None, data),
            "no data": (index, None),
        }
        found = {}
        for name, (new_index, new_data) in damages.items():
            path = Path(folder, name)
            path.mkdir()
            if new_index is not None:
                (path / "c.index").write_bytes(new_index)
            if new_data is not None:
                (path / "c.data-00000-of-00001").write_bytes(new_data)

            def restore(file: str = str(path / "c")) -> str:
                v, s = tf.Variable(tf.zeros([100])), tf.Variable("")
                tf.train.Checkpoint(v=v, s=s).read(file).assert_consumed()
                return "read"

            found[name] = (
                _refusal(restore),
                _refusal(lambda file=str(path / "c"): len(tf.train.list_variables(file))),
            )
        shape = tf.train.Checkpoint(v=tf.Variable(tf.zeros([7])))
        found["shape"] = error_of(lambda: shape.read(folder + "/c").expect_partial())
        dtype = tf.train.Checkpoint(v=tf.Variable(tf.zeros([100], tf.int32)))
        found["dtype"] = error_of(lambda: dtype.read(folder + "/c").expect_partial())
        missing = tf.train.Checkpoint(v=tf.Variable(tf.zeros([100])), other=tf.Variable(1))
        found["other object"] = error_of(lambda: missing.read(folder + "/c").assert_consumed())
        reader = tf.train.load_checkpoint(folder + "/c")
        found["key"] = error_of(lambda: reader.get_tensor("none"))
        return found


class SavedModels:
    """Files of a SavedModel that are cut, changed or missing."""

    @staticmethod
    def write(tf: Any, folder: str) -> Any:
        module = tf.Module()
        module.v = tf.Variable([1.0, 2.0])
        module.f = tf.function(lambda x: x + module.v, input_signature=[tf.TensorSpec([2])])
        tf.saved_model.save(module, folder + "/m")

    @staticmethod
    def read(tf: Any, folder: str) -> Any:
        graph = Path(folder, "m/saved_model.pb").read_bytes()
        changes = {
            "whole": {},
            "empty graph": {"saved_model.pb": b""},
            "cut graph": {"saved_model.pb": graph[: len(graph) // 2]},
            "noise": {"saved_model.pb": b"\xff" * 100},
            "no graph": {"saved_model.pb": None},
            "no index": {"variables/variables.index": None},
            "no data": {"variables/variables.data-00000-of-00001": None},
            "empty index": {"variables/variables.index": b""},
            "no fingerprint": {"fingerprint.pb": None},
            "text": {"saved_model.pb": None, "saved_model.pbtxt": b"not a message"},
        }
        found = {}
        for name, files in changes.items():
            path = Path(folder, name)
            shutil.copytree(Path(folder, "m"), path)
            for file, content in files.items():
                if content is None:
                    (path / file).unlink()
                else:
                    (path / file).write_bytes(content)

            def load(path: str = str(path)) -> str:
                model = tf.saved_model.load(path)
                return str(model.f(tf.ones([2])).numpy())

            found[name] = _refusal(load)
        found["no folder"] = error_of(lambda: tf.saved_model.load(folder + "/none"))
        found["tags"] = error_of(lambda: tf.saved_model.load(folder + "/m", tags=["train"]))
        return found
