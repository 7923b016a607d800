"""Makes the SpeechBrain references beside this file.

    pip install torch==2.13.0 hyperpyyaml sentencepiece huggingface_hub soundfile
    pip install --no-deps torchaudio==2.11.0 speechbrain==1.1.2 && python make_speechbrain.py

(The note on torchaudio's libraries in make_torchaudio.py holds here too.) Everything is in single
precision. Facts of SpeechBrain's source that the options mirror:

- torch.hamming_window is periodic; torch.stft centres a shorter window in the transform, with zeros
  before and after the recording; milliseconds are rounded to the nearest sample, where Kaldi drops
  the part: so lengths are given in samples here;
- spectral_magnitude with its default power=1 is the power, not the magnitude;
- a band's triangle is straight over hertz and symmetric: both sides are as wide as the distance
  from the edge on the left to the centre, also where the next band lies farther away;
- 10 log10 floored at 1e-10, then at top_db=80 below the recording's maximum;
- the DCT is orthonormal of type II, there is no lifter;
- the second delta is the delta of the first, each over end frames repeated;
- context is of zeros beyond the ends; SpeechBrain's order is that of the features, all K frames of
  the first feature first. Apus's is that of the frames, so the values are transposed here;
- InputNormalization divides by the standard deviation of the population, not below 1e-10.
"""
import torch
from speechbrain.lobes.features import MFCC, Fbank
from speechbrain.processing.features import InputNormalization

from references import DECIBEL, Cases, signals

cases = Cases("speechbrain", ["speechbrain", "torch", "torchaudio", "numpy"])


def run(features, signal="signal", count=None, dtype=torch.float32):
    samples = torch.from_numpy(signals[signal][0][:count].copy()).to(dtype)
    with torch.no_grad():
        return features(samples[None])


def add(name, features, ours, signal="signal", count=None, after=None, unit=DECIBEL):
    values = run(features, signal, count)
    if after:
        values = after(values)
    facts = {"unit": unit}
    if count:
        facts["sampleCount"] = count
    if signal != "signal":
        facts["signal"] = signal
    cases.add(name, "speechbrain", ours, values[0].numpy(), **facts)


def by_frame(width):
    """From all frames of a feature to all features of a frame."""
    return lambda x: x.reshape(*x.shape[:2], width, -1).transpose(2, 3).reshape(x.shape)


DELTAS = {"deltaOrder": 2, "deltaWindow": 2, "deltaMethod": "stepwise"}
CONTEXT = {"stacking": {"left": 5, "right": 5, "shift": 1, "edges": "zero"}}
CEPSTRA = {"kind": "mfcc", "melBandCount": 23, "cepstrumCount": 20, "cepstralLifter": 0}

add("fbank", Fbank(), {})
add("fbank-80", Fbank(n_mels=80), {"melBandCount": 80})
add("fbank-deltas", Fbank(deltas=True), DELTAS)
add("fbank-context", Fbank(n_mels=23, context=True), {"melBandCount": 23, **CONTEXT}, count=6400,
    after=by_frame(23))
add("fbank-band", Fbank(f_min=100, f_max=7000, n_mels=60),
    {"melBandCount": 60, "lowFrequency": 100, "highFrequency": 7000})
add("fbank-long", Fbank(n_fft=512, win_length=32, hop_length=16),
    {"frameLength": "512 samples", "frameShift": "256 samples", "fftLength": 512})
add("fbank-short-window", Fbank(n_fft=512, win_length=20, hop_length=12.5),
    {"frameLength": "320 samples", "frameShift": "200 samples", "fftLength": 512})
add("fbank-22050", Fbank(sample_rate=22050, n_fft=1024, win_length=40, hop_length=12.5, n_mels=64),
    {"sampleRate": 22050, "frameLength": "882 samples", "frameShift": "276 samples", "fftLength": 1024,
     "melBandCount": 64, "highFrequency": 11025}, "signal-22050")
add("mfcc", MFCC(), {**CEPSTRA, **DELTAS, **CONTEXT}, count=4800, after=by_frame(60))
add("mfcc-plain", MFCC(deltas=False, context=False), CEPSTRA)
add("mfcc-13-of-40", MFCC(deltas=True, context=False, n_mels=40, n_mfcc=13),
    {**CEPSTRA, **DELTAS, "melBandCount": 40, "cepstrumCount": 13})
add("fbank-mean", Fbank(), {"normalization": "recordingMean"},
    after=InputNormalization(std_norm=False, norm_type="sentence"))
# The values are in standard deviations.
add("fbank-normalized", Fbank(), {"normalization": "recordingMeanAndVariance"},
    after=InputNormalization(norm_type="sentence"), unit=1)
cases.save()
