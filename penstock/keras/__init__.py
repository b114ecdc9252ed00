"""tf.keras: Keras 3 on Penstock, imported when it is touched."""

# Modules below, such as `penstock.keras.layers`, are Keras's: no file here, so `at_start.Following` finds them.
__path__ = []


def __getattr__(name):
    if name.startswith("__") and name not in ("__version__", "__internal__", "__all__"):
        raise AttributeError(name)
    from penstock._src.bridge import keras

    if name == "__all__":
        return [public for public in dir(keras.load()) if not public.startswith("_")]
    return keras.attribute(name)


def __dir__():
    from penstock._src.bridge import keras

    return dir(keras.load())
