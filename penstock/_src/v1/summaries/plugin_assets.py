"""Files that plugins of TensorBoard keep with the summaries of a graph."""

from __future__ import annotations

import abc
from typing import Any

from penstock._src.v1.graphs.default_graph import get_default_graph

# The collections of a graph: one with the names of plugins, and one for each plugin.
_NAMES = "__tensorboard_plugins"
_PREFIX = "__tensorboard_plugin_asset_"


class PluginAsset(abc.ABC):
    """The files of a plugin; a graph has one object of each class."""

    # The name of the plugin, which a class must have.
    plugin_name: str | None = None

    @abc.abstractmethod
    def assets(self) -> dict[str, Any]:
        """Returns the contents of files by their names."""


def get_plugin_asset(plugin_asset_cls: type[PluginAsset], graph: Any = None) -> Any:
    """Returns the graph's object of this class, a new one the first time.

    Args:
      plugin_asset_cls: the class.
      graph: by default the current one.

    Raises:
      ValueError: the class has no plugin name, or another class has the same.
    """
    graph = graph or get_default_graph()
    name = plugin_asset_cls.plugin_name
    if not name:
        raise ValueError(f"Class {plugin_asset_cls.__name__} has no plugin_name")
    kept = graph.get_collection_ref(_PREFIX + name)
    if not kept:
        kept.append(plugin_asset_cls())
        graph.get_collection_ref(_NAMES).append(name)
    elif not isinstance(kept[0], plugin_asset_cls):
        raise ValueError(
            f"Plugin name collision: {kept[0]!r} has the name {name!r} of class "
            f"{plugin_asset_cls.__name__} already"
        )
    return kept[0]


def get_all_plugin_assets(graph: Any = None) -> list[Any]:
    """Returns the objects of all plugins of a graph, by default of the current one."""
    graph = graph or get_default_graph()
    return [graph.get_collection_ref(_PREFIX + n)[0] for n in graph.get_collection_ref(_NAMES)]
