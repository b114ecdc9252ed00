"""Properties of this build."""

from penstock._src.api.config.build import get_build_info

build_info = get_build_info()
