"""Tests drawn from combinations of parameters."""

import functools
import unittest
from collections import OrderedDict

import pytest
from absl.testing import parameterized

import penstock as tf
from penstock._src.bridge.python.framework import combinations, test_combinations

make = tf.__internal__.test.combinations


def test_combinations_are_products():
    assert make.combine(b=[1, 2], a="x") == [
        OrderedDict(a="x", b=1),
        OrderedDict(a="x", b=2),
    ]
    assert make.times(make.combine(a=[1]), make.combine(b=2)) == [OrderedDict(a=1, b=2)]
    assert make.combine() == [OrderedDict()]
    with pytest.raises(ValueError, match="Keys need to not overlap"):
        make.times(make.combine(a=[1]), make.combine(a=2))


def run(case):
    result, suite = unittest.TestResult(), unittest.defaultTestLoader.loadTestsFromTestCase(case)
    names = sorted(test._testMethodName for test in suite)
    suite.run(result)
    return names, result


def test_methods_run_in_the_mode_that_is_asked_for():
    seen = []

    class Case(tf.test.TestCase, parameterized.TestCase):
        @combinations.generate(combinations.combine(mode=["graph", "eager"], n=[1, 2]))
        def test_it(self, n):
            seen.append((tf.executing_eagerly(), n))

        @combinations.generate(combinations.combine(tf_api_version=1))
        def test_old(self):
            seen.append("old")

    names, result = run(Case)
    assert names[0] == "test_it_test_mode_eager_n_1" and len(names) == 6
    assert result.wasSuccessful() and len(result.skipped) == 2
    assert sorted(seen) == [(False, 1), (False, 2), (True, 1), (True, 2)]


def test_classes_have_a_test_for_each_combination():
    @test_combinations.generate(test_combinations.combine(a=[1, 0], b=2))
    class Case(parameterized.TestCase):
        test_member = 0

        def test_sum(self, a, b):
            self.assertLess(a + b, 3)

    names, result = run(Case)
    assert names == ["test_sum_test_a_0_b_2", "test_sum_test_a_1_b_2"]
    assert len(result.failures) == 1


def test_parameters_must_fit():
    class Case(parameterized.TestCase):
        @test_combinations.generate(test_combinations.combine(a=1))
        def test_it(self, b):
            del b

    _, result = run(Case)
    assert "requires parameters whose arguments were not passed: {'b'}" in result.errors[0][1]


def test_the_public_generate_is_a_partial_function_that_libraries_extend():
    rules = make.generate.keywords["test_combinations"]
    seen = []

    class Doubles(make.TestCombination):
        def parameter_modifiers(self):
            return [make.OptionalParameter("times")]

        def context_managers(self, kwargs):
            seen.append(kwargs.pop("times"))
            return []

    extended = functools.partial(make.generate, test_combinations=(*rules, Doubles()))

    class Case(parameterized.TestCase):
        @extended(make.combine(mode=["graph", "eager"], times=[1, 2]))
        def test(self):
            seen.append(tf.executing_eagerly())

    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Case).run(result)
    assert result.testsRun == 4 and result.wasSuccessful()
    assert sorted(map(str, seen)) == ["1", "1", "2", "2", "False", "False", "True", "True"]
