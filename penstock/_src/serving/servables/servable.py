"""A servable: a loaded model, as functions over arrays with the types of their arguments."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from penstock._src.core.dtypes import DType
from penstock._src.language.architecture import Activations, CacheType
from penstock._src.saving.saved_model.constants import CLASSIFY_METHOD_NAME, REGRESS_METHOD_NAME
from penstock._src.util.dataclass import dataclass
from penstock._src.util.export import export
from penstock._src.util.process import forks

# Shapes of a request's inputs, without the first axis.
RowShapes = tuple[tuple[int, ...], ...]
# True if a proof that rows are independent holds for requests of other shapes, too.
Proof = Callable[[RowShapes], bool]
# Extents of a tensor, None for one that is not known; None for a shape of unknown rank.
Shape = tuple[int | None, ...] | None


@dataclass(frozen=True)
class TensorInfo:
    """An input or output of a signature.

    Args:
      dtype: of its elements.
      shape: its extents.
      name: of the tensor in the model's graph, for metadata.
    """

    dtype: DType
    shape: Shape
    name: str = ""


@dataclass(frozen=True, eq=False)
class Signature:
    """A function of a model.

    Args:
      name: that clients call it by.
      method_name: what kind of function it is, such as "tensorflow/serving/predict".
      inputs: by name, in the order of `run`'s arguments.
      outputs: by name, in the order of `run`'s results.
      run: a function of one array for each input, which returns one for each output. Several threads may call it.
      defaults: values of inputs that requests may leave out.
      refusal: why requests cannot call it; empty if they can.
      changes_state: whether it assigns variables or changes tables: each request is then run alone, and once.
      is_steady: True if its time depends on the shapes of its inputs alone.
      prove: returns a proof that each row of its results depends on that row of its inputs alone, for shapes of inputs and up to a number of
        rows; raises MixedRows if there is none. None: it cannot be proven.
      prepare: makes the program for arguments of these shapes without running it; returns True if a call then only computes.
    """

    name: str
    method_name: str
    inputs: Mapping[str, TensorInfo]
    outputs: Mapping[str, TensorInfo]
    run: Callable[[Sequence[np.ndarray]], list[np.ndarray]]
    defaults: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)
    refusal: str = ""
    changes_state: bool = False
    is_steady: bool = False
    prove: Callable[[RowShapes, int], Proof] | None = None
    prepare: Callable[[Sequence[np.ndarray]], bool] | None = None

    @forks.cached_property
    def is_batched(self) -> bool:
        """True if requests can be joined, given that rows are independent: the first axis of every input and output is unknown, and no variable is written.

        An input of unknown rank may have no rows, unless it takes examples. Results of unknown rank are checked at run time.
        """
        takes_examples = self.method_name in (CLASSIFY_METHOD_NAME, REGRESS_METHOD_NAME)
        can_join = bool(self.inputs) and not self.refusal and not self.changes_state
        return (
            can_join
            and all(_may_have_rows(info.shape, takes_examples) for info in self.inputs.values())
            and all(_may_have_rows(info.shape, True) for info in self.outputs.values())
        )


def _may_have_rows(shape: Shape, if_unknown: bool) -> bool:
    if shape is None:
        return if_unknown
    return len(shape) > 0 and shape[0] is None


@export("serving.Room", v1=[])
class Room(NamedTuple):
    """Cache sizes of a model that generates, if its file has none.

    Args:
      slots: sequences that are generated at a time.
      length: tokens of a sequence, with its prompt, at most.
      prefix_bytes: of keys and values of prompts' beginnings that are kept for later sequences, whatever the model; 0: none are kept.
      cache: the type of keys and values, as of `tf.language.load`: "float32", "float16" or "int8".
      activations: what packed weights are multiplied by, as of `tf.language.load`: "float32", "bfloat16" or "int8".
    """

    slots: int = 4
    length: int = 2048
    prefix_bytes: int = 256 << 20
    cache: CacheType = "float32"
    activations: Activations = "float32"


# The usual one.
ROOM = Room()


@dataclass(frozen=True, eq=False)
class Servable:
    """One version of a model, loaded.

    Args:
      path: the file or folder that it comes from.
      format: the name of the format.
      signatures: its functions by name.
      signature_defs: `SignatureDef` messages by name, for metadata.
      held: what must stay alive while it is used.
      generation: how it generates tokens; None if it does not.
      language: files with its tokenizer and its template of conversations; None if they are next to its graph.
      encoder: what makes vectors of texts; None if it does not.
    """

    path: str
    format: str
    signatures: Mapping[str, Signature]
    signature_defs: Mapping[str, Any]
    held: Any = None
    generation: Any = None
    language: Any = None
    encoder: Any = None
