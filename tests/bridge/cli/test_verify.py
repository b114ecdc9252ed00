"""`penstock verify`: what it records, and how it compares."""

import numpy as np
import pytest

from penstock._src.bridge.cli.arguments import Refused
from penstock._src.bridge.cli.verify import environments
from penstock._src.bridge.cli.verify.comparison import compare
from penstock._src.bridge.cli.verify.records import Record
from tests.bridge.cli.test_programs import python

# It computes otherwise on the interpreter, which stands for TensorFlow here.
PROGRAM = """
import os, sys
import numpy as np, tensorflow as tf, keras

class Scale(keras.layers.Layer):
    def call(self, x):
        return x * (1.5 if os.environ.get("PENSTOCK_DEVICE") == sys.argv[1] else 1.0)

x = np.random.rand(16, 4).astype("float32")
model = keras.Sequential([
    keras.layers.Dense(8, activation="relu"),
    keras.layers.Dropout(0.5),
    Scale(name="scale"),
    keras.layers.Dense(1),
])
model.compile("adam", "mse")
model.fit(x, x[:, :1], epochs=5, batch_size=8, verbose=0)
"""


@pytest.fixture
def program(tmp_path):
    (tmp_path / "program.py").write_text(PROGRAM)
    return lambda *a: python("-m", "penstock", "verify", "program.py", *a, cwd=tmp_path)


def test_programs_that_agree(program):
    status, out, err = program("--steps", "2", "nothing")
    assert status == 0 and out.endswith("They agree within 0.001.\n"), out + err
    rows = [line.split() for line in out.splitlines() if line.strip()[:1].isdigit()]
    assert [row[0] for row in rows] == ["1", "2"] and all(len(row) == 5 for row in rows)


def test_the_layer_where_programs_part(program):
    status, out, err = program("reference", "--steps", "2", "--out", "kept")
    assert status == 1, out + err
    verdict = out.splitlines()[-1]
    assert (
        verdict.startswith("They part in step 1: layer 'sequential/scale' (")
        and "program.py:13), float32[8, 8]" in verdict
    )


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("print(1)", 2, "gives nothing to compare"),
        ("raise ValueError('no luck')", 2, "It fails on Penstock: ValueError: no luck"),
        (
            "import os\nassert os.environ.get('PENSTOCK_DEVICE')",
            1,
            "It fails on Penstock: AssertionError",
        ),
    ],
)
def test_programs_that_cannot_be_compared(tmp_path, text, status, said):
    (tmp_path / "program.py").write_text(text)
    found, out, err = python("-m", "penstock", "verify", "program.py", cwd=tmp_path)
    assert found == status and said in out + err


def record(kind, name, values, step=1, dtype="float32"):
    array = np.asarray(values, np.float64)
    finite = np.abs(array[np.isfinite(array)])
    largest = float(finite.max()) if finite.size else 0.0
    return Record(kind, name, "", step, dtype, array.shape, 1, array.ravel(), largest)


@pytest.mark.parametrize(
    ("ours", "theirs", "dtype", "agree"),
    [
        ([1.0, 2.0], [1.0, 2.001], "float32", True),
        ([1.0, 2.0], [1.0, 2.01], "float32", False),
        ([1.0, 2.0], [1.0, 2.01], "bfloat16", True),
        ([1e-9, 2.0], [2e-9, 2.0], "float32", True),
        ([np.nan, np.inf], [np.nan, np.inf], "float32", True),
        ([np.nan, 1.0], [1.0, 1.0], "float32", False),
        ([np.inf, 1.0], [-np.inf, 1.0], "float32", False),
        ([1, 2000], [1, 2001], "int32", False),
        ([1.0], [1.0, 1.0], "float32", False),
        ([], [], "float32", True),
    ],
)
def test_what_is_more_than_rounding(ours, theirs, dtype, agree):
    found = compare(
        [record("layer", "a", ours, dtype=dtype)], [record("layer", "a", theirs, dtype=dtype)]
    )
    assert (found.first_beyond(1e-3) is None) == agree


def test_gradients_are_measured_by_the_greatest_of_their_step():
    ours = [record("gradient", "a", [1.0]), record("gradient", "b", [1e-8])]
    theirs = [record("gradient", "a", [1.0]), record("gradient", "b", [-1e-8])]
    assert compare(ours, theirs).first_beyond(1e-3) is None


def test_variables_whose_gradients_are_rounding_are_left_out():
    def run(sign, size):
        return [
            record("gradient", "a", [1.0, sign * size]),
            record("variable", "a", [1.0, sign * 0.01]),
            record("variable", "a", [1.0, sign * 0.01], step=2),
        ]

    assert compare(run(1, 1e-8), run(-1, 1e-8)).first_beyond(1e-3) is None
    assert compare(run(1, 1e-2), run(-1, 1e-2)).first_beyond(1e-3).theirs.kind == "gradient"


def test_calls_are_matched_by_name_and_number():
    ours = [record("layer", "a", [1.0]), record("layer", "b", [1.0]), record("layer", "a", [3.0])]
    theirs = [record("layer", "a", [1.0]), record("layer", "a", [2.0]), record("layer", "c", [1.0])]
    found = compare(ours, theirs)
    assert found.first_beyond(1e-3).ours.sample == [3.0]
    assert [(side, r.name) for side, r in found.missing] == [(0, "b"), (1, "c")]


def test_environments_with_tensorflow(tmp_path, monkeypatch):
    site = tmp_path / "other" / "lib" / "python3.11" / "site-packages" / "tensorflow"
    site.mkdir(parents=True)
    (site / "__init__.py").touch()
    (tmp_path / "other" / "bin").mkdir()
    (tmp_path / "other" / "bin" / "python").touch()
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr(environments.site_packages, "real_tensorflow", lambda: None)
    monkeypatch.setattr(
        environments, "_environments", lambda: [tmp_path / "empty", tmp_path / "other"]
    )
    assert environments.python_of(None) == tmp_path / "other" / "bin" / "python"
    monkeypatch.setattr(environments, "_environments", lambda: [tmp_path / "empty"])
    assert environments.python_of(None) is None
    with pytest.raises(Refused, match="no Python at"):
        environments.python_of(str(tmp_path / "empty"))
