"""Tries in two arrays in one, as Darts-clone lays them out.

A unit of 32 bits: bits 0 to 7 and 31 are the label of the arc to it; bit 8, whether a value is stored at its label 0; the bits above, the distance (exclusive or) to where its
children stand, each at its label. A value is a unit with bit 31.

Reference: https://github.com/s-yata/darts-clone; Aoe, An efficient digital search algorithm by using a double-array structure, 1989.
"""

import itertools
from collections.abc import Iterator, Mapping

import numpy as np

from penstock._src.native.algorithms.texts import trie_building
from penstock._src.native.algorithms.texts.trie_building import BLOCK, MANY, TRIES
from penstock._src.native.systems import runs_native_code

_LEAF = 1 << 31
_LABEL = _LEAF | 0xFF


def distance(unit: int) -> int:
    """The distance to the children of a unit."""
    return (unit >> 10) << ((unit & (1 << 9)) >> 6)


class Trie:
    """A trie that is read.

    Args:
      units: uint32; must not be empty.
    """

    def __init__(self, units: np.ndarray) -> None:
        self.units = units
        self._list = units.tolist()

    def child(self, node: int, label: int) -> int:
        """The node behind an arc; -1 if there is none."""
        units = self._list
        at = node ^ distance(units[node]) ^ label
        return at if at < len(units) and units[at] & _LABEL == label else -1

    def value(self, node: int) -> int:
        """The value at a node; -1 if there is none."""
        unit = self._list[node]
        if not unit >> 8 & 1:
            return -1
        at = node ^ distance(unit)
        return self._list[at] & ~_LEAF if at < len(self._list) else -1

    def walk(self, text: bytes, node: int = 0) -> int:
        """The node behind the arcs of a text; -1 if there is none."""
        for byte in text:
            node = self.child(node, byte)
            if node < 0:
                break
        return node

    def items(self) -> Iterator[tuple[bytes, int]]:
        """All texts with values, level by level."""
        nodes, texts = [0], [b""]
        labels = np.arange(1, 256, dtype=np.uint32)
        seen = 1
        while nodes:
            for node, text in zip(nodes, texts, strict=True):
                value = self.value(node)
                if value >= 0:
                    yield text, value
            own = np.array(nodes, np.uint32)
            units = self.units[own].astype(np.uint32)
            bases = own ^ ((units >> 10) << ((units & (1 << 9)) >> 6))
            places = bases[:, None] ^ labels
            inside = places < len(self.units)
            reached = np.where(
                inside, self.units[np.where(inside, places, 0)] & _LABEL == labels, False
            )
            parents, which = np.nonzero(reached)
            nodes = places[parents, which].tolist()
            texts = [
                texts[p] + bytes([w + 1])
                for p, w in zip(parents.tolist(), which.tolist(), strict=True)
            ]
            seen += len(nodes)
            if seen > len(self.units):  # a damaged trie leads in circles
                return


class _Places:
    """The free slots of the array, and the possible bases of children."""

    def __init__(self) -> None:
        self.is_free: list[bool] = []
        self.is_base: list[bool] = []
        # Free slots for a first child; a slot is dropped after it did not fit a few times.
        self.open: dict[int, int] = {}
        self.grow()
        self.take(0)

    def grow(self) -> int:
        """Adds a block; returns its first slot."""
        begin = len(self.is_free)
        self.open.update(dict.fromkeys(range(begin, begin + BLOCK), TRIES))
        self.is_free += [True] * BLOCK
        self.is_base += [False] * BLOCK
        return begin

    def take(self, at: int) -> None:
        """Marks a slot as used."""
        self.is_free[at] = False
        self.open.pop(at, None)

    def base(self, node: int, labels: list[int]) -> int:
        """A base index at which all labels are free."""
        is_free, is_base = self.is_free, self.is_base
        first, given_up, free_base = labels[0], [], -1
        for at in itertools.islice(self.open, BLOCK if len(labels) <= MANY else 0):
            base = at ^ first
            far = node ^ base
            if (
                not is_base[base]
                and (far < 1 << 21 or not far & 0xFF)
                and all(is_free[base ^ label] for label in labels)
            ):
                free_base = base
                break
            self.open[at] -= 1
            if not self.open[at]:
                given_up.append(at)
        for at in given_up:
            del self.open[at]
        if free_base < 0:
            begin = self.grow()
            free_base = begin | (node & 0xFF) if (node ^ begin) >= 1 << 21 else begin | first
        return free_base


def build(values: Mapping[bytes, int]) -> np.ndarray:
    """The units of a trie.

    Args:
      values: of texts, which have no zero byte; below 2 ** 31.
    """
    built = trie_building.build(values) if runs_native_code() else _built(values)
    # A block has a slot that is not a base unless all its slots are children.
    other = np.argmin(built.is_base.reshape(-1, BLOCK), axis=1).astype(np.uint32)
    # Free slots get labels that no parent matches.
    free = np.flatnonzero(built.is_free)
    built.units[free] = other[free // BLOCK] ^ (free & 0xFF)
    return built.units


def _built(values: Mapping[bytes, int]) -> trie_building.Built:
    root: dict = {}
    for text, value in values.items():
        node = root
        for byte in text:
            node = node.setdefault(byte, {})
        node[0] = value
    places, units, open_nodes = _Places(), {0: 0}, [(0, root)]
    for at, node in open_nodes:
        if not node:
            continue
        labels = sorted(node)
        base = places.base(at, labels)
        places.is_base[base] = True
        far = at ^ base
        coded = far << 10 if far < 1 << 21 else (far >> 8) << 10 | 1 << 9
        units[at] = units[at] | coded | (0 in node) << 8
        for label in labels:
            places.take(base ^ label)
            if label:
                units[base ^ label] = label
                open_nodes.append((base ^ label, node[label]))
            else:
                units[base] = _LEAF | node[0]
    out = np.zeros(len(places.is_free), np.uint32)
    out[list(units)] = list(units.values())
    return trie_building.Built(out, np.array(places.is_free), np.array(places.is_base))
