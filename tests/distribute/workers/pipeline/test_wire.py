"""What stages send each other arrives as it was."""

import numpy as np
import pytest

import penstock as tf
from penstock._src.distribute.workers.pipeline import wire
from penstock._src.distribute.workers.pipeline.wire import Header, Kind, Link


def test_tensors_of_all_types_and_gaps_arrive():
    draw = np.random.default_rng(1)
    sent = [
        tf.constant(draw.normal(size=[3, 5]), tf.float32),
        None,
        tf.constant(draw.normal(size=[7]), tf.bfloat16),
        tf.constant([True, False]),
        tf.constant(7, tf.int64),
        tf.zeros([0, 4]),
    ]
    header, found = wire.unpacked(wire.packed(Header(Kind.FORWARD, 3, 5), sent))
    assert header == (Kind.FORWARD, 3, 5) and found[1] is None
    for a, b in zip(sent, found, strict=True):
        if a is not None:
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a.numpy(), b.numpy())


def test_strings_are_refused():
    with pytest.raises(tf.errors.UnimplementedError, match="object"):
        wire.packed(Header(Kind.DATA, 1, 0), [tf.constant(["a"])])


@pytest.mark.parametrize("nest", [1, None, [1, (2, None)], {"b": 1, "a": [2, {}]}, (1,)])
def test_nests_are_made_again(nest):
    found = wire.structure_from_text(wire.structure_to_text(nest), wire.leaves(nest))
    assert str(found) == str(as_tensors(nest))


def as_tensors(nest):
    """A nest whose numbers are tensors."""
    if isinstance(nest, dict):
        return {key: as_tensors(value) for key, value in nest.items()}
    if isinstance(nest, (list, tuple)):
        return type(nest)(map(as_tensors, nest))
    return nest if nest is None else tf.constant(nest)


class Queue:
    """Messages that were sent before."""

    def __init__(self, *messages):
        self.messages = list(messages)

    def receive(self, rank):
        return self.messages.pop(0)


def test_messages_of_failed_steps_are_left_out_and_others_have_to_be_the_expected():
    old, new = [wire.packed(Header(Kind.FORWARD, step, 1), [tf.constant(step)]) for step in (1, 2)]
    (found,) = Link(Queue(old, new), 2).receive(0, Kind.FORWARD, 1)
    assert found.numpy() == 2
    with pytest.raises(tf.errors.InternalError, match="rank 4 has sent"):
        Link(Queue(new), 2).receive(4, Kind.BACKWARD, 1)
    failed = wire.packed(Header(Kind.FAILED, 2, 0), [np.frombuffer(b"Rank 5 has failed", np.uint8)])
    with pytest.raises(tf.errors.AbortedError, match="Rank 5 has failed"):
        Link(Queue(failed), 2).receive(4, Kind.BACKWARD, 1)
