"""Names of what a model is run for."""


class KerasModeKeys:
    """Keras's names: "train", "test" and "predict"."""

    TRAIN = "train"
    TEST = "test"
    PREDICT = "predict"


class EstimatorModeKeys:
    """The names of estimators: "train", "eval" and "infer"."""

    TRAIN = "train"
    EVAL = "eval"
    PREDICT = "infer"


ModeKeys = KerasModeKeys
