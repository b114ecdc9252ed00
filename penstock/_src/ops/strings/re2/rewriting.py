"""RE2's rewrites: texts with the numbers of groups."""

import functools
from collections.abc import Callable

from penstock._src.native.algorithms.texts.patterns import automata
from penstock._src.util.dataclass import dataclass

_BACKSLASH = ord("\\")


@dataclass(frozen=True)
class Rewrite:
    """A rewrite: "\\\\0" stands for the match, "\\\\1" to "\\\\9" for groups, two backslashes for one.

    Attributes:
      texts: those around the groups.
      groups: their numbers.
      most: the largest number, also after an invalid escape.
      is_valid: False if it ends at an invalid escape.
      native: for native code.
    """

    texts: tuple[bytes, ...]
    groups: tuple[int, ...]
    most: int
    is_valid: bool
    native: automata.Rewrite

    def template(self) -> str:
        """The rewrite as a template of Python's `re`, for texts in UTF-8."""
        first, *texts = [piece.replace("\\", "\\\\") for piece in self._decoded("utf-8")]
        return first + "".join(
            f"\\g<{group}>{piece}" for group, piece in zip(self.groups, texts, strict=True)
        )

    def function(self, encoding: str) -> Callable[[str, list[int]], str]:
        """The function from a text in an encoding and the spans of a match to the replacement."""
        first, *texts = self._decoded(encoding)

        def replacement(source: str, spans: list[int]) -> str:
            return first + "".join(
                source[spans[2 * group] : spans[2 * group + 1]] + piece
                for group, piece in zip(self.groups, texts, strict=True)
            )

        return replacement

    def _decoded(self, encoding: str) -> list[str]:
        return [piece.decode(encoding, "surrogateescape") for piece in self.texts]


@functools.lru_cache(maxsize=1024)
def parsed(rewrite: bytes) -> Rewrite:
    """The parts of a rewrite. RE2 writes what stands before an invalid escape."""
    texts, groups, literal = [], [], b""
    most, at, is_valid = 0, 0, True
    while at < len(rewrite):
        letter, following = rewrite[at : at + 1], rewrite[at + 1 : at + 2]
        is_escape = rewrite[at] == _BACKSLASH
        at += 2 if is_escape else 1
        is_group = is_escape and following.isdigit()
        if is_group:
            most = max(most, int(following))
        if not is_valid:
            continue
        if is_group:
            texts.append(literal)
            groups.append(int(following))
            literal = b""
        elif not is_escape or following == letter:
            literal += letter
        else:
            is_valid = False
    texts.append(literal)
    return Rewrite(tuple(texts), tuple(groups), most, is_valid, automata.Rewrite(texts, groups))
