"""A fixed tenth of Keras's own tests, chosen over all of its folders, with Penstock as `tensorflow`.

The tests come with Keras's source distribution, which pip fetches once into KERAS_SUITE_CACHE (~/.cache/keras-suite).
Without it, and offline, they are skipped.
"""

import concurrent.futures
import importlib.util
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ElementTree

import pytest

HERE = pathlib.Path(__file__).parent
REPOSITORY = HERE.parents[2]
VERSION = "3.15.1"
CACHE = pathlib.Path(
    os.environ.get("KERAS_SUITE_CACHE", pathlib.Path.home() / ".cache/keras-suite")
)
# Tests of dtypes ask JAX, which compiles each call by XLA: what it has compiled once is kept, however small.
KEPT_BY_JAX = {
    "JAX_COMPILATION_CACHE_DIR": str(CACHE / "jax"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
LIMIT = int(os.environ.get("KERAS_SUITE_LIMIT", "900"))  # seconds for one part
# The parts, each of which runs in a process of its own; folders of keras/src that no part names make the last one.
PARTS = {
    "ops": ["ops"],
    "backend": ["backend/common", "backend/tensorflow", "backend/tests", "trainers", "models"],
    "preprocessing": ["layers/preprocessing"],
    "layers": [
        f"layers/{name}"
        for name in "activations attention convolutional core merging normalization pooling "
        "regularization reshaping rnn".split()
    ],
    "others": [],
}
# Tests of other backends, those that load weights from the internet, and exports, for which TensorFlow has no results.
LEFT_OUT = ["applications", "export", "backend/jax", "backend/torch", "backend/openvino"]
# Packages that test files import at their top; where one is missing such a file is left out.
OPTIONAL = ("grain", "jax", "pandas", "sklearn", "torch")


def fetch():
    """The folder of Keras's source distribution.

    Raises:
      subprocess.CalledProcessError: pip cannot fetch it.
    """
    root = CACHE / f"keras-{VERSION}"
    if not root.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--no-binary", ":all:", f"keras=={VERSION}", "--dest", str(CACHE)]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
        with tarfile.open(CACHE / f"keras-{VERSION}.tar.gz") as archive:
            archive.extractall(CACHE, filter="data")
    return root


def files_of(root, part):
    """The test files of a part, relative to the distribution's folder."""
    sources = root / "keras/src"
    files = {str(f.relative_to(sources)) for f in sources.glob("**/*_test.py")}

    def within(folders):
        return {f for f in files if any(f.startswith(folder + "/") for folder in folders)}

    if PARTS[part]:
        chosen = within(PARTS[part])
    else:
        chosen = files - within([folder for folders in PARTS.values() for folder in folders])
    chosen -= within(LEFT_OUT)
    return sorted(f"keras/src/{f}" for f in chosen if not lacks_packages(sources / f))


def lacks_packages(path):
    """Whether a file imports an optional package that is not installed."""
    imported = re.findall(r"^(?:import|from) (\w+)", path.read_text(), re.MULTILINE)
    return any(p in imported and importlib.util.find_spec(p) is None for p in OPTIONAL)


def run(root, part, folder):
    """Runs a part: (report, the end of what pytest wrote)."""
    report = folder / f"{part}.xml"
    places = [str(HERE), str(root), str(REPOSITORY)]
    environment = {
        **os.environ,
        **KEPT_BY_JAX,
        "KERAS_BACKEND": "tensorflow",
        "PYTHONPATH": os.pathsep.join(places),
        "NO_COLOR": "1",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "keras_plugin", "-p", "no:cacheprovider"]
    command += ["-o", "addopts=", "--junitxml", str(report), *files_of(root, part)]
    done = subprocess.run(
        command, cwd=root, env=environment, timeout=LIMIT, capture_output=True, text=True
    )
    return report, (done.stdout + done.stderr)[-2000:]


def lacks_package(failure):
    """Whether a test failed since it imports, in its own body, an optional package that is not installed."""
    said = failure.get("message", "")
    return any(said == f"ModuleNotFoundError: No module named '{p}'" for p in OPTIONAL)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Part -> the future of its run; as many run at once as there are processors."""
    try:
        root = fetch()
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired, OSError) as error:
        pytest.skip(f"Keras's source distribution cannot be fetched: {error}")
    folder = tmp_path_factory.mktemp("reports")
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        yield {part: pool.submit(run, root, part, folder) for part in PARTS}


@pytest.mark.parametrize("part", PARTS)
def test_a_tenth_of_the_suite(runs, part):
    report, said = runs[part].result()
    assert report.exists(), said
    cases = list(ElementTree.parse(report).getroot().iter("testcase"))
    failed = {}
    for case in cases:
        for kind in ("failure", "error"):
            if (found := case.find(kind)) is not None and not lacks_package(found):
                name = f"{case.get('classname')}::{case.get('name')}"
                failed[name] = found.get("message", "")[:300]
    assert cases, said
    assert not failed
