"""Random Keras models give the same eagerly and compiled, with each part of the compiler left out in turn, and on TensorFlow.

A fixed share of what `make fuzz WHICH=models` draws; FUZZ_MODELS draws that many others, from FUZZ_SEED on. What TensorFlow gives for
some recipes was recorded by `python -m tests.fuzz.models.record`; recipes that once differed are kept there, too.
"""

import os

import pytest

import penstock

penstock.install_as_tensorflow()

import keras  # noqa: E402  (must find the stand-in)

from penstock._src.util import flags  # noqa: E402
from tests.fuzz.models import sizes  # noqa: E402
from tests.fuzz.models.comparing import NUDGES, difference  # noqa: E402
from tests.fuzz.models.drawing import recipe_of  # noqa: E402
from tests.fuzz.models.hunt import write  # noqa: E402
from tests.fuzz.models.judging import WAYS, Find, Judge, beside_numbers, ways_of  # noqa: E402
from tests.fuzz.models.recipe import script  # noqa: E402
from tests.fuzz.models.record import recorded, thinned  # noqa: E402
from tests.fuzz.models.running import run  # noqa: E402

FIRST = int(os.environ.get("FUZZ_SEED", "0"))
SEEDS = range(FIRST, FIRST + int(os.environ.get("FUZZ_MODELS", "20")))
RECORDED = recorded()


def nudged(recipe):
    """The results of eager runs with weights and inputs nudged."""
    nudge = NUDGES[recipe["policy"]]
    return [
        run(keras, penstock, recipe, True, size * nudge, noise)
        for noise, size in enumerate((1, 1, 8))
    ]


def differing(recipe, found, expected, form=lambda results: results):
    """The first difference, or None. What nudged runs show only widens what is allowed: they are made where something differs."""
    if difference(recipe["policy"], found, expected, []) is None:
        return None
    return difference(recipe["policy"], found, expected, [form(n) for n in nudged(recipe)])


def compiled(recipe, way):
    """The results of the compiled model."""
    with flags.override(**WAYS[way]):
        return run(keras, penstock, recipe)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", SEEDS)
def test_drawn_model(seed):
    recipe = recipe_of(keras, seed)
    try:
        expected = run(keras, penstock, recipe, True)
    except (TypeError, ValueError, penstock.errors.InvalidArgumentError):
        pytest.skip("Keras refuses what came of this seed")
    for way in ways_of(seed, 1):
        found = differing(recipe, compiled(recipe, way), expected)
        if found:
            advice = f"(make fuzz WHICH=models SEED={seed} makes it smaller)"
            pytest.fail(f"{way}: {found}\n{advice}\n{script(recipe)}", pytrace=False)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", RECORDED)
def test_recorded_model(name):
    recipe, answers = RECORDED[name]
    found = differing(recipe, thinned(compiled(recipe, "compiled")), answers, thinned)
    if found:
        pytest.fail(f"{found}\n{script(recipe)}", pytrace=False)


@pytest.mark.filterwarnings("ignore")
def test_one_model_for_many_sizes_in_every_way_of_calling_it():
    recipe = recipe_of(keras, 3, any_lengths=True)
    recipe["sizes"] = [[rows, rows + 2, way] for rows, way in enumerate(sizes.WAYS, 1)]
    wanted = run(keras, penstock, recipe, True)
    with sizes.counting() as made:
        answer = {"results": compiled(recipe, "compiled")}
    answer["programs"] = sizes.most_made(made)
    assert all(answer["results"].values())  # the model takes all of these sizes
    assert Judge.difference(recipe, answer, {"results": wanted}, nudged(recipe)) is None
    assert beside_numbers(recipe, "compiled", answer) is None
    assert 1 < answer["programs"][1] < len(recipe["sizes"])
    answer["results"]["memory"] = [sizes.LEAK + 1]
    assert beside_numbers(recipe, "compiled", answer).kind == "memory"
    key = next(name for name in answer["results"] if "fit" in name)
    answer["results"][key][0] = answer["results"][key][0] + 1
    assert Judge.difference(recipe, answer, {"results": wanted}, []).name == key


def test_finds_are_written_as_programs_that_run(tmp_path):
    recipe = recipe_of(keras, 3)
    recipe["outputs"][0]["metrics"] = ["mae"]
    text = "\x1b[1mtwo\x1b[0m\nlines"
    write(tmp_path, "3", recipe, [Find("compiled", "exception", text, where=text)])
    space = {}
    exec(compile((tmp_path / "3.py").read_text(), "3.py", "exec"), space)
    assert space["model"].built
