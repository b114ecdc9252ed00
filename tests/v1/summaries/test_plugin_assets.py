"""What plugins of TensorBoard keep with a graph: one object of each class."""

import pytest

import penstock as tf
from penstock._src.v1.summaries import plugin_assets as plugin_asset


class _Words(plugin_asset.PluginAsset):
    plugin_name = "words"

    def assets(self):
        return {}


class _OtherWords(_Words):
    pass


def test_a_graph_has_one_object_of_a_class():
    graph, other = tf.Graph(), tf.Graph()
    words = plugin_asset.get_plugin_asset(_Words, graph)
    assert plugin_asset.get_plugin_asset(_Words, graph) is words
    assert plugin_asset.get_all_plugin_assets(graph) == [words]
    assert plugin_asset.get_all_plugin_assets(other) == []
    with pytest.raises(ValueError, match="Plugin name collision"):
        plugin_asset.get_plugin_asset(_OtherWords, graph)
