"""Files in the memory of this process, under `ram://`."""
