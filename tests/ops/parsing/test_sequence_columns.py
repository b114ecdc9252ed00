"""Columns of sequence examples, read by native code, beside what the protocol buffers' own library reads."""

import random

import numpy as np
import pytest

from penstock._src.core import dtypes
from penstock._src.core.errors import InvalidArgumentError
from penstock._src.core.shapes import TensorShape
from penstock._src.ops.parsing.columns import IrregularError
from penstock._src.ops.parsing.sequence import ParseSequenceExampleV2, Sequences
from penstock._src.ops.parsing.sequence_columns import SequenceColumns
from penstock._src.proto.example import SequenceExample

NONE = np.zeros(0, object)
DEFAULT = np.array([-1], np.int64)
LISTS = {"floats": dtypes.float32, "ints": dtypes.int64, "texts": dtypes.string}


def drawn(seed, rows=6):
    """Sequence examples in which each feature and each list may be missing, and steps may be empty."""
    draw = random.Random(seed)
    made = []
    for _ in range(rows):
        example = SequenceExample()
        if draw.random() < 0.8:
            example.context.feature["id"].int64_list.value.append(draw.randrange(-(2**40), 2**40))
        for key in draw.sample(["floats", "ints", "texts", "unasked"], k=draw.randrange(5)):
            steps = example.feature_lists.feature_list[key].feature
            for _ in range(draw.randrange(4)):
                size, step = draw.randrange(3), steps.add()
                if key == "floats":
                    step.float_list.value.extend([draw.random()] * size)
                elif key == "ints":
                    step.int64_list.value.extend([draw.randrange(-9, 2**50)] * size)
                elif size:
                    step.bytes_list.value.extend([draw.randbytes(size)] * size)
        made.append(example.SerializeToString(deterministic=draw.random() < 0.5))
    return made


def read(batch):
    """Everything that a batch says."""
    found = [batch.dense("id", dtypes.int64, TensorShape([]), DEFAULT)]
    found += batch.sparse("id", dtypes.int64)
    for key, dtype in LISTS.items():
        found += batch.sparse_steps(key, dtype)
        found += batch.ragged_steps(key, dtype, dtypes.int32)
    return [(value.dtype, value.shape, value.tolist()) for value in found]


def native(rows):
    return SequenceColumns(rows, ("id",), tuple(LISTS))


def slow(rows):
    return Sequences(ParseSequenceExampleV2, rows, NONE)


@pytest.mark.parametrize("seed", range(20))
def test_columns_are_what_the_messages_hold(seed):
    rows = drawn(seed)
    assert read(native(rows)) == read(slow(rows))


def steps_of(*lists):
    made = []
    for steps in lists:
        example = SequenceExample()
        for step in steps:
            feature = example.feature_lists.feature_list["ints"].feature.add()
            feature.int64_list.value.extend(step)
        made.append(example.SerializeToString())
    return made


def test_steps_of_one_size_are_padded():
    rows = steps_of([[1, 2], [3, 4]], [], [[5, 6]])
    values, lengths = native(rows).dense_steps("ints", dtypes.int64, TensorShape([2]), True)
    expected = slow(rows).dense_steps("ints", dtypes.int64, TensorShape([2]), True)
    assert values.tolist() == expected[0].tolist() and lengths.tolist() == [2, 0, 1]
    assert lengths.tolist() == expected[1].tolist()


def test_what_is_left_to_others():
    one_of_another_size = native(steps_of([[1, 2], [3]]))
    with pytest.raises(IrregularError):
        one_of_another_size.dense_steps("ints", dtypes.int64, TensorShape([2]), True)
    with pytest.raises(IrregularError):
        native(steps_of([[1]], [])).dense_steps("ints", dtypes.int64, TensorShape([1]), False)
    with pytest.raises(IrregularError):
        native(steps_of([[1]])).sparse_steps("ints", dtypes.float32)


@pytest.mark.parametrize("seed", range(30))
def test_damage_is_refused_or_read_as_the_library_reads_it(seed):
    rows, draw, compared = drawn(seed, rows=3), random.Random(seed), 0
    for _ in range(40):
        row = bytearray(draw.choice(rows))
        if not row:
            continue
        row[draw.randrange(len(row))] = draw.randrange(256)
        damaged = [bytes(row[: draw.randrange(len(row) + 1)] if draw.random() < 0.3 else row)]
        try:
            found = read(native(damaged))
        except IrregularError:
            continue
        try:
            expected = read(slow(damaged))
        except InvalidArgumentError:
            continue  # names that are no text, and lists that nobody asked for, are not looked at
        compared += 1
        assert repr(found) == repr(expected)
    assert compared
