"""TensorFlow's tables of users, experiments, runs, tags, tensors and graphs, filled by events."""

import random
import sqlite3
import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from penstock._src.core import dtypes
from penstock._src.ops.tensor_proto import from_proto
from penstock._src.proto.graph import GraphDef, NodeDef

_TABLES = """
CREATE TABLE IF NOT EXISTS Ids (id INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS Descriptions (id INTEGER PRIMARY KEY, description TEXT);
CREATE TABLE IF NOT EXISTS Tensors (
  rowid INTEGER PRIMARY KEY, series INTEGER, step INTEGER, dtype INTEGER, computed_time REAL, shape TEXT, data BLOB);
CREATE UNIQUE INDEX IF NOT EXISTS TensorSeriesStepIndex ON Tensors (series, step)
  WHERE series IS NOT NULL AND step IS NOT NULL;
CREATE TABLE IF NOT EXISTS TensorStrings (
  rowid INTEGER PRIMARY KEY, tensor_rowid INTEGER NOT NULL, idx INTEGER NOT NULL, data BLOB);
CREATE UNIQUE INDEX IF NOT EXISTS TensorStringIndex ON TensorStrings (tensor_rowid, idx);
CREATE TABLE IF NOT EXISTS Tags (
  rowid INTEGER PRIMARY KEY, run_id INTEGER, tag_id INTEGER NOT NULL, inserted_time DOUBLE, tag_name TEXT,
  display_name TEXT, plugin_name TEXT, plugin_data BLOB);
CREATE UNIQUE INDEX IF NOT EXISTS TagIdIndex ON Tags (tag_id);
CREATE UNIQUE INDEX IF NOT EXISTS TagRunNameIndex ON Tags (run_id, tag_name)
  WHERE run_id IS NOT NULL AND tag_name IS NOT NULL;
CREATE TABLE IF NOT EXISTS Runs (
  rowid INTEGER PRIMARY KEY, experiment_id INTEGER, run_id INTEGER NOT NULL, inserted_time REAL,
  started_time REAL, finished_time REAL, run_name TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS RunIdIndex ON Runs (run_id);
CREATE UNIQUE INDEX IF NOT EXISTS RunNameIndex ON Runs (experiment_id, run_name) WHERE run_name IS NOT NULL;
CREATE TABLE IF NOT EXISTS Experiments (
  rowid INTEGER PRIMARY KEY, user_id INTEGER, experiment_id INTEGER NOT NULL, inserted_time REAL,
  started_time REAL, is_watching INTEGER, experiment_name TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS ExperimentIdIndex ON Experiments (experiment_id);
CREATE UNIQUE INDEX IF NOT EXISTS ExperimentNameIndex ON Experiments (user_id, experiment_name)
  WHERE experiment_name IS NOT NULL;
CREATE TABLE IF NOT EXISTS Users (
  rowid INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, inserted_time REAL, user_name TEXT, email TEXT);
CREATE UNIQUE INDEX IF NOT EXISTS UserIdIndex ON Users (user_id);
CREATE UNIQUE INDEX IF NOT EXISTS UserNameIndex ON Users (user_name) WHERE user_name IS NOT NULL;
CREATE UNIQUE INDEX IF NOT EXISTS UserEmailIndex ON Users (email) WHERE email IS NOT NULL;
CREATE TABLE IF NOT EXISTS Graphs (
  rowid INTEGER PRIMARY KEY, run_id INTEGER, graph_id INTEGER NOT NULL, inserted_time REAL, graph_def BLOB);
CREATE UNIQUE INDEX IF NOT EXISTS GraphIdIndex ON Graphs (graph_id);
CREATE UNIQUE INDEX IF NOT EXISTS GraphRunIndex ON Graphs (run_id) WHERE run_id IS NOT NULL;
CREATE TABLE IF NOT EXISTS Nodes (
  rowid INTEGER PRIMARY KEY, graph_id INTEGER NOT NULL, node_id INTEGER NOT NULL, node_name TEXT, op TEXT,
  device TEXT, node_def BLOB);
CREATE UNIQUE INDEX IF NOT EXISTS NodeIdIndex ON Nodes (graph_id, node_id);
CREATE UNIQUE INDEX IF NOT EXISTS NodeNameIndex ON Nodes (graph_id, node_name) WHERE node_name IS NOT NULL;
CREATE TABLE IF NOT EXISTS NodeInputs (
  rowid INTEGER PRIMARY KEY, graph_id INTEGER NOT NULL, node_id INTEGER NOT NULL, idx INTEGER NOT NULL,
  input_node_id INTEGER NOT NULL, input_node_idx INTEGER, is_control INTEGER);
CREATE UNIQUE INDEX IF NOT EXISTS NodeInputsIndex ON NodeInputs (graph_id, node_id, idx);
"""
_GREATEST_ID = 9_999_999
_IDS = random.Random()  # not Python's own generator, whose state is the user's
_PLUGINS = {"simple_value": "scalars", "histo": "histograms", "image": "images", "audio": "audio"}


class DatabaseWriter:
    """Writes events into a database, as the events of one run of an experiment of a user.

    Args:
      path: the file, created if it does not exist.
      experiment: name of the experiment; "" for none.
      run: name of the run; "" for none.
      user: name of the user; "" for none.
    """

    def __init__(self, path: str, experiment: str, run: str, user: str) -> None:
        self._lock = threading.RLock()
        self._names = {"user": user, "experiment": experiment, "run": run}
        self._database = sqlite3.connect(path, check_same_thread=False)
        self._database.executescript(_TABLES)
        self._run: int | None = None
        self._started = float("inf")
        self._tags: dict[str, int] = {}
        self.closed = False

    def write(self, event: Any) -> None:
        """Adds the contents of an event."""
        with self._lock:
            if self.closed:
                return
            if event.WhichOneof("what") == "graph_def":
                self._write_graph(GraphDef.FromString(event.graph_def), event.wall_time)
            for value in event.summary.value:
                self._write_value(value, event)

    def flush(self) -> None:
        """Commits the pending writes."""
        with self._lock:
            if not self.closed:
                self._database.commit()

    def close(self) -> None:
        """Records the end of the run and closes the file."""
        with self._lock:
            if self.closed:
                return
            if self._run is not None:
                self._execute(
                    "UPDATE Runs SET finished_time = ? WHERE run_id = ?", time.time(), self._run
                )
            self.flush()
            self._database.close()
            self.closed = True

    def _execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        return self._database.execute(statement, values)

    def _new_id(self) -> int:
        """An unused id."""
        while True:
            number = _IDS.randint(1, _GREATEST_ID)
            if self._execute("INSERT OR IGNORE INTO Ids (id) VALUES (?)", number).rowcount:
                return number

    def _row(self, table: str, key: str, columns: dict[str, Any], unique: Sequence[str]) -> int:
        """The id of the row with these unique columns, created if necessary."""
        where = " AND ".join(f"{name} IS ?" for name in unique)
        row = self._execute(
            f"SELECT {key} FROM {table} WHERE {where}", *(columns[name] for name in unique)
        ).fetchone()
        if row is not None:
            return row[0]
        columns = {key: self._new_id(), **columns, "inserted_time": time.time()}
        marks = ", ".join("?" * len(columns))
        self._execute(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", *columns.values()
        )
        return columns[key]

    def _run_id(self, started: float) -> int:
        """The run, with its experiment and user, that began no later than `started`."""
        if self._run is None:
            names = {kind: name or None for kind, name in self._names.items()}
            user = names["user"] and self._row(
                "Users", "user_id", {"user_name": names["user"]}, ["user_name"]
            )
            experiment = names["experiment"] and self._row(
                "Experiments",
                "experiment_id",
                {"user_id": user, "experiment_name": names["experiment"], "is_watching": 0},
                ["user_id", "experiment_name"],
            )
            self._experiment = experiment
            self._run = self._row(
                "Runs",
                "run_id",
                {"experiment_id": experiment, "run_name": names["run"]},
                ["experiment_id", "run_name"],
            )
        if started < self._started:
            self._started = started
            self._execute("UPDATE Runs SET started_time = ? WHERE run_id = ?", started, self._run)
            self._execute(
                "UPDATE Experiments SET started_time = ? WHERE experiment_id = ?",
                started,
                self._experiment,
            )
        return self._run

    def _tag_id(self, value: Any, started: float) -> int:
        run = self._run_id(started)
        if value.tag not in self._tags:
            metadata = value.metadata
            plugin = metadata.plugin_data.plugin_name or _PLUGINS.get(value.WhichOneof("value"), "")
            columns = {
                "run_id": run,
                "tag_name": value.tag,
                "display_name": metadata.display_name,
                "plugin_name": plugin,
                "plugin_data": metadata.plugin_data.content,
            }
            tag = self._row("Tags", "tag_id", columns, ["run_id", "tag_name"])
            self._execute(
                "INSERT OR IGNORE INTO Descriptions (id, description) VALUES (?, ?)",
                tag,
                metadata.summary_description,
            )
            self._tags[value.tag] = tag
        return self._tags[value.tag]

    def _write_value(self, value: Any, event: Any) -> None:
        tensor, dtype = _tensor_of(value)
        tag = self._tag_id(value, event.wall_time)
        texts = dtype is dtypes.string
        data = None if texts else np.ascontiguousarray(tensor).tobytes()
        row = self._execute(
            "INSERT OR REPLACE INTO Tensors (series, step, dtype, computed_time, shape, data) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            tag, event.step, dtype.as_datatype_enum, event.wall_time, ",".join(map(str, tensor.shape)), data,
        ).lastrowid  # fmt: skip
        if texts:
            for index, text in enumerate(tensor.ravel()):
                self._execute(
                    "INSERT INTO TensorStrings (tensor_rowid, idx, data) VALUES (?, ?, ?)",
                    row,
                    index,
                    text,
                )

    def _write_graph(self, graph: Any, written: float) -> None:
        number, run = self._new_id(), self._run_id(written)
        places = {node.name: place for place, node in enumerate(graph.node)}
        for place, node in enumerate(graph.node):
            for index, text in enumerate(node.input):
                name, _, output = text.lstrip("^").partition(":")
                self._execute(
                    "INSERT INTO NodeInputs (graph_id, node_id, idx, input_node_id, input_node_idx, is_control) "
                    "VALUES (?, ?, ?, ?, ?, ?)",
                    number, place, index, places[name], -1 if text[0] == "^" else int(output or 0),
                    int(text[0] == "^"),
                )  # fmt: skip
            # The other fields of the node have columns of their own.
            rest = NodeDef()
            rest.CopyFrom(node)
            for field in ("name", "op", "device", "input"):
                rest.ClearField(field)
            self._execute(
                "INSERT INTO Nodes (graph_id, node_id, node_name, op, device, node_def) VALUES (?, ?, ?, ?, ?, ?)",
                number, place, node.name, node.op, node.device, rest.SerializeToString(),
            )  # fmt: skip
        rest = GraphDef()
        rest.CopyFrom(graph)
        rest.ClearField("node")
        self._execute(
            "INSERT OR REPLACE INTO Graphs (run_id, graph_id, inserted_time, graph_def) VALUES (?, ?, ?, ?)",
            run, number, time.time(), rest.SerializeToString(),
        )  # fmt: skip


def _tensor_of(value: Any) -> tuple[np.ndarray, Any]:
    """(the value as a tensor in the form of TensorBoard's plugins, its dtype)."""
    kind = value.WhichOneof("value")
    if kind == "simple_value":
        return np.float32(value.simple_value), dtypes.float32
    if kind == "histo":
        limits = list(value.histo.bucket_limit)
        # TensorFlow begins the first bucket at the least positive number.
        lefts = [np.finfo(np.float64).tiny, *limits[:-1]]
        rows = np.column_stack([lefts, limits, list(value.histo.bucket)])
        return rows.astype(np.float64), dtypes.float64
    if kind == "image":
        image = value.image
        sizes = [str(image.width).encode(), str(image.height).encode()]
        return np.array([*sizes, image.encoded_image_string], object), dtypes.string
    if kind == "audio":
        return np.array([[value.audio.encoded_audio_string, b""]], object), dtypes.string
    return from_proto(value.tensor), dtypes.as_dtype(value.tensor.dtype)
