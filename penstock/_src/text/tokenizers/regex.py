"""Strings cut at regular expressions."""

from typing import Any

from penstock._src.core import dtypes
from penstock._src.core.registry import raw
from penstock._src.text.inputs import dense_or_ragged, on_vectors, ragged_rows
from penstock._src.text.tokenizers.base import SplitterWithOffsets
from penstock._src.util.export import export


@export("text.regex_split_with_offsets", v1=[])
def regex_split_with_offsets(
    input: Any,
    delim_regex_pattern: str,
    keep_delim_regex_pattern: str = "",
    name: str | None = None,
) -> Any:
    """Returns the parts of strings between matches of a pattern, and where these are.

    Args:
      input: strings of any shape, dense or ragged.
      delim_regex_pattern: of delimiters, in RE2's syntax.
      keep_delim_regex_pattern: of the delimiters that are parts, too.
      name: of the operation.

    Returns:
      The parts, the bytes at which they begin and the bytes at which they end, all ragged.

    Raises:
      InvalidArgumentError: a pattern is malformed.
    """
    patterns = [
        b"(" + pattern.encode() + b")"
        for pattern in (delim_regex_pattern, keep_delim_regex_pattern)
    ]

    def cut(strings: Any) -> Any:
        *columns, splits = raw.RegexSplitWithOffsets(
            input=strings,
            delim_regex_pattern=patterns[0],
            keep_delim_regex_pattern=patterns[1],
            name=name,
        )
        return [ragged_rows(values, splits) for values in columns]

    input = dense_or_ragged(input, dtypes.string)
    if input.shape.rank is None:
        # A tensor of unknown rank counts as a vector.
        return tuple(cut(raw.Reshape(tensor=input, shape=[-1])))
    if input.shape.rank == 0:
        return tuple(cut(raw.Reshape(tensor=input, shape=[1])))
    return on_vectors(cut, input)


@export("text.regex_split", v1=[])
def regex_split(
    input: Any,
    delim_regex_pattern: str,
    keep_delim_regex_pattern: str = "",
    name: str | None = None,
) -> Any:
    """Returns the parts of strings between matches of a pattern.

    Args:
      input: strings of any shape, dense or ragged.
      delim_regex_pattern: of delimiters, in RE2's syntax.
      keep_delim_regex_pattern: of the delimiters that are parts, too.
      name: of the operation.

    Returns:
      The parts, ragged, with one more dimension.

    Raises:
      InvalidArgumentError: a pattern is malformed.

    >>> tf.text.regex_split(["one, two"], r",?\\s", r",").to_list()
    [[b'one', b'two']]
    """
    return regex_split_with_offsets(input, delim_regex_pattern, keep_delim_regex_pattern, name)[0]


@export("text.RegexSplitter", v1=[])
class RegexSplitter(SplitterWithOffsets):
    """Parts between matches of a pattern.

    Args:
      split_regex: in RE2's syntax; line breaks by default.

    >>> tf.text.RegexSplitter().split(["one\\ntwo"]).to_list()
    [[b'one', b'two']]
    """

    def __init__(self, split_regex: str | None = None) -> None:
        self._split_regex = split_regex or "\r?\n"

    def split(self, input: Any) -> Any:
        """Cuts strings.

        Args:
          input: strings of any shape, dense or ragged.

        Returns:
          The parts, ragged, with one more dimension.
        """
        return regex_split(input, self._split_regex)

    def split_with_offsets(self, input: Any) -> Any:
        """Cuts strings.

        Args:
          input: strings of any shape, dense or ragged.

        Returns:
          The parts, the bytes at which they begin and the bytes at which they end, all ragged.
        """
        return regex_split_with_offsets(input, self._split_regex)
