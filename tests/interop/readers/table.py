"""Which reader reads what, and what came of it."""

import collections
import dataclasses
from pathlib import Path

PAGE = Path(__file__).parent.parent.parent.parent / "docs" / "readers.md"
START, END = "<!-- written by tests.interop.readers -->", "<!-- end -->"


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
      title: as the page names it.
      function: in writing.py.
      file: the file's name.
      original: the function by which TensorFlow writes what readers get in its stead.
      of_keras: True if only Keras models are written.
    """

    title: str
    function: str
    file: str
    original: str = ""
    of_keras: bool = False


@dataclasses.dataclass(frozen=True)
class Reader:
    """A reader of a kind of file: its title, the library that it needs, a function in reading.py, and what its environment has."""

    title: str
    library: str
    function: str
    variables: tuple[tuple[str, str], ...] = ()


CHECKER = Reader("onnx.checker", "onnx", "onnx_checker")
RUNTIME = Reader("ONNX Runtime", "onnxruntime", "onnx_runtime")
REFERENCE = Reader("onnx.reference", "onnx", "onnx_reference")
OPENVINO = Reader("OpenVINO", "openvino", "openvino")
TFLITE = Reader("ai-edge-litert", "ai_edge_litert.interpreter", "lite")

READERS: dict[Kind, tuple[Reader, ...]] = {
    Kind("SavedModel (`export`)", "saved_model", "saved"): (
        Reader("TensorFlow", "tensorflow", "tensorflow"),
        Reader("tf2onnx, ONNX Runtime", "tensorflow", "tf2onnx_of_saved_model"),
        Reader("TensorFlow's TFLite converter", "tensorflow", "tensorflow_lite"),
        OPENVINO,
        Reader("Core ML's converter", "tensorflow", "core_ml"),
    ),
    Kind("frozen graph", "frozen", "frozen"): (
        # With oneDNN, without which TensorFlow has no fused convolutions in groups.
        Reader(
            "TensorFlow (session)",
            "tensorflow",
            "tensorflow_session",
            (("TF_ENABLE_ONEDNN_OPTS", "1"),),
        ),
        Reader("tf2onnx, ONNX Runtime", "tensorflow", "tf2onnx_of_frozen"),
        Reader("OpenVINO", "openvino", "openvino_of_frozen"),
    ),
    Kind("ONNX", "onnx", "model.onnx", original="onnx_by_keras"): (
        CHECKER,
        RUNTIME,
        REFERENCE,
        OPENVINO,
    ),
    Kind("ONNX (`export`, tf2onnx)", "onnx_by_keras", "model.onnx"): (CHECKER, RUNTIME, OPENVINO),
    Kind("OpenVINO (`export`)", "openvino", "model.xml", of_keras=True): (
        Reader("OpenVINO", "openvino", "openvino_of_keras"),
    ),
    Kind("TFLite", "tflite", "model.tflite"): (TFLITE, OPENVINO),
    Kind("LiteRT (`export`)", "litert", "model.tflite", of_keras=True): (
        Reader("TensorFlow's interpreter", "tensorflow", "tensorflow_interpreter"),
    ),
    Kind("Keras", "keras", "model.keras", of_keras=True): (
        Reader("Keras on TensorFlow", "keras", "keras", (("KERAS_BACKEND", "tensorflow"),)),
        Reader("Keras on JAX", "keras", "keras", (("KERAS_BACKEND", "jax"),)),
    ),
}
OUTCOMES = ("equal", "as TensorFlow's", "refused", "ended", "wrong")


class Results:
    """Counts of outcomes by kind of file and reader, and the models that are read otherwise than TensorFlow's files."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._counts: dict[tuple[str, str], collections.Counter[str]] = {}
        self.finds: dict[str, list[str]] = {}

    def add(self, kind: Kind, reader: Reader, outcome: str, name: str) -> None:
        """Counts an outcome."""
        key = kind.title, reader.title
        self._names.add(name)
        self._counts.setdefault(key, collections.Counter())[outcome] += 1
        if outcome in OUTCOMES[2:]:
            self.finds.setdefault(f"{kind.title}, {reader.title}, {outcome}", []).append(name)

    def lines(self) -> list[str]:
        """The table, and below it what it counts on the right."""
        titles = ["file", "reader", *OUTCOMES]
        rows = [[*key, *(str(of[each]) for each in OUTCOMES)] for key, of in self._counts.items()]
        table = [titles, ["---", "---", *(["---:"] * len(OUTCOMES))], *rows]
        finds = [f"- {about}: {', '.join(names)}" for about, names in self.finds.items()]
        return [
            f"{len(self._names)} models.",
            "",
            *(f"| {' | '.join(row)} |" for row in table),
            *(["", *finds] if finds else []),
        ]

    def write(self) -> None:
        """Writes the table into the page."""
        before, _, after = PAGE.read_text().partition(START)
        text = "\n".join([START, "", *self.lines(), "", END])
        PAGE.write_text(before + text + after.partition(END)[2])
