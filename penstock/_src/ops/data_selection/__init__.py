"""Datasets that choose elements of others or group them: by random numbers, by index, by keys, as sparse tensors."""
