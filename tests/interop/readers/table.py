"""Which reader reads what, and what came of it."""

import dataclasses
import json
from pathlib import Path

PAGE = Path(__file__).parent.parent.parent.parent / "docs" / "readers.md"
RECORDED = Path(__file__).with_name("outcomes.json")
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
OUTCOMES = {
    "equal": "e",
    "as TensorFlow's": "t",
    "refused": "r",
    "ended": "x",
    "wrong": "w",
}
CELLS = [(kind.title, reader.title) for kind, readers in READERS.items() for reader in readers]


class Results:
    """Outcomes by model, kind of file and reader; `write` keeps those of earlier runs for models that were not run."""

    def __init__(self) -> None:
        self._new: dict[str, dict[tuple[str, str], str]] = {}
        self.finds = 0

    def add(self, kind: Kind, reader: Reader, outcome: str, name: str) -> None:
        """Records an outcome."""
        self._new.setdefault(name, {})[kind.title, reader.title] = outcome
        self.finds += outcome not in ("equal", "as TensorFlow's")

    def _letters(self, known: dict[str, str]) -> dict[str, str]:
        """Adds the outcomes of this run to known ones: a letter for each of CELLS, `-` where nothing was run."""
        letters = dict(known)
        for name, found in self._new.items():
            before = letters.get(name, "-" * len(CELLS))
            letters[name] = "".join(
                OUTCOMES[found[cell]] if cell in found else letter
                for cell, letter in zip(CELLS, before, strict=True)
            )
        return letters

    def lines(self, known: dict[str, str] | None = None) -> list[str]:
        """The table, and below it what it counts on the right."""
        letters = self._letters(known or {})
        titles = ["file", "reader", *OUTCOMES]
        table = [titles, ["---", "---", *(["---:"] * len(OUTCOMES))]]
        finds = []
        for i, cell in enumerate(CELLS):
            of = [found[i] for found in letters.values()]
            if any(letter != "-" for letter in of):
                table.append([*cell, *(str(of.count(letter)) for letter in OUTCOMES.values())])
            for outcome in ("refused", "ended", "wrong"):
                names = [name for name, found in letters.items() if found[i] == OUTCOMES[outcome]]
                finds += [f"- {', '.join(cell)}, {outcome}: {', '.join(names)}"] if names else []
        return [
            f"{len(letters)} models.",
            "",
            *(f"| {' | '.join(row)} |" for row in table),
            *(["", *finds] if finds else []),
        ]

    def write(self) -> None:
        """Writes the table into the page."""
        known = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
        letters = self._letters(known)
        RECORDED.write_text(json.dumps(letters, indent=0) + "\n")
        before, _, after = PAGE.read_text().partition(START)
        text = "\n".join([START, "", *self.lines(known), "", END])
        PAGE.write_text(before + text + after.partition(END)[2])
