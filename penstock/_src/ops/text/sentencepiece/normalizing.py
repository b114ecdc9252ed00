"""Texts normalized by the rules of a model."""

import re
from collections.abc import Sequence

from penstock._src.ops.strings.encodings import well_formed_parts
from penstock._src.ops.text.sentencepiece.model import SPACE, Rules
from penstock._src.util.process import forks

_REPLACEMENT = "\ufffd".encode()
_SYMBOL = SPACE.encode()


class Normalizer:
    """Normalizes texts.

    Args:
      rules: of a model.
      symbols: what users have defined, which stays as it is.
      space_is_suffix: True if the added space is after the text.
    """

    def __init__(
        self, rules: Rules, symbols: Sequence[str] = (), space_is_suffix: bool = False
    ) -> None:
        self._rules = rules
        self._trie, self._replacements = rules.trie, rules.replacements
        alternatives = "|".join(re.escape(s) for s in sorted(symbols, key=len, reverse=True) if s)
        self._symbols = (
            re.compile(alternatives.encode("utf-8", "surrogateescape")) if alternatives else None
        )
        self._space_is_suffix = space_is_suffix
        self._space = _SYMBOL if rules.escapes_spaces else b" "

    def _match(self, text: bytes, at: int) -> tuple[int, int]:
        """The bytes that the longest rule at a place takes, and its replacement; 0 where there is none."""
        trie, node, length, value = self._trie, 0, 0, -1
        if trie is None:
            return 0, -1
        for place in range(at, len(text)):
            node = trie.child(node, text[place])
            if node < 0:
                break
            number = trie.value(node)
            if number >= 0:
                length, value = place + 1 - at, number
        return length, value

    def _prefix(self, text: bytes, at: int) -> tuple[bytes, int]:
        """The normalized form of the text at a position, and the number of its bytes."""
        if self._symbols is not None:
            match = self._symbols.match(text, at)
            if match is not None:
                return match[0], len(match[0])
        length, value = self._match(text, at)
        if length:
            return self._replacements[value:].partition(b"\0")[0], length
        first = text[at]
        size = 1 if first < 0x80 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
        part = text[at : at + size]
        if size == 1:
            return part, 1
        ((point, _), *rest) = well_formed_parts(part)
        return (_REPLACEMENT, 1) if point is None or rest else (part, size)

    @forks.cached_property
    def _ascii(self) -> bytes | None:
        """The replacement of each ASCII character in ASCII texts, zero for none; None if a table cannot express it."""
        if self._symbols is not None:
            return None
        table = bytearray(range(128))
        for code in range(1, 128):
            normalized, _ = self._prefix(bytes([code]), 0)
            if len(normalized) > 1 or not normalized.isascii():
                return None
            table[code] = normalized[0] if normalized else 0
            node = self._trie.child(0, code) if self._trie is not None else -1
            if node >= 0 and any(self._trie.child(node, other) >= 0 for other in range(1, 128)):
                return None
        return bytes(table) + bytes(128)

    def text(self, text: bytes) -> bytes:
        """A text, normalized."""
        rules = self._rules
        if not text or not text.isascii() or self._ascii is None or b"\0" in text:
            return self.with_origins(text)[0]
        normalized = text.translate(self._ascii).replace(b"\0", b"")
        if rules.removes_spaces:
            normalized = b" ".join([word for word in normalized.split(b" ") if word])
            if not normalized:
                return self.with_origins(text)[0]
        if rules.adds_prefix:
            normalized = normalized + b" " if self._space_is_suffix else b" " + normalized
        return normalized.replace(b" ", self._space) if rules.escapes_spaces else normalized

    def with_origins(self, text: bytes) -> tuple[bytes, list[int]]:
        """A text, normalized, and the byte of the text that each of its bytes, and its end, comes from."""
        rules, space = self._rules, self._space
        normalized, origins, at = bytearray(), [], 0
        if rules.removes_spaces:
            while at < len(text):
                part, size = self._prefix(text, at)
                if part != b" ":
                    break
                at += size
        if at >= len(text):
            return b"", [0] if not text else []

        def add_space(at: int) -> None:
            normalized.extend(space)
            origins.extend([at] * len(space))

        if rules.adds_prefix and not self._space_is_suffix:
            add_space(at)
        after_space = rules.removes_spaces
        while at < len(text):
            part, size = self._prefix(text, at)
            if after_space:
                part = part.lstrip(b" ")
            if part:
                shown = part.replace(b" ", space) if rules.escapes_spaces else part
                normalized.extend(shown)
                origins.extend([at] * len(shown))
                after_space = part.endswith(b" ")
            at += size
            after_space &= rules.removes_spaces
        if rules.removes_spaces:
            while normalized.endswith(space):
                at = origins[-len(space)]
                del normalized[-len(space) :], origins[-len(space) :]
        if rules.adds_prefix and self._space_is_suffix:
            add_space(at)
        origins.append(at)
        return bytes(normalized), origins
