"""tf.sysconfig and tf.version: facts about this build."""

import collections
import pathlib

from penstock._src.util.export import export, export_constant
from penstock._src.version import GRAPH_DEF_VERSION, OWN_VERSION, VERSION

export_constant("version.VERSION", VERSION, v1=["version.VERSION", "VERSION"])
export_constant(
    "version.GRAPH_DEF_VERSION",
    GRAPH_DEF_VERSION,
    v1=["version.GRAPH_DEF_VERSION", "GRAPH_DEF_VERSION"],
)

# The own version is here as well: saved models and bug reports carry this text.
GIT_VERSION = f"v{VERSION}-penstock-{OWN_VERSION}"
COMPILER_VERSION = "llvmlite"
GRAPH_DEF_VERSION_MIN_CONSUMER = 0
GRAPH_DEF_VERSION_MIN_PRODUCER = 0
CXX11_ABI_FLAG = 1
CXX_VERSION = 201703
MONOLITHIC_BUILD = 0

for _name in (
    "GIT_VERSION",
    "COMPILER_VERSION",
    "GRAPH_DEF_VERSION_MIN_CONSUMER",
    "GRAPH_DEF_VERSION_MIN_PRODUCER",
):
    export_constant(f"version.{_name}", globals()[_name], v1=[f"version.{_name}", _name])
for _name in ("CXX11_ABI_FLAG", "CXX_VERSION", "MONOLITHIC_BUILD"):
    export_constant(f"sysconfig.{_name}", globals()[_name], v1=[f"sysconfig.{_name}", _name])
# `tf.__git_version__` and the like, which programs print.
for _name in (
    "GIT_VERSION",
    "COMPILER_VERSION",
    "CXX11_ABI_FLAG",
    "CXX_VERSION",
    "MONOLITHIC_BUILD",
):
    _dunder = f"__{_name.lower()}__"
    export_constant(_dunder, globals()[_name], v1=[_dunder])


@export("sysconfig.get_build_info")
def get_build_info():
    """Returns what the package was built with, in TensorFlow's form.

    Returns:
      A dictionary: `is_cuda_build`, `is_rocm_build` and `is_tensorrt_build` are False.

    >>> tf.sysconfig.get_build_info()["is_cuda_build"]
    False
    """
    return collections.OrderedDict(
        is_cuda_build=False,
        is_rocm_build=False,
        is_tensorrt_build=False,
        msvcp_dll_names="",
        cpu_compiler="llvmlite",
    )


def _package():
    return pathlib.Path(__file__).resolve().parents[3]


@export("sysconfig.get_include")
def get_include():
    """Returns the folder where C headers would be; Penstock has none.

    Returns:
      A path.

    >>> tf.sysconfig.get_include().endswith("include")
    True
    """
    return str(_package() / "include")


@export("sysconfig.get_lib")
def get_lib():
    """Returns the folder of the package.

    Returns:
      A path.

    >>> import os
    >>> os.path.isdir(tf.sysconfig.get_lib())
    True
    """
    return str(_package())


@export("sysconfig.get_compile_flags")
def get_compile_flags():
    """Returns flags for compiling C extensions against the package.

    Returns:
      A list of strings.

    >>> isinstance(tf.sysconfig.get_compile_flags(), list)
    True
    """
    return [f"-I{get_include()}", f"-D_GLIBCXX_USE_CXX11_ABI={CXX11_ABI_FLAG}"]


@export("sysconfig.get_link_flags")
def get_link_flags():
    """Returns flags for linking C extensions against the package: an empty list, as it has no library.

    Returns:
      A list of strings.

    >>> isinstance(tf.sysconfig.get_link_flags(), list)
    True
    """
    return []


def is_tensorrt_enabled() -> bool:
    """True if graphs may be run by TensorRT.

    Returns:
      False.
    """
    return bool(get_build_info()["is_tensorrt_build"])


def get_linked_tensorrt_version() -> tuple[int, int, int]:
    """Returns the version of TensorRT that this build was made for: (0, 0, 0), as it was made for none."""
    return 0, 0, 0
