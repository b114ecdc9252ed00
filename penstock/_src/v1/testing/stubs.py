"""tf.compat.v1.test.StubOutForTesting: temporary replacement of attributes in tests."""

import inspect

from penstock._src.util.export import export


@export(v1=["test.StubOutForTesting"])
class StubOutForTesting:
    """Replaces attributes, and restores them at the end of the context or by `CleanUp`."""

    def __init__(self):
        self._set = []
        self._smart = []

    def __enter__(self):
        return self

    def __exit__(self, unused_exc_type, unused_exc_value, unused_tb):
        self.CleanUp()

    def __del__(self):
        self.CleanUp()

    def CleanUp(self):
        """Restores everything."""
        self.SmartUnsetAll()
        self.UnsetAll()

    def SmartSet(self, obj, attr_name, new_attr):
        """Replaces an attribute where it is defined: in the object, its class or a base.

        Raises:
          AttributeError: the attribute does not exist.
        """
        if inspect.ismodule(obj) or (not inspect.isclass(obj) and attr_name in vars(obj)):
            owner, original = obj, getattr(obj, attr_name)
        else:
            owner, original = _definition(obj, attr_name)
        self._smart.append((owner, attr_name, original))
        setattr(owner, attr_name, new_attr)

    def SmartUnsetAll(self):
        """Restores the attributes that SmartSet replaced, last first."""
        _restore(self._smart)

    def Set(self, parent, child_name, new_child):
        """Replaces an attribute of `parent` itself."""
        original = getattr(parent, child_name)
        own = vars(parent).get(child_name) if hasattr(parent, "__dict__") else None
        if isinstance(own, (staticmethod, classmethod)):
            original = own
        self._set.append((parent, child_name, original))
        setattr(parent, child_name, new_child)

    def UnsetAll(self):
        """Restores the attributes that Set replaced, last first."""
        _restore(self._set)


def _definition(obj, name):
    """Returns (the class that defines the attribute, its definition)."""
    kind = obj if inspect.isclass(obj) else type(obj)
    for base in inspect.getmro(kind):
        if name in vars(base):
            return base, vars(base)[name]
    raise AttributeError("Attribute not found.")


def _restore(replaced):
    while replaced:
        owner, name, original = replaced.pop()
        setattr(owner, name, original)
