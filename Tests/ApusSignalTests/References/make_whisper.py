"""Makes the openai-whisper references beside this file.

    pip install torch==2.13.0 tiktoken tqdm more-itertools numba
    pip install --no-deps openai-whisper==20250625 && python make_whisper.py

log_mel_spectrogram: 400-sample periodic Hann window every 160 samples, centred with reflected
edges, without the last frame; power; librosa's Slaney bands; log10 floored at 1e-10 and at 8 below
the recording's maximum; then (x + 4) / 4. Transform and bands are in single precision. `padding`
appends zeros before everything else, so they take part in the frame count (and push the reflection
out to where all is zero).

A difference of 1 in its output is one of 4 ln(10) in natural logarithms.
"""
import numpy as np
import torch
from whisper.audio import log_mel_spectrogram

from references import LOG10, Cases, signals

cases = Cases("whisper", ["openai-whisper", "torch", "numpy"])
for name, bands, padding, facts in (
    ("80", 80, 0, {}),
    ("128", 128, 0, {}),
    ("80-padded", 80, 1600, {}),
    ("128-padded", 128, 1601, {}),
    ("80-odd", 80, 0, {"sampleCount": 8079}),
    ("80-short", 80, 0, {"sampleCount": 240}),
):
    samples = signals["signal"][0][: facts.get("sampleCount")]
    values = log_mel_spectrogram(samples, n_mels=bands, padding=padding)
    facts = {**facts, "unit": 4 * LOG10, **({"appendedZeros": padding} if padding else {})}
    cases.add(name, "whisper", {} if bands == 80 else {"melBandCount": bands}, values.numpy().T, **facts)
cases.save()
