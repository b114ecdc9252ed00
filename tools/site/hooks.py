"""Hooks that mkdocs calls while it builds the site (mkdocs.yml): they add the API reference and pages that the navigation does not name.

Low to high, the files of this folder: docstrings navigation < reference < hooks.
"""

import sys
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tools import gen_not_supported  # noqa: E402
from tools.site import navigation, reference  # noqa: E402

_PAGES: dict[str, str] = {}


def on_config(config: Any) -> Any:
    """Completes the navigation."""
    _PAGES.update({f"api/{name}": text for name, text in reference.pages().items()})
    spaces = [{space or "tf": f"api/{space or 'tf'}.md"} for space in reference.namespaces()]
    api = ["api/index.md", *spaces, {"compat.v1": "api/v1.md"}]
    for section in config.nav:
        if "API" in section:
            section["API"] = api
    navigation.add_rest(config.nav, Path(config.docs_dir), "Reference")
    return config


def on_files(files: Files, config: Any) -> Files:
    """Adds the generated pages."""
    for name, text in _PAGES.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Adds the cases that the source refuses to the page of what is not supported."""
    if page.file.src_uri != "not_supported.md":
        return markdown
    return "\n".join([markdown, "", *gen_not_supported.cases()])
