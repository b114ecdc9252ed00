"""Files that others read while they grow."""

import os
import subprocess
import sys

from penstock._src.filesystems.files import system_of

FULL = """
import glob, resource, signal, sys
import penstock as tf

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
writer = tf.summary.create_file_writer(sys.argv[1], max_queue=100)

def write(count, step):
    with writer.as_default():
        for _ in range(count):
            tf.summary.scalar("loss", 0.5, step=step)

write(3, 1)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
try:
    write(30, 2)
except tf.errors.OutOfRangeError as error:
    assert "events" in str(error), error
else:
    sys.exit("nothing was refused")
[path] = glob.glob(sys.argv[1] + "/*")
steps = [event.step for event in tf.compat.v1.train.summary_iterator(path)]
assert steps == [0, 1, 1, 1], steps
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
writer.flush()
steps = [event.step for event in tf.compat.v1.train.summary_iterator(path)]
assert steps == [0] + 3 * [1] + 30 * [2], steps
"""


def test_events_that_a_full_disk_refuses_leave_whole_ones_and_are_written_later(tmp_path):
    ended = subprocess.run(
        # bytecode of modules would be cut off, too
        [sys.executable, "-B", "-c", FULL, str(tmp_path)],
        capture_output=True,
        text=True,
    )
    assert not ended.returncode, ended.stderr


def test_a_log_can_be_read_after_each_flush(tmp_path):
    path = str(tmp_path / "log")
    file = system_of(path).open_log(path)
    file.write(b"one")
    assert os.path.getsize(path) == 0
    file.flush()
    file.write(b"two")
    assert open(path, "rb").read() == b"one"
    file.close()
    assert open(path, "rb").read() == b"onetwo"
