"""Does what README.md says, line by line, in a fresh environment without TensorFlow, and times it.

    python -m tests.doors.five_minutes --dist dist [--python python3.13] [--work build/five-minutes]

`make stand-in` puts the wheels of `penstock` and `tensorflow-on-penstock` into `dist`; all else comes from the package index. Then the
libraries that the page installs are used, and `tensorflow-on-penstock` takes the place of `penstock enable`. Fails if a line fails or TensorFlow got installed.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.doors.readme import README, Step, steps

# Programs beside the page's: each library does something, and prints 3.
USES = {
    "keras": "import keras, tensorflow as tf; print(keras.layers.Dense(3)(tf.ones([1, 2])).shape[1])",
    "tf.keras": "import tensorflow as tf; print(tf.keras.layers.Dense(3)(tf.ones([1, 2])).shape[1])",
    "tf-keras": "import tf_keras as k, tensorflow as tf; print(k.layers.Dense(3)(tf.ones([1, 2])).shape[1])",
    "tensorflow-hub": """
import tensorflow as tf, tensorflow_hub as hub, tempfile
class Three(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([], tf.int32)])
    def __call__(self, x):
        return x + 2
folder = tempfile.mkdtemp()
tf.saved_model.save(Three(), folder)
print(int(hub.load(folder)(tf.constant(1))))""",
    "tensorflow-datasets": """
import pathlib, tempfile, tensorflow as tf, tensorflow_datasets as tfds
class Numbers(tfds.core.GeneratorBasedBuilder):
    pkg_dir_path = pathlib.Path(tempfile.mkdtemp())
    VERSION = tfds.core.Version("1.0.0")
    def _info(self):
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict({"x": tf.int64}))
    def _split_generators(self, manager):
        return {"train": self._generate_examples()}
    def _generate_examples(self):
        for i in range(3):
            yield i, {"x": i}
builder = Numbers(data_dir=tempfile.mkdtemp())
builder.download_and_prepare()
print(len({int(example["x"]) for example in builder.as_dataset(split="train")}))""",
    "tensorflow-probability": """
import os; os.environ["TF_USE_LEGACY_KERAS"] = "1"
import tensorflow_probability as tfp
print(round(float(tfp.distributions.Normal(3.0, 1.0).mean())))""",
    "tensorflow-recommenders": """
import os; os.environ["TF_USE_LEGACY_KERAS"] = "1"
import tensorflow as tf, tensorflow_recommenders as tfrs
loss = tfrs.tasks.Ranking(loss=tf.keras.losses.MeanAbsoluteError())(labels=tf.zeros([2, 1]), predictions=3 * tf.ones([2, 1]))
print(int(loss))""",
    "versions": """
import importlib.metadata, tensorflow as tf
from packaging.version import Version
from penstock._src.util.process.installing import NAME
assert importlib.metadata.version("tensorflow") == tf.__version__
print(len([int(part) for part in tf.__version__.split(".")]), end="")
assert Version(tf.__version__) >= Version("2.16") > Version(importlib.metadata.version(NAME))""",
}  # fmt: skip
STANDING_IN = ("penstock disable", "pip install dist/tensorflow-on-penstock/*.whl")


# A line that takes longer than this has hung.
LIMIT = 900


@dataclass
class Newcomer:
    """Types lines in a fresh environment, and notes how long each took."""

    folder: Path
    seconds: list[tuple[str, float]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    servers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        """The variables of a shell in which the environment is active."""
        hidden = ("PYTHON", "PENSTOCK", "KERAS", "TF_", "VIRTUAL_ENV")
        variables = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
        return variables | {
            "PATH": f"{self.folder / 'venv' / 'bin'}{os.pathsep}{variables['PATH']}",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_QUIET": "1",
            "PENSTOCK_CACHE_DIR": str(self.folder / "kernels"),
            "KERAS_HOME": str(self.folder / "keras"),
        }

    def type(self, line: str) -> str:
        """Runs a line in the shell, notes its time, and returns what it printed; one that ends with & goes on until `leave`."""
        if line.endswith("&"):
            self.servers.append(
                subprocess.Popen(
                    ["sh", "-c", f"exec {line[:-1]}"], cwd=self.folder, env=self.environment(),
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                )
            )  # fmt: skip
            self.note(line, 0.0, True, "")
            return ""
        started = time.monotonic()
        done = subprocess.run(
            ["sh", "-c", line], cwd=self.folder, env=self.environment(), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT,
        )  # fmt: skip
        self.note(line, time.monotonic() - started, done.returncode == 0, done.stdout)
        return done.stdout

    def leave(self) -> None:
        """Ends what runs in the background."""
        for server in self.servers:
            server.terminate()
            server.wait(timeout=LIMIT)

    def note(self, what: str, seconds: float, passed: bool, said: str) -> None:
        """Prints a line of the table, and what a failure printed."""
        self.seconds.append((what, seconds))
        print(f"{seconds:7.1f} s  {'ok    ' if passed else 'FAILED'}  {what}", flush=True)
        if not passed:
            self.failed.append(what)
            print("    " + "\n    ".join(said.rstrip().splitlines()[-20:]), flush=True)

    def use(self, name: str) -> None:
        """Runs the program of a library, which must print 3."""
        program = self.folder / f"use_{name.replace('-', '_').replace('.', '_')}.py"
        program.write_text(USES[name].strip() + "\n")
        started = time.monotonic()
        done = subprocess.run(
            ["python", "-W", "ignore", program.name], cwd=self.folder, env=self.environment(), text=True,
            capture_output=True, timeout=LIMIT,
        )  # fmt: skip
        passed = done.returncode == 0 and done.stdout.split()[-1:] == ["3"]
        self.note(f"use of {name}", time.monotonic() - started, passed, done.stdout + done.stderr)

    def has_no_tensorflow(self) -> None:
        """Fails if a folder `tensorflow` was installed."""
        found = list(
            (self.folder / "venv").glob("lib/python*/site-packages/tensorflow/__init__.py")
        )
        self.note("TensorFlow is not installed", 0.0, not found, f"{found}")


def follow(page: list[Step], user: Newcomer) -> None:
    """Saves the page's programs and types its lines."""
    for step in page:
        if step.file:
            (user.folder / step.file).write_text(step.text)
        else:
            user.type(step.text)


def main() -> int:
    """Returns 1 if something failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dist", type=Path, default=README.parent / "dist")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--work", type=Path, default=README.parent / "build" / "five-minutes")
    args = parser.parse_args()
    shutil.rmtree(args.work, ignore_errors=True)
    args.work.mkdir(parents=True)
    user = Newcomer(args.work.resolve())
    (user.folder / "dist").symlink_to(args.dist.resolve())
    user.type(f"{args.python} -m venv {user.folder / 'venv'}")
    try:
        follow(steps(README.read_text()), user)
    finally:
        user.leave()
    page = sum(seconds for _, seconds in user.seconds)
    user.has_no_tensorflow()
    for name in USES:
        user.use(name)
    for line in STANDING_IN:
        user.type(line)
    user.use("tf.keras")
    user.type("pip check")
    user.has_no_tensorflow()
    print(
        f"README.md line by line: {page:.0f} s; with the libraries' programs {sum(s for _, s in user.seconds):.0f} s."
    )
    return int(bool(user.failed))


if __name__ == "__main__":
    sys.exit(main())
