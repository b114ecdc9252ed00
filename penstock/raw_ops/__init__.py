"""tf.raw_ops: every operation under its own name, with keyword arguments."""


def __getattr__(name):
    if name == "__all__":
        from penstock._src.bridge.raw_ops import implemented

        return implemented()
    if name.startswith("_"):
        raise AttributeError(name)
    from penstock._src.bridge.raw_ops import function

    return function(name)


def __dir__():
    from penstock._src.bridge.raw_ops import names

    return names()
