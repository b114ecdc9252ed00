"""Makes the data of speech_commands.py: words that the synthesizer eSpeak NG speaks, in many voices.

python examples/sound/speak.py

Needs the program espeak-ng (Debian's package of this name). Ten words by eight speakers of English, at
several speeds and pitches, 8,000 numbers a second; into build/examples/words.npz.
"""

import concurrent.futures
import io
import os
import pathlib
import subprocess
import wave

import numpy as np

SPOKEN = pathlib.Path(__file__).resolve().parents[2] / "build" / "examples" / "words.npz"
WORDS = ["yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go"]
ACCENTS = ["en-us", "en-gb", "en-gb-scotland", "en-gb-x-gbclan", "en-gb-x-rp", "en-029"]
ACCENTS += ["en-gb-x-gbcwmd", "en-us-nyc"]
VARIANTS = ["", "+m3", "+m7", "+f2", "+f4", "+croak", "+whisper"]
RATE = 8000


def spoken(word, voice, speed, pitch):
    """Returns a second of sound `[RATE]` int16 with a word in it."""
    command = ["espeak-ng", "--stdout", "-v", voice, "-s", str(speed), "-p", str(pitch), word]
    made = subprocess.run(command, capture_output=True, check=True).stdout
    with wave.open(io.BytesIO(made)) as sound:
        rate, values = sound.getframerate(), np.frombuffer(sound.readframes(10**9), "<i2")
    places = np.arange(int(len(values) * RATE / rate)) * rate / RATE
    smooth = np.convolve(values, np.ones(3) / 3, "same")  # less of what 8,000 cannot hold
    resampled = np.interp(places, np.arange(len(values)), smooth)[:RATE]
    return np.pad(resampled, (0, RATE - len(resampled))).astype("int16")


def main():
    jobs = [
        (number, accent, variant, speed, pitch)
        for number in range(len(WORDS))
        for accent in range(len(ACCENTS))
        for variant in VARIANTS
        for speed, pitch in [(120, 35), (150, 50), (180, 65), (210, 45)]
    ]

    def speak(job):
        number, accent, variant, speed, pitch = job
        return spoken(WORDS[number], ACCENTS[accent] + variant, speed, pitch)

    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        sounds = np.stack(list(threads.map(speak, jobs)))
    labels, accents = (np.array(part, "int32") for part in list(zip(*jobs))[:2])
    SPOKEN.parent.mkdir(parents=True, exist_ok=True)
    partial = SPOKEN.with_suffix(".part.npz")
    np.savez_compressed(partial, sounds=sounds, labels=labels, accents=accents, words=WORDS)
    os.replace(partial, SPOKEN)
    print(f"{SPOKEN}: {len(sounds)} words")


if __name__ == "__main__":
    main()
