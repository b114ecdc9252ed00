"""Sounds: what microphones' models begin with."""

from typing import Any

import numpy as np

from penstock._src.core.registry import raw
from penstock._src.formats.tflite.reading.call import Call, custom


@custom("AudioSpectrogram")
def audio_spectrogram(call: Call) -> Any:
    options = call.named_options("window_size", "stride", "magnitude_squared")
    return raw.AudioSpectrogram(
        input=call.tensor(0),
        window_size=int(options["window_size"]),
        stride=int(options["stride"]),
        magnitude_squared=bool(options["magnitude_squared"]),
    )


@custom("Mfcc")
def mfcc(call: Call) -> Any:
    limits = ("upper_frequency_limit", "lower_frequency_limit")
    counts = ("filterbank_channel_count", "dct_coefficient_count")
    options = call.named_options(*limits, *counts)
    return raw.Mfcc(
        spectrogram=call.tensor(0),
        sample_rate=raw.Reshape(tensor=call.tensor(1), shape=np.zeros(0, np.int32)),
        **{name: float(options[name]) for name in limits},
        **{name: int(options[name]) for name in counts},
    )
