"""The libraries, as data: what each needs installed, and where its tests are."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Suite:
    """One library's tests.

    Attributes:
      alone: what is installed without dependencies, as these would install TensorFlow; the library is the first.
      install: what is installed with dependencies. Penstock's own dependencies and pytest always are.
      files: globs of the files with tests, below site-packages or, with `sdist`, below the unpacked source distribution.
      sdist: requirement of the source distribution that has the tests, if the wheel has none.
      examples: run the examples in the docstrings of these files, instead of test functions.
      left_out: for each glob of files that are not run, the reason.
      environment: additional environment variables.
      limit: seconds for each file of a process.
      batch: how many files run in one process. More than one only pays where importing is most of the time.
    """

    alone: tuple[str, ...]
    install: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    sdist: str = ""
    examples: bool = False
    left_out: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    limit: int = 120
    batch: int = 1


PROBABILITY = ("tensorflow-probability==0.25.0", "tf-keras")
PROBABILITY_NEEDS = (
    *("absl-py", "cloudpickle", "decorator", "dm-tree", "gast", "opt_einsum", "requests", "six"),
)
KERAS_2 = {"TF_USE_LEGACY_KERAS": "1"}
KERAS_2_NEEDS = ("absl-py", "requests", "scipy", "six", "wrapt")

SUITES = {
    "gpflow": Suite(
        alone=("gpflow==2.11.2", "check_shapes", "dropstackframe", *PROBABILITY),
        install=(
            *("deprecated", "lark", "matplotlib", "multipledispatch", "packaging", "pandas"),
            *("scipy", "setuptools<81", "tabulate", "typing-extensions", *PROBABILITY_NEEDS),
        ),
        files=("tests/gpflow/**/test_*.py",),
        batch=12,
    ),
    # The wheel has no test files, and no recent source distribution exists: its documentation's examples are run.
    "tensorflow_probability": Suite(
        alone=PROBABILITY,
        install=(*PROBABILITY_NEEDS, "scipy", "matplotlib"),
        files=("tensorflow_probability/python/**/*.py",),
        examples=True,
        left_out={
            "tensorflow_probability/python/internal/backend/*": "copies of TensorFlow's files"
        },
        environment=KERAS_2,
        limit=60,
        batch=40,
    ),
    "sonnet": Suite(
        alone=("dm-sonnet==2.0.2",),
        install=("dm-tree", "etils", "scipy", "tabulate", "wrapt"),
        files=("sonnet/**/*_test.py",),
        limit=300,
    ),
    # tf-keras has no test files, neither in its wheels nor in its source distributions (2.14.1, 2.15.0, 2.21.0): its examples run.
    "tf_keras": Suite(
        alone=("tf-keras==2.21.0",),
        install=(*KERAS_2_NEEDS, "pillow", "pandas"),
        files=("tf_keras/src/**/*.py",),
        examples=True,
        environment=KERAS_2,
        limit=30,
        batch=80,
    ),
    "tensorflow_recommenders": Suite(
        alone=("tensorflow-recommenders==0.7.7", "tf-keras"),
        install=KERAS_2_NEEDS,
        files=("tensorflow_recommenders/**/*_test.py",),
        environment=KERAS_2,
        limit=300,
    ),
    "models": Suite(
        alone=("tf-models-official==2.20.0", "tf-keras", "tensorflow-model-optimization"),
        install=(
            *(*KERAS_2_NEEDS, "etils", "gin-config", "immutabledict", "pandas", "psutil", "pyyaml"),
            *("termcolor", "tqdm"),
        ),
        files=(
            "orbit/**/*_test.py",
            "official/core/*_test.py",
            "official/modeling/**/*_test.py",
            "official/recommendation/**/*_test.py",
        ),
        environment=KERAS_2,
        limit=200,
    ),
    # Most builders' tests need files that the wheel leaves out: the parts that every builder is made of are run.
    "tensorflow_datasets": Suite(
        alone=("tensorflow-datasets==4.9.10", "tensorflow-metadata", "array-record"),
        install=(
            *(
                "absl-py",
                "cloudpickle",
                "dill",
                "dm-tree",
                "etils[edc,enp,epath,epy,etree]",
                "googleapis-common-protos",
            ),
            *(
                "immutabledict",
                "importlib_resources",
                "jax",
                "matplotlib",
                "mlcroissant",
                "pandas",
                "pillow<12",
                "promise",
            ),
            *("psutil", "pyarrow", "pydub", "pyyaml", "requests", "scipy", "simple_parsing"),
            *("termcolor", "toml", "tqdm", "wrapt", "zarr<3"),
        ),
        files=("tensorflow_datasets/core/**/*_test.py", "tensorflow_datasets/testing/*_test.py"),
        left_out={
            "*/core/community/*": "reads GitHub and the Hugging Face hub",
            "*/core/github_api/*": "reads GitHub",
            "*beam*": "needs Apache Beam",
        },
        environment={"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "upb"},
        limit=120,
        batch=8,
    ),
    "tf_agents": Suite(
        alone=("tf-agents==0.19.0", *PROBABILITY, "gym==0.23.0", "gym-notices"),
        install=(*PROBABILITY_NEEDS, "gin-config", "mock", "pillow", "scipy", "wrapt"),
        files=("tf_agents/**/*_test.py",),
        left_out={
            "*/examples/*": "trains for minutes",
            "*/environments/suite_*": "needs simulators",
            "*/replay_buffers/r*": "needs Reverb",
        },
        environment=KERAS_2,
        limit=120,
        batch=6,
    ),
    "tf_slim": Suite(
        alone=("tf-slim==1.1.0", "tf-keras"),
        install=(*KERAS_2_NEEDS, "pillow", "simplejpeg"),
        files=("tf_slim/**/*_test.py",),
        limit=300,
    ),
}
