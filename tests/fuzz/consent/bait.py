"""Bait: files, folders, a module and a function that an op could touch, and the strings that lead to them."""

from __future__ import annotations

import marshal
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import penstock as tf

MARK = "baitzqx"
SECRET = "secretzqx content of a file"
MODULE = f"{MARK}_module"


class Bait:
    """Bait in a folder.

    Args:
      folder: a new folder, which becomes the current one.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder / MARK
        inner = self.root / "folder"
        inner.mkdir(parents=True)
        (self.root / "secret.txt").write_text(f"{SECRET}\n1 2\n")
        (inner / "secret.txt").write_text(SECRET)
        modules = folder / "modules"  # the interpreter lists it when it imports anything
        modules.mkdir()
        (modules / f"{MODULE}.py").write_text("raise SystemExit('imported')")
        _write_data(self.root)
        self.model = self.root / "model"
        self._add_model()
        self.empty = folder / "current"
        self.empty.mkdir()
        os.chdir(self.empty)
        sys.path.append(str(modules))
        tf.io.write_file(f"ram://{MARK}/secret.txt", SECRET)

        def called(*arguments: Any) -> Any:
            self.calls += 1
            return arguments

        self.calls = 0
        # Held by the operations.
        with tf.Graph().as_default():
            self._kept = [
                call(called, [tf.constant(b"")], tf.string)
                for call in (tf.numpy_function, tf.py_function)
            ]
        self.tokens = [tensor.op.get_attr("token").decode() for tensor in self._kept]
        self.before = self.state()

    def _add_model(self) -> None:
        """A model's folder, with links to what is outside of it."""
        self.model.mkdir()
        (self.model / "own.txt").write_text("a file of the model")
        for name in ("secret.txt", "folder", "dataset"):
            (self.model / name).symlink_to(self.root / name)
        (self.model / "inner").mkdir()
        (self.model / "inner" / "secret.txt").symlink_to(self.root / "secret.txt")
        for name in os.listdir(self.root):
            if name.startswith("checkpoint.index"):
                (self.model / name).write_bytes((self.root / name).read_bytes())
            elif name.startswith("checkpoint."):
                (self.model / name).symlink_to(self.root / name)
        shutil.copytree(self.root / "dataset", self.model / "links")
        for place, _, names in os.walk(self.root / "dataset"):
            for name in names:
                link = self.model / "links" / os.path.relpath(place, self.root / "dataset") / name
                link.unlink()
                link.symlink_to(os.path.join(place, name))

    def state(self) -> dict[str, Any]:
        """Returns what would change if bait were: contents, dates and names of all files."""
        found: dict[Any, Any] = {"calls": self.calls}
        for place, names, files in os.walk(self.root.parent):
            found[place] = sorted(names + files)
            for name in files:
                about = os.stat(os.path.join(place, name))
                found[about.st_ino, name] = about.st_size, about.st_mtime_ns, about.st_ctime_ns
        for folder in ("ram://", f"ram://{MARK}"):
            found[folder] = tf.io.gfile.listdir(folder)
        return found

    def changes(self) -> list[Any]:
        """Returns the keys of what has changed in `state` since the last call."""
        now = self.state()
        changed = [
            key for key in self.before.keys() | now.keys() if self.before.get(key) != now.get(key)
        ]
        self.before = now
        return changed

    def strings(self) -> dict[str, bytes]:
        """Returns strings that lead to bait, by what they are."""
        root = str(self.root)
        texts = {
            "file": f"{root}/secret.txt",
            "records": f"{root}/records",
            "new file": f"{root}/new",
            "folder": f"{root}/folder",
            "pattern": f"{root}/*",
            "prefix": f"{root}/checkpoint",
            "dataset": f"{root}/dataset",
            "url of a file": f"file://{root}/secret.txt",
            "url of a new file": f"file://{root}/new",
            "url in memory": f"ram://{MARK}/secret.txt",
            "new url in memory": f"ram://{MARK}/new",
            "url of a server": f"http://localhost:9/{MARK}",
            "current folder": "",
            "module": MODULE,
            "token": self.tokens[0],
            "token of an eager function": self.tokens[1],
            "program": f"__import__('{MODULE}')",
        }
        made = {name: text.encode() for name, text in texts.items()}
        made["pickle"] = f"c{MODULE}\nf\n.".encode()
        made["bytecode"] = marshal.dumps(compile("1", MODULE, "exec"))
        made["graph"] = _graph_that_reads(texts["file"])
        return made

    def strings_of_model(self) -> dict[str, bytes]:
        """Returns strings that lead into the model's folder and out of it."""
        model = str(self.model)
        texts = {
            "file": f"{model}/secret.txt",
            "url of a link": f"file://{model}/secret.txt",
            "above": f"{model}/../secret.txt",
            "above a link": f"{model}/folder/../secret.txt",
            "folder": f"{model}/folder",
            "within a link": f"{model}/folder/secret.txt",
            "folder of links": f"{model}/inner",
            "pattern": f"{model}/*.txt",
            "prefix": f"{model}/checkpoint",
            "part of a prefix": f"{model}/checkpoi",
            "dataset": f"{model}/dataset",
            "dataset of links": f"{model}/links",
            "new file": f"{model}/new",
            "whole folder": model,
            "beside": f"{model}2/secret.txt",
            "own file": f"{model}/own.txt",
            "url in memory": f"ram://{MARK}/secret.txt",
            "graph": _graph_that_reads(f"{model}/secret.txt").decode("latin-1"),
        }
        return {name: text.encode("latin-1") for name, text in texts.items()}


def _write_data(root: Path) -> None:
    """Files in formats that readers of records, checkpoints and datasets take."""
    with tf.io.TFRecordWriter(str(root / "records")) as writer:
        writer.write(SECRET.encode())
    tf.raw_ops.SaveV2(
        prefix=str(root / "checkpoint"), tensor_names=["x"], shape_and_slices=[""],
        tensors=[tf.constant(SECRET)],
    )  # fmt: skip
    tf.data.Dataset.from_tensors(SECRET).save(str(root / "dataset"))


def _graph_that_reads(path: str) -> bytes:
    """The graph of a dataset that reads a file."""
    dataset = tf.data.TextLineDataset(path)
    return tf.raw_ops.DatasetToGraphV2(input_dataset=dataset._variant_tensor).numpy()
