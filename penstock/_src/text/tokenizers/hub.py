"""Tokenizers that are saved models."""

from typing import Any

from penstock._src.api.ragged.ragged_tensor import RaggedTensor
from penstock._src.saving.saved_model.load import load
from penstock._src.text.inputs import dense_or_ragged, on_vectors
from penstock._src.text.tokenizers.base import SplitterWithOffsets, TokenizerWithOffsets
from penstock._src.text.tokenizers.wordpiece import NO_RANK
from penstock._src.util.export import export


@export("text.HubModuleSplitter", v1=[])
class HubModuleSplitter(SplitterWithOffsets):
    """Cuts strings by a saved model, whose signature `default` takes `text` and gives `pieces` (or `tokens`), how many each text has, and where they are.

    Args:
      hub_module_handle: the folder of the model.

    Raises:
      IOError: there is none.
    """

    def __init__(self, hub_module_handle: str) -> None:
        super().__init__()
        self._hub_module = load(hub_module_handle, tags=set())
        self._hub_module_signature = self._hub_module.signatures["default"]

    def split(self, input_strs: Any) -> Any:
        """Cuts strings.

        Args:
          input_strs: strings of any shape, dense or ragged.

        Returns:
          The parts, ragged, with one more dimension.

        Raises:
          ValueError: the rank of `input_strs` is unknown.
        """
        return self.split_with_offsets(input_strs)[0]

    def split_with_offsets(self, input_strs: Any) -> Any:
        """Cuts strings.

        Args:
          input_strs: strings of any shape, dense or ragged.

        Returns:
          The parts, the bytes at which they begin and the bytes at which they end, all ragged.

        Raises:
          ValueError: the rank of `input_strs` is unknown.
        """
        return on_vectors(self._cut, dense_or_ragged(input_strs), NO_RANK)

    def _cut(self, strings: Any) -> Any:
        outputs = self._hub_module_signature(text=strings)
        name = "tokens" if "tokens" in outputs else "pieces"
        counts = outputs[f"num_{name}"]
        return [
            RaggedTensor.from_row_lengths(outputs[part], counts)
            for part in (name, "starts", "ends")
        ]


@export("text.HubModuleTokenizer", v1=[])
class HubModuleTokenizer(TokenizerWithOffsets):
    """Cuts strings into tokens by a saved model; see `HubModuleSplitter`.

    Args:
      hub_module_handle: the folder of the model.

    Raises:
      IOError: there is none.
    """

    def __init__(self, hub_module_handle: str) -> None:
        super().__init__()
        self._splitter = HubModuleSplitter(hub_module_handle)

    def tokenize(self, input_strs: Any) -> Any:
        """Cuts strings.

        Args:
          input_strs: strings of any shape, dense or ragged.

        Returns:
          The tokens, ragged, with one more dimension.

        Raises:
          ValueError: the rank of `input_strs` is unknown.
        """
        return self._splitter.split(input_strs)

    def tokenize_with_offsets(self, input_strs: Any) -> Any:
        """Cuts strings.

        Args:
          input_strs: strings of any shape, dense or ragged.

        Returns:
          The tokens, the bytes at which they begin and the bytes at which they end, all ragged.

        Raises:
          ValueError: the rank of `input_strs` is unknown.
        """
        return self._splitter.split_with_offsets(input_strs)
