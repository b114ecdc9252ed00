"""Writes that the system refuses after the file was opened."""

import os
import subprocess
import sys

import pytest

import penstock as tf
from penstock._src.filesystems.files import open_file
from penstock._src.util.files.records import BUFFER
from tests.harness.processes import lean

LIMITED = """
import resource, signal, sys
import numpy as np
import penstock as tf

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
variable = tf.Variable(np.zeros(1_000_000, np.float32))
elements = tf.data.Dataset.from_tensor_slices(np.random.rand(300, 2000))
resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY))
for write in (
    lambda: tf.train.Checkpoint(variable=variable).write(f"{sys.argv[1]}/saved"),
    lambda: list(elements.snapshot(f"{sys.argv[1]}/snapshot", compression=None)),
    lambda: list(elements.cache(f"{sys.argv[1]}/cache")),
):
    try:
        write()
    except tf.errors.OpError as error:
        print(type(error).__name__, error.message.replace(sys.argv[1], ""))
"""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is full")
@pytest.mark.parametrize("mode", ["wb", "ab", "r+b"])
@pytest.mark.parametrize("size", [1, 2 * BUFFER])
def test_a_full_disk_gives_the_error_of_tensorflow(mode, size):
    file = open_file("/dev/full", mode)
    with pytest.raises(tf.errors.ResourceExhaustedError, match="^/dev/full; No space left"):
        file.write(bytes(size))
        file.flush()
    with pytest.raises(tf.errors.ResourceExhaustedError):  # of what is held back
        file.write(b"more")
        file.close()


def test_refused_writes_of_checkpoints_and_datasets_have_errors_of_tensorflow(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path)], env=lean(), capture_output=True, text=True
    )
    saved, *passed_on = done.stdout.splitlines()
    assert saved == "OutOfRangeError /saved.data-00000-of-00001; File too large"
    assert len(passed_on) == 2  # where OutOfRangeError would end the iteration
    for said in passed_on:
        assert said.startswith("InternalError") and said.endswith("; File too large")
