"""Saving with Keras 2 over a file or folder leaves the old one until the new one is whole."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Each save of a second version is refused at a rename, or by the layer; what is there is loaded.
PROGRAM = """
import os, sys
import penstock
penstock.install_as_tensorflow()
import tensorflow as tf
from penstock._src.filesystems import files

keras, folder, name = tf.keras, *sys.argv[1:]
path = os.path.join(folder, name)
assert keras.layers.Dense.__module__.startswith("tf_keras")

def made():
    return keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="a"), keras.layers.Dense(3, name="b")])

model = made()

def save(version):
    model.set_weights([0 * w + version for w in model.get_weights()])
    model.save_weights(path) if "weights" in name else model.save(path)

def version():
    loaded = made()
    if "weights" in name:
        loaded.load_weights(path)
    else:
        loaded = keras.models.load_model(path)
    (found,) = {float(x) for w in loaded.get_weights() for x in w.ravel()}
    return found

def below():
    return sorted(os.path.join(at, x) for at, _, names in os.walk(folder) for x in names)

save(1)
before = below()
save(2)
assert version() == 2 and below() == before, (before, below())

class Refused(Exception):
    pass

rename, allowed = files.rename, 0
def limited(source, target):
    global allowed
    allowed -= 1
    if allowed < 0:
        raise Refused
    rename(source, target)

for renames in range(3):
    files.rename, allowed = limited, renames
    try:
        save(3 + renames)
    except Refused:
        pass
    files.rename = rename
    assert version() in (2 + renames, 3 + renames), (renames, version())
    save(3 + renames)

inode = os.stat(path).st_ino
save(9)
assert os.path.isdir(path) or os.stat(path).st_ino != inode  # not written in place
"""


@pytest.mark.skipif(find_spec("tf_keras") is None, reason="tf_keras is not installed")
@pytest.mark.parametrize("name", ["m.keras", "m.h5", "weights.h5", "m.weights.h5", "folder"])
def test_whole_files_of_keras_2(tmp_path, name):
    environment = {**os.environ, "TF_USE_LEGACY_KERAS": "1"}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), environment.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", PROGRAM, str(tmp_path), name]
    ended = subprocess.run(command, env=environment, timeout=300, capture_output=True, text=True)
    assert not ended.returncode, ended.stderr[-3000:]
