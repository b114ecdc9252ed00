"""Templates make prompts, and nothing in a message controls the model."""

import pytest

import penstock as tf
from penstock._src.language.text.templates import Template
from penstock._src.language.text.tokenizers import Part

pytest.importorskip("jinja2")
MESSAGES = [{"role": "system", "content": " Be brief. "}, {"role": "user", "content": "Hi"}]


def parts(source, messages=MESSAGES, **names):
    return Template(source, names, "a.gguf").parts(messages)


def test_prompts_are_taken_apart():
    source = (
        "{{ bos_token }}{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}[answer]"
    )
    assert parts(source, bos_token="<s>") == [
        Part("<s>[system]", True),
        Part(" Be brief. ", False),
        Part("[user]", True),
        Part("Hi", False),
        Part("[answer]", True),
    ]


def test_stripped_texts_are_found():
    found = parts("{% for m in messages %}[{{ m.content | trim }}]{% endfor %}")
    assert [part.text for part in found if not part.is_own] == ["Be brief.", "Hi"]


def test_answers_that_a_template_looks_into_are_its_own():
    source = "{% for m in messages %}{% if m.role == 'assistant' %}{{ m.content.split('>')[-1] }}{% else %}({{ m.content }}){% endif %}{% endfor %}"
    found = parts(
        source, [*MESSAGES[1:], {"role": "assistant", "content": "<t>yes"}, *MESSAGES[1:]]
    )
    assert found == [
        Part("(", True),
        Part("Hi", False),
        Part(")yes(", True),
        Part("Hi", False),
        Part(")", True),
    ]


def test_texts_that_are_changed_are_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="changes a message"):
        parts("{% for m in messages %}{{ m.content[:5] }}{% endfor %}")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{{ raise_exception('no system') }}", "refuses them: no system"),
        ("{{ messages[7].content.x.y }}", "refuses them"),
        ("{{ ''.__class__.__mro__ }}", "refuses them"),
        ("{% for i in range(10000000) %}{% endfor %}", "refuses them"),
        ("{{ messages.append(1) }}", "refuses them"),
    ],
)
def test_templates_run_in_a_sandbox(source, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        parts(source)


def test_damaged_templates_name_their_file():
    with pytest.raises(tf.errors.InvalidArgumentError, match="a.gguf: template"):
        parts("{% for %}")


GROWS = "{% set n = namespace(x='ab') %}{% for i in range(60) %}{% set n.x = WHAT %}{% endfor %}{{ n.x }}"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("{% for i in range(5000) %}{% for j in range(5000) %}{% endfor %}{% endfor %}", "rounds"),
        (GROWS.replace("WHAT", "n.x + n.x"), "elements"),
        (GROWS.replace("WHAT", "n.x ~ n.x"), "elements"),
        ("{{ 'a' * 10000000000 }}", "elements"),
        ("{{ [0] * 10000000000 }}", "elements"),
        ("{{ 'a'.ljust(10000000000) }}", "elements"),
        ("{{ '%10000000000d' % 1 }}", "too wide"),
        ("{{ '{:10000000000}'.format(1) }}", "too wide"),
        ("{{ 9 ** 9 ** 9 ** 9 ** 9 ** 9 }}", "bits"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "recursion"),
        ("{{ 1 / 0 }}", "division"),
        ("{{ messages[0].content.nothing() }}", "nothing"),
    ],
)
def test_templates_neither_hang_nor_fill_the_memory(source, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        parts(source)


def test_deep_templates_are_refused():
    with pytest.raises(tf.errors.InvalidArgumentError, match="a.gguf: template"):
        parts("{{ " + "(" * 20_000 + "1" + ")" * 20_000 + " }}")


def test_bounded_loops_know_where_they_are():
    source = (
        "{% for m in messages if m.role != 'system' %}"
        "{{ loop.index }}/{{ loop.length }}{{ loop.last }} {{ m.role ~ ':' ~ (1 + 2) }} {{ '%s' % 'x' }}"
        "{% for key, value in {'k': 2 ** 3}.items() %}{{ key }}{{ value * 2 }}{% else %}none{% endfor %}"
        "{% endfor %}"
    )
    found = "".join(part.text for part in parts(source))
    assert found == "1/1True user:3 xk16"
