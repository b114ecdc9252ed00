"""A language model as a function, which other formats hold."""

from __future__ import annotations

from penstock._src.core.errors import InvalidArgumentError
from penstock._src.formats.model import Model
from penstock._src.language.files import is_language_model
from penstock._src.language.model import assemble
from penstock._src.saving.saved_model.constants import DEFAULT_SERVING_SIGNATURE_DEF_KEY


def language_model(path: str) -> Model:
    """Returns the function of a language model, from the tokens of one text to the logits after each.

    Args:
      path: a GGUF file, or a Hugging Face folder.

    Raises:
      InvalidArgumentError: a safetensors file alone does not describe the computation.
    """
    if not is_language_model(path):
        raise InvalidArgumentError(
            f"{path}: the file alone does not describe the computation. Give a folder with a config.json."
        )
    about, program, _ = assemble(path, None, packed=False)
    traced = program.whole.get_concrete_function()
    details = {"family": about.architecture.family, "layers": about.architecture.layers}
    return Model({DEFAULT_SERVING_SIGNATURE_DEF_KEY: traced}, program, path, details)
