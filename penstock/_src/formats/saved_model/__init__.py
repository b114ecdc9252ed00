"""SavedModels, of TensorFlow 1 and 2, as models to convert. The format itself is `saving/saved_model/`."""
