"""Scaffold: the operations that prepare a session, by default those in the graph's collections."""

from collections.abc import Callable
from typing import Any

from penstock._src.api.control.scopes import group
from penstock._src.core.dispatch import STATE
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only
from penstock._src.v1.saving.saver import Saver
from penstock._src.v1.summaries.summary import merge_all
from penstock._src.v1.variables.collections import (
    GraphKeys,
    global_variables_initializer,
    local_variables_initializer,
    report_uninitialized_variables,
    tables_initializer,
)


@export(v1=["train.Scaffold"])
class Scaffold:
    """The operations of a graph that a training session needs.

    Args:
      init_op, init_feed_dict, init_fn: initialize variables; the function is called with the scaffold and
        the session.
      ready_op: returns the names of uninitialized variables; an empty result means ready.
      ready_for_local_init_op: likewise for the variables that `local_init_op` needs.
      local_init_op, local_init_feed_dict: run in every session, also after restoring.
      summary_op: computes the summaries.
      saver: a Saver.
      copy_from_scaffold: another Scaffold, which provides the defaults.

    Raises:
      TypeError: `copy_from_scaffold` is something else.
    """

    def __init__(
        self,
        init_op: Any = None,
        init_feed_dict: Any = None,
        init_fn: Callable[..., Any] | None = None,
        ready_op: Any = None,
        ready_for_local_init_op: Any = None,
        local_init_op: Any = None,
        summary_op: Any = None,
        saver: Any = None,
        copy_from_scaffold: "Scaffold | None" = None,
        local_init_feed_dict: Any = None,
    ) -> None:
        other = copy_from_scaffold
        if other is not None and not isinstance(other, Scaffold):
            raise TypeError(f"copy_from_scaffold is not a Scaffold instance. Received: {other}")

        def given(value: Any, name: str) -> Any:
            return getattr(other, name) if value is None and other is not None else value

        self._init_op = given(init_op, "_init_op")
        self._init_feeds = given(init_feed_dict, "_init_feeds")
        self._given_init_fn = given(init_fn, "_given_init_fn")
        self._ready_op = given(ready_op, "_ready_op")
        self._ready_for_local = given(ready_for_local_init_op, "_ready_for_local")
        self._local_init_op = given(local_init_op, "_local_init_op")
        self._local_feeds = given(local_init_feed_dict, "_local_feeds")
        self._summary_op = given(summary_op, "_summary_op")
        self._saver = given(saver, "_saver")

    def finalize(self) -> "Scaffold":
        """Creates the missing operations, and finalizes the graph."""
        keys = GraphKeys
        if self._init_op is None:
            self._init_op = self.get_or_default(
                "init_op", keys.INIT_OP, global_variables_initializer
            )
        if self._ready_op is None:
            self._ready_op = self.get_or_default(
                "ready_op", keys.READY_OP, report_uninitialized_variables
            )
        if self._ready_for_local is None:
            self._ready_for_local = self.get_or_default(
                "ready_for_local_init_op",
                keys.READY_FOR_LOCAL_INIT_OP,
                lambda: report_uninitialized_variables(
                    STATE.graph.get_collection(keys.GLOBAL_VARIABLES)
                ),
            )
        if self._local_init_op is None:
            self._local_init_op = self.get_or_default(
                "local_init_op", keys.LOCAL_INIT_OP, self.default_local_init_op
            )
        if self._summary_op is None:
            self._summary_op = self.get_or_default("summary_op", keys.SUMMARY_OP, merge_all)
        if self._saver is None:
            self._saver = self.get_or_default("saver", keys.SAVERS, lambda: Saver(allow_empty=True))
        STATE.graph.finalize()
        return self

    @staticmethod
    def default_local_init_op() -> Any:
        """Returns the operation that initializes local variables and tables."""
        return group(local_variables_initializer(), tables_initializer())

    @staticmethod
    def get_or_default(
        arg_name: str, collection_key: str, default_constructor: Callable[[], Any]
    ) -> Any:
        """Returns the only element of a collection of the graph; creates and adds it if the collection is empty.

        Raises:
          RuntimeError: the collection has several elements.
        """
        collected = STATE.graph.get_collection(collection_key)
        if len(collected) > 1:
            raise RuntimeError(
                f'More than one item in the collection "{collection_key}". Please indicate which '
                f"one to use by passing it to the tf.Scaffold constructor as: tf.Scaffold("
                f"{arg_name}=item to use)"
            )
        if collected:
            return collected[0]
        default = default_constructor()
        if default is not None:
            STATE.graph.add_to_collection(collection_key, default)
        return default

    @property
    def init_fn(self) -> Any:
        """The function that is called with a session if no checkpoint was restored, or None."""
        if self._given_init_fn is None:
            return None
        return lambda session: self._given_init_fn(self, session)

    init_op = read_only("_init_op", "Operation that initializes variables.")
    init_feed_dict = read_only("_init_feeds", "Feeds of init_op.")
    ready_op = read_only("_ready_op", "Tensor of the names of uninitialized variables.")
    ready_for_local_init_op = read_only(
        "_ready_for_local",
        "Tensor of the names of variables that are uninitialized before local initialization.",
    )
    local_init_op = read_only("_local_init_op", "Operation that every session runs.")
    local_init_feed_dict = read_only("_local_feeds", "Feeds of local_init_op.")
    summary_op = read_only("_summary_op", "Operation that computes the summaries.")
    saver = read_only("_saver", "The Saver.")
