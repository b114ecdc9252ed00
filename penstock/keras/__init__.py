"""tf.keras: Keras 3 on Penstock, imported when it is touched."""


def __getattr__(name):
    if name.startswith("__") and name != "__version__":
        raise AttributeError(name)
    from penstock._src.bridge import keras

    return keras.attribute(name)


def __dir__():
    from penstock._src.bridge import keras

    return dir(keras.load())
