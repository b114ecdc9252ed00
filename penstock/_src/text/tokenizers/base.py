"""The classes that splitters and tokenizers are."""

import abc
from typing import Any

from penstock._src.api.module import Module
from penstock._src.util.export import export


@export("text.Splitter", v1=[])
class Splitter(Module):
    """The base of classes that cut strings into parts: they have `split`.

    Args:
      name: a name for the module, or None.
    """

    @abc.abstractmethod
    def split(self, input: Any) -> Any:
        """Cuts strings into parts.

        Args:
          input: strings of any shape, dense or ragged.

        Returns:
          The parts, ragged, with one more dimension.

        Raises:
          NotImplementedError: the class lacks it.
        """
        raise NotImplementedError("Abstract method")


@export("text.SplitterWithOffsets", v1=[])
class SplitterWithOffsets(Splitter):
    """The base of classes that cut strings into parts and say where these were.

    Args:
      name: a name for the module, or None.
    """

    @abc.abstractmethod
    def split_with_offsets(self, input: Any) -> Any:
        """Cuts strings into parts.

        Args:
          input: strings of any shape, dense or ragged.

        Returns:
          The parts, the bytes at which they begin and the bytes at which they end, all ragged.

        Raises:
          NotImplementedError: the class lacks it.
        """
        raise NotImplementedError("Abstract method")


@export("text.Tokenizer", v1=[])
class Tokenizer(Splitter):
    """The base of splitters whose parts are tokens: they have `tokenize`.

    Args:
      name: a name for the module, or None.
    """

    @abc.abstractmethod
    def tokenize(self, input: Any) -> Any:
        """Cuts strings into tokens.

        Args:
          input: strings of any shape, dense or ragged.

        Returns:
          The tokens, or their numbers, ragged, with one more dimension.

        Raises:
          NotImplementedError: the class lacks it.
        """
        raise NotImplementedError("Abstract method")

    def split(self, input: Any) -> Any:
        """Cuts strings into tokens: another name of `tokenize`.

        Args:
          input: strings of any shape, dense or ragged.

        Returns:
          The tokens, ragged.
        """
        return self.tokenize(input)


@export("text.TokenizerWithOffsets", v1=[])
class TokenizerWithOffsets(Tokenizer, SplitterWithOffsets):
    """The base of tokenizers that say where tokens were.

    Args:
      name: a name for the module, or None.
    """

    @abc.abstractmethod
    def tokenize_with_offsets(self, input: Any) -> Any:
        """Cuts strings into tokens.

        Args:
          input: strings of any shape, dense or ragged.

        Returns:
          The tokens, the bytes at which they begin and the bytes at which they end, all ragged.

        Raises:
          NotImplementedError: the class lacks it.
        """
        raise NotImplementedError("Abstract method")

    def split_with_offsets(self, input: Any) -> Any:
        """Cuts strings into tokens: another name of `tokenize_with_offsets`.

        Args:
          input: strings of any shape, dense or ragged.

        Returns:
          The tokens, the bytes at which they begin and the bytes at which they end, all ragged.
        """
        return self.tokenize_with_offsets(input)


@export("text.Detokenizer", v1=[])
class Detokenizer(Module):
    """The base of classes that make strings of tokens.

    Args:
      name: a name for the module, or None.
    """

    @abc.abstractmethod
    def detokenize(self, input: Any) -> Any:
        """Makes strings of tokens.

        Args:
          input: tokens, or their numbers, dense or ragged.

        Returns:
          The strings.

        Raises:
          NotImplementedError: the class lacks it.
        """
        raise NotImplementedError("Abstract method")
