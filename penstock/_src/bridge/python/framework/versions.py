"""`tensorflow.python.framework.versions`: versions under their private names."""

from penstock._src.api.config import build
from penstock._src.version import VERSION

__version__, __git_version__, __compiler_version__ = (
    VERSION,
    build.GIT_VERSION,
    build.COMPILER_VERSION,
)
__cxx11_abi_flag__, __monolithic_build__ = build.CXX11_ABI_FLAG, build.MONOLITHIC_BUILD
__cxx_version__ = build.CXX_VERSION
