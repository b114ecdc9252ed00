"""tf.Module: a named container of variables and of other modules."""

import re

from penstock._src.api.control.scopes import name_scope
from penstock._src.core.tracking.trackable import AutoTrackable
from penstock._src.eager.variable import Variable
from penstock._src.util import nest
from penstock._src.util.export import export
from penstock._src.util.signatures import read_only

_IDENTIFIER = re.compile(r"^[a-zA-Z_]([a-zA-Z0-9_])*$")
_WORDS = re.compile(r"((?<=[a-z0-9])[A-Z]|(?!^)(?<!_)[A-Z](?=[a-z]))")


def snake_case(name):
    """ "ResBlock2D" as "res_block2d"."""
    return _WORDS.sub(r"_\1", name).lower()


@export("Module")
class Module(AutoTrackable):
    """A container that finds its variables and modules through its attributes.

    Args:
      name: by default the name of the class in snake case. It must be a Python identifier.

    Raises:
      ValueError: the name is not an identifier.

    >>> class Scale(tf.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.factor = tf.Variable(2.0, name="factor")
    ...     def __call__(self, x):
    ...         return x * self.factor
    >>> scale = Scale()
    >>> scale(3.0).numpy(), len(scale.trainable_variables), scale.name
    (np.float32(6.0), 1, 'scale')
    """

    _TF_MODULE_IGNORED_PROPERTIES = frozenset(
        ("_self_unconditional_checkpoint_dependencies", "_self_unconditional_dependency_names")
    )

    def __init__(self, name=None):
        if name is None:
            name = snake_case(type(self).__name__)
        elif not _IDENTIFIER.match(name):
            raise ValueError(
                f"{name!r} is not a valid module name. Module names must be valid Python identifiers "
                "(e.g. a valid class name)."
            )
        self._name = name
        with name_scope(name) as scope:
            self._scope_name = scope

    name = read_only("_name", "The name.")

    @property
    def name_scope(self):
        """A context that prefixes names with the module's name, always the same one."""
        # Not by `vars`: Sonnet's custom getters see each attribute that is read.
        if not hasattr(self, "_name_scope"):
            self._name_scope = name_scope(self._scope_name)
        return self._name_scope

    @property
    def variables(self):
        """All variables of the module and its submodules, by attribute name."""
        return tuple(self._flatten(predicate=_is_variable, expand_composites=True))

    @property
    def trainable_variables(self):
        """The trainable variables."""
        return tuple(self._flatten(predicate=_is_trainable, expand_composites=True))

    @property
    def non_trainable_variables(self):
        """The non-trainable variables."""
        return tuple(self._flatten(predicate=_is_not_trainable, expand_composites=True))

    @property
    def submodules(self):
        """All modules within."""
        return tuple(self._flatten(predicate=_is_module))

    def _flatten(
        self,
        recursive=True,
        predicate=None,
        attribute_traversal_key=None,
        with_path=False,
        expand_composites=False,
    ):
        """Yields the attributes' leaves: the module's own first, then those of submodules."""
        if predicate is None:
            predicate = _anything
        return _walk(
            self,
            recursive,
            predicate,
            type(self)._TF_MODULE_IGNORED_PROPERTIES,
            attribute_traversal_key,
            with_path,
            expand_composites,
            set(),
            (),
        )

    @classmethod
    def with_name_scope(cls, method):
        """Returns a method that runs in the name scope of its module.

        Args:
          method: the method; this is used as a decorator.

        Returns:
          A method.
        """

        def method_with_name_scope(self, *args, **kwargs):
            with self.name_scope:
                return method(self, *args, **kwargs)

        method_with_name_scope.__wrapped__ = method
        method_with_name_scope.__name__ = getattr(method, "__name__", "method")
        method_with_name_scope.__doc__ = method.__doc__
        return method_with_name_scope


def _anything(value):
    del value
    return True


def _is_variable(value):
    return isinstance(value, Variable) or getattr(value, "_is_variable_like", False)


def _is_trainable(value):
    return _is_variable(value) and getattr(value, "trainable", False)


def _is_not_trainable(value):
    return _is_variable(value) and not getattr(value, "trainable", False)


def _is_module(value):
    return isinstance(value, Module)


def _walk(
    module, recursive, predicate, ignored, key, with_path, expand_composites, seen, prefix, above=()
):
    seen.add(id(module))
    # Reached again from within: its own attributes count, and end the cycle.
    if id(module) in above:
        recursive = False
    attributes = {
        k: v
        for k, v in vars(module).items()
        if k not in ignored and not k.startswith("_self_unconditional_")
    }
    submodules = []
    for name in sorted(attributes, key=key):
        for path, leaf in _leaves_of(name, attributes[name], expand_composites):
            # A leaf has several paths, but is yielded once without them.
            if not with_path and id(leaf) in seen and not isinstance(leaf, (int, float, str)):
                if _keeps_identity(leaf):
                    continue
            if predicate(leaf):
                if _keeps_identity(leaf):
                    seen.add(id(leaf))
                yield ((*prefix, name, *path), leaf) if with_path else leaf
            if recursive and isinstance(leaf, Module):
                submodules.append(((*prefix, name, *path), leaf))
    for path, submodule in submodules:
        if not with_path and id(submodule) in seen and not predicate(submodule):
            continue
        yield from _walk(
            submodule,
            recursive,
            predicate,
            type(submodule)._TF_MODULE_IGNORED_PROPERTIES,
            key,
            with_path,
            expand_composites,
            seen,
            path,
            (*above, id(module)),
        )


def _leaves_of(name, value, expand_composites):
    try:
        return list(_leaves(value, expand_composites))
    except TypeError as error:
        raise ValueError(f"Error processing property {name!r} of {value!r}") from error


def _keeps_identity(leaf):
    return isinstance(leaf, Module) or _is_variable(leaf)


def _leaves(value, expand_composites):
    """(path, leaf) of a nested structure; mappings in the order of their keys."""
    children = None
    if isinstance(value, dict):
        children = [(k, value[k]) for k in sorted(value)]
    elif isinstance(value, (list, tuple)) and not isinstance(value, str):
        children = list(enumerate(value))
    if children is None:
        if expand_composites and hasattr(type(value), "_type_spec") and not _is_variable(value):
            for i, part in enumerate(nest.flatten(value, expand_composites=True)):
                yield (i,), part
        else:
            yield (), value
        return
    for k, child in children:
        for path, leaf in _leaves(child, expand_composites):
            yield (k, *path), leaf
