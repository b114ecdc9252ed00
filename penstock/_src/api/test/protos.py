"""Assertions about protocol buffers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from absl.testing import absltest
from google.protobuf import text_format

from penstock._src.proto.graph import GraphDef
from penstock._src.version import GRAPH_DEF_VERSION

# Floats count as equal if they are after rounding to this many decimals: a float32 has other digits as text than as a double.
_DECIMALS = 6


class ProtoAssertions(absltest.TestCase):
    """absl's test case with assertions about protocol buffers."""

    def assertProtoEquals(
        self,
        expected_message_maybe_ascii,
        validate_message,
        msg=None,
        relative_tolerance=None,
    ):
        """Fails unless a message equals another, which may be given in text format.

        Floats may differ in the seventh decimal; or, with `relative_tolerance`, by that part of the larger one.

        Args:
          expected_message_maybe_ascii: a message, or its text format.
          validate_message: the message that is checked.
          msg: added to the message of a failure.
          relative_tolerance: of floats.

        Raises:
          AssertionError: they differ, also in their classes.
        """
        expected, kind = expected_message_maybe_ascii, type(validate_message)
        if isinstance(expected, (str, bytes)):
            expected = text_format.Merge(expected, kind())
        elif not isinstance(expected, kind):
            raise AssertionError(f"Can't compare protos of type {type(expected)} and {kind}.")
        self._AssertProtoEquals(expected, validate_message, msg, relative_tolerance)

    def _AssertProtoEquals(self, a, b, msg=None, relative_tolerance=None):
        if a == b:
            return
        first, second = type(a)(), type(b)()
        first.CopyFrom(a)
        second.CopyFrom(b)
        _adopt_close(first, second, relative_tolerance)
        texts = [text_format.MessageToString(message) for message in (first, second)]
        self.assertMultiLineEqual(*texts, msg=msg)

    def assertProtoEqualsVersion(
        self, expected, actual, producer=GRAPH_DEF_VERSION, min_consumer=0, msg=None
    ):
        """Compares a GraphDef with a text without versions.

        Args:
          expected: the text format of a GraphDef.
          actual: a GraphDef.
          producer, min_consumer: its versions.
          msg: added to the message of a failure.
        """
        graph = text_format.Parse(expected, GraphDef())
        graph.versions.producer, graph.versions.min_consumer = producer, min_consumer
        self.assertProtoEquals(graph, actual, msg)


def _adopt_close(expected: Any, actual: Any, tolerance: float | None) -> None:
    """Replaces the floats of `actual` that are close by those of `expected`, so that the texts are the same."""
    theirs = {field.number: value for field, value in expected.ListFields()}
    for field, value in actual.ListFields():
        other = theirs.get(field.number)
        if other is None:
            continue
        if isinstance(value, Mapping):
            pairs = [(other[key], value[key]) for key in value if key in other]
            _adopt_in_pairs(pairs, tolerance)
        elif field.cpp_type == field.CPPTYPE_MESSAGE:
            lists = (other, value) if field.is_repeated else ([other], [value])
            _adopt_in_pairs(list(zip(*lists, strict=False)), tolerance)
        elif field.cpp_type in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
            if not field.is_repeated:
                setattr(actual, field.name, _adopted(other, value, tolerance))
                continue
            for place, (x, y) in enumerate(zip(other, list(value), strict=False)):
                value[place] = _adopted(x, y, tolerance)


def _adopt_in_pairs(pairs: list[Any], tolerance: float | None) -> None:
    for x, y in pairs:
        if hasattr(x, "ListFields"):
            _adopt_close(x, y, tolerance)


def _adopted(expected: float, actual: float, tolerance: float | None) -> float:
    if math.isnan(expected) and math.isnan(actual):
        return expected
    if math.isinf(expected) or math.isinf(actual):
        return actual
    if tolerance is None:
        close = round(expected, _DECIMALS) == round(actual, _DECIMALS)
    else:
        close = abs(expected - actual) <= tolerance * max(abs(expected), abs(actual))
    return expected if close else actual
