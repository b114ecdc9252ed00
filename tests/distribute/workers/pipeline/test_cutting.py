"""Where models of Keras are cut, and which cannot be."""

import subprocess
import sys

from tests.harness.processes import ROOT, lean

PROGRAM = """
import keras
from types import SimpleNamespace
from penstock._src.bridge.keras_modules.pipeline.cutting import cut

layers = keras.layers

def stages(model, count, cuts=None, balance="flops"):
    made = cut(model, SimpleNamespace(num_stages=count, cuts=cuts, balance=balance))
    return [[layer.name for layer in part.layers] for part in made], [len(part.outputs) for part in made]

def refused(*args, **kwargs):
    try:
        return stages(*args, **kwargs)
    except ValueError as error:
        return str(error)

dense = lambda units, name: layers.Dense(units, name=name)
chain = keras.Sequential([keras.Input([4]), dense(64, "a"), dense(64, "b"), dense(64, "c"), dense(2, "d")])
print(stages(chain, 2))
print(stages(chain, 2, ["a"]))
print(stages(chain, 3, balance="parameters"))

x = start = keras.Input([8])
for name in "pqr":
    y = dense(8, name + "1")(x)
    x = layers.Add(name=name + "2")([x, dense(8, name + "3")(y)])
skips = keras.Model(start, x)
print(stages(skips, 3))
print(stages(skips, 2, ["q1"]))

shared = dense(8, "tied")
x = keras.Input([8])
tied = keras.Model(x, shared(dense(8, "middle")(shared(x))))
print(refused(tied, 2, ["middle"]))
print(refused(tied, 2))
print(refused(chain, 2, ["e"]))
print(refused(chain, 2, ["d"]))
print(refused(chain, 3, ["b", "a"]))
print(refused(keras.Sequential([dense(2, "lazy")]), 2))
x = keras.Input([None, 4])
print(refused(keras.Model(x, dense(2, "z")(dense(3, "y")(x))), 2))

class Own(keras.Model):
    pass

print(refused(Own(name="own"), 2))
"""


def test_models_are_cut_at_layers_and_refusals_name_them(tmp_path):
    script = tmp_path / "cuts.py"
    script.write_text(PROGRAM)
    command = [sys.executable, "-m", "penstock", "run", str(script)]
    done = subprocess.run(
        command, cwd=ROOT, env=lean(program=PROGRAM), capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:5] == [
        "([['a', 'b'], ['c', 'd']], [1, 1])",
        "([['a'], ['b', 'c', 'd']], [1, 1])",
        "([['a'], ['b'], ['c', 'd']], [1, 1, 1])",
        "([['p1', 'p3', 'p2'], ['q1', 'q3', 'q2'], ['r1', 'r3', 'r2']], [1, 1, 1])",
        "([['p1', 'p3', 'p2', 'q1'], ['q3', 'q2', 'r1', 'r3', 'r2']], [2, 1])",
    ]
    named = ["'tied'", "tied", "'e'", "'d'", "'a'", "'lazy'", "'y'", "'own'"]
    for line, name in zip(lines[5:], named, strict=True):
        assert line.startswith("PipelineStrategy") and name in line, line
