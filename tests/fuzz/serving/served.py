"""The models that are served, and the server's process."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import penstock as tf
from tests.serving.kit import save, save_half_plus_two_of_v1

PAGE = os.sysconf("SC_PAGE_SIZE")


class Several(tf.Module):
    """Functions of many dtypes and ranks."""

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, 2], tf.int32, name="a"),
            tf.TensorSpec([None], tf.string, name="b"),
        ]
    )
    def pairs(self, a, b):
        return {"total": tf.reduce_sum(a, 1), "text": b + "!", "raw_bytes": b}

    @tf.function(input_signature=[tf.TensorSpec([None, 4, None, 3], tf.uint8, name="image")])
    def image(self, image):
        return {
            "mean": tf.reduce_mean(tf.cast(image, tf.float32), [1, 2]),
            "shape": tf.shape(image),
        }

    @tf.function(
        input_signature=[
            tf.TensorSpec(None, tf.float64, name="any"),
            tf.TensorSpec([], tf.bool, name="turn"),
        ]
    )
    def any(self, any, turn):
        return {"y": tf.where(turn, -any, any)}

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int64, name="ids")])
    def gather(self, ids):
        return {"y": tf.gather(tf.constant([1.0, 2.0, 3.0, 4.0]), ids)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="x")])
    def strings(self, x):
        return {"number": tf.strings.to_number(x), "length": tf.strings.length(x, "UTF8_CHAR")}


FUNCTIONS = ("pairs", "image", "any", "gather", "strings")


def save_models(folder: Path) -> Path:
    """Saves the models, and a configuration of them; returns its path."""
    save_half_plus_two_of_v1(folder / "half" / "1")
    several = Several()
    save(several, folder / "several" / "1", {name: getattr(several, name) for name in FUNCTIONS})
    path = folder / "models.config"
    entries = "".join(
        f'config {{ name: "{name}" base_path: "{folder / name}" model_platform: "tensorflow" }}\n'
        for name in ("half", "several")
    )
    path.write_text(f"model_config_list {{ {entries} }}")
    return path


class Process:
    """`penstock serve` in a process of its own.

    Args:
      arguments: of the command.
      log: what it says of errors.
    """

    def __init__(self, arguments: list[str], log: Path) -> None:
        command = [sys.executable, "-m", "penstock", "serve", *arguments]
        self.log = log
        with open(log, "w") as file:
            self.process = subprocess.Popen(
                [*command, "--rest-port=0", "--grpc-port=0"],
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
            )
        said = self.process.stdout.readline()
        found = re.search(
            r"REST at http://127.0.0.1:(\d+)/v1/models, gRPC at 127.0.0.1:(\d+)", said
        )
        if found is None:
            raise RuntimeError(f"The server did not start: {said} {log.read_text()}")
        self.rest_port, self.grpc_port = int(found[1]), int(found[2])

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self.process.poll() is None

    def memory(self) -> int:
        """Bytes that are resident."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * PAGE

    def workers(self) -> list[int]:
        """The processes that serve, of several."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        found = []
        for number in map(int, Path(path).read_text().split()):
            try:
                if "spawn_main" in Path(f"/proc/{number}/cmdline").read_text():
                    found.append(number)
            except (FileNotFoundError, ProcessLookupError):  # it has just ended
                continue
        return found

    def end(self) -> int:
        """Ends it by SIGTERM; its status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
