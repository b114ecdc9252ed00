"""np_utils: docstrings that lead to NumPy's documentation."""

import pytest

import penstock as tf
from penstock._src.bridge.python.ops.numpy_ops import np_utils


@pytest.fixture(autouse=True)
def settings():
    kept = np_utils.get_np_doc_form(), np_utils.is_sig_mismatch_an_error()
    yield
    np_utils.set_np_doc_form(kept[0])
    np_utils.set_is_sig_mismatch_an_error(kept[1])


def theirs(x, y=1, **kwargs):
    """Their text."""


def documented(**link):
    @np_utils.np_doc(None, np_fun=theirs, **link)
    def ours(x, y=1):
        """Our text."""

    return ours.__doc__


START = (
    "TensorFlow variant of NumPy's `theirs`.\n\nUnsupported arguments: `kwargs`.\n\nOur text.\n\n"
)


def test_docstrings_link_to_a_version():
    where = "https://numpy.org/doc/1.16/reference/generated/numpy.{}.html"
    np_utils.set_np_doc_form("1.16")
    said = START + "See the NumPy documentation for [`numpy.theirs`]({})."
    assert documented() == said.format(where.format("theirs"))
    assert documented(link=np_utils.AliasOf("other")) == said.format(where.format("other"))
    assert documented(link=np_utils.Link("http://a")) == said.format("http://a")
    assert documented(link=np_utils.NoLink()) == START


def test_docstrings_hold_the_text():
    np_utils.set_np_doc_form("inlined")
    assert documented() == START + "Documentation for `numpy.theirs`:\n\nTheir text."
    np_utils.set_np_doc_form("unknown")
    assert documented() == START


@pytest.mark.parametrize(
    "ours, text",
    [
        (lambda a: 0, "Cannot find parameter a"),
        (lambda x, kwargs: 0, "kwargs is of kind POSITIONAL_OR_KEYWORD while in numpy"),
        (lambda x, y: 0, "Parameter y should have a default value"),
    ],
)
def test_other_parameters_may_be_an_error(ours, text):
    np_utils.np_doc(None, np_fun=theirs)(ours)
    np_utils.set_is_sig_mismatch_an_error(True)
    with pytest.raises(TypeError, match=text):
        np_utils.np_doc(None, np_fun=theirs)(ours)


def test_dtypes_of_operands():
    assert np_utils._maybe_get_dtype(tf.constant(1.0)) is tf.float32.as_numpy_dtype
    assert np_utils._maybe_get_dtype(2.5) == 2.5
    with pytest.raises(ValueError, match="of a sequence type"):
        np_utils._maybe_get_dtype([1])
