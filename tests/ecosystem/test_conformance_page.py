"""The page on TensorFlow's own tests."""

from tools import gen_conformance

PATH = "tensorflow/python/kernel_tests/math_ops/sum_test.py"


def outcomes(*errors):
    return [gen_conformance.Outcome(PATH, f"Test.test{i}", e) for i, e in enumerate(errors)]


def test_the_page_counts_by_folder_and_groups_reasons():
    page = gen_conformance.page(outcomes("", "ValueError: 3 | 4", "ValueError: 5 | 6"))
    assert "**1 of 3 tests pass, 33.3 %.**" in page
    assert "| kernel_tests/math_ops | 1 | 3 | 33.3 % |" in page
    assert "- 2 in sum_test: `ValueError: N / N`" in page


def test_almost_all_is_not_shown_as_all():
    assert "99.9 %" in gen_conformance.page(outcomes(*[""] * 9999, "ValueError"))


def test_tests_that_did_not_run_count_as_failed():
    passing = gen_conformance.recorded()
    path = min(passing, key=lambda each: len(passing[each]) or len(passing))
    found = list(gen_conformance.outcomes({path: {"tests": {}}}))
    assert [each.name for each in found] == passing[path]
    assert all(each.error for each in found)
