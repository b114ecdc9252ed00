"""Drawn calls in graphs: refused with ValueError where TensorFlow refuses, taken where TensorFlow takes them.

`apart.json` numbers the calls of each op that differ; a call that is no longer among them, or not yet, is an error.
"""

import collections
import gzip
import json
import pathlib

import pytest

import penstock as tf
from tests.conformance.refusals.graphs.draw import answer
from tests.conformance.refusals.graphs.record import TARGET

BY_OP = collections.defaultdict(list)
for pair in json.loads(gzip.decompress(TARGET.read_bytes())):
    BY_OP[pair[0][0]].append(pair)
APART = json.loads(pathlib.Path(__file__).with_name("apart.json").read_text())
# Ops of one test: each alone takes no time.
LETTERS = sorted({op[0] for op in BY_OP})


@pytest.mark.parametrize("letter", LETTERS)
def test_ops_of_a_letter(letter):
    found = {op: differing(pairs) for op, pairs in BY_OP.items() if op[0] == letter}
    known = {op: numbers for op, numbers in APART.items() if op[0] == letter}
    assert {op: numbers for op, numbers in found.items() if numbers} == known


def differing(pairs):
    """The numbers of calls that one of both refuses, or for which both know another shape."""
    return [
        number for number, (call, wanted) in enumerate(pairs) if differs(answer(tf, call), wanted)
    ]


def differs(ours, wanted):
    if isinstance(ours, str) or isinstance(wanted, str):
        return ours != wanted
    shapes = [(tf.TensorShape(a), tf.TensorShape(b)) for a, b in zip(ours, wanted, strict=True)]
    return any(not a.is_compatible_with(b) for a, b in shapes)
