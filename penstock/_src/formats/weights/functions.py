"""Functions of files of weights: those of the language model in them."""

from __future__ import annotations

from penstock._src.formats.model import Model
from penstock._src.util.slots import above


def read(path: str) -> Model:
    """Returns the model of a GGUF file or Hugging Face folder: from tokens to logits.

    Args:
      path: the file or folder.

    Raises:
      OpError: a file is missing, damaged, or of another kind of model.
    """
    return above("language_model")(path)
