"""The API reference: docstrings as Markdown, signatures, one description of each object."""

import penstock as tf
from tools.site import docstrings, reference


def test_sections_and_examples_of_a_docstring_become_markdown():
    text = (
        "The sum of `x` and y_1 * y_2.\n\nArgs:\n  x: a tensor, see\n    `tf.nn.relu`.\n"
        "  y, z: others.\n\nReturns:\n  A tensor.\n\n>>> 1 + 1\n2\n\nMore."
    )
    shown = docstrings.markdown(text, reference.link)
    assert "y\\_1 \\* y\\_2" in shown
    assert "- `x`: a tensor, see [`tf.nn.relu`](nn.md#relu).\n- `y, z`: others." in shown
    assert "**Returns**\n\nA tensor." in shown
    assert "```pycon\n>>> 1 + 1\n2\n```\n\nMore." in shown


def test_the_first_sentence_is_the_summary():
    assert docstrings.summary("Adds x, e.g. 2.0 to y.\nThen more. And more.") == (
        "Adds x, e.g. 2.0 to y."
    )


def test_a_page_describes_an_object_once():
    page = reference.pages()
    assert "## matmul {" in page["linalg.md"] and "## matmul {" not in page["tf.md"]
    assert "[`matmul`](linalg.md#matmul)" in page["tf.md"]
    assert "tf.linalg.matmul(\n    a,\n    b,\n" in page["linalg.md"]
    assert "#### map { #Dataset.map }" in page["data.md"], "methods of classes"
    assert "- `feature`" in page["train.md"] or "- `features`" in page["train.md"], "messages"
    assert "A record of training data" in page["train.md"]


def test_a_class_has_the_parameters_that_its_constructor_describes():
    page = reference.pages()["tpu.experimental.embedding.md"].partition("## Adam {")[2]
    page = page.partition("\n## ")[0]
    assert page.count("**Arguments**") == 1
    assert page.index("- `clipvalue`") < page.index("- `beta_1, beta_2`")


def test_signatures_show_defaults_as_a_program_writes_them():
    assert reference.signature("f", lambda x, *, kind=tf.float32, by=max: 0) == (
        "f(x, *, kind=tf.float32, by=max)"
    )
    assert " object at 0x" not in "".join(reference.pages().values())
