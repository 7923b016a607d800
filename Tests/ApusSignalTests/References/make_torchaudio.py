"""Makes the references of torchaudio.compliance.kaldi and torchaudio.functional beside this file.

    pip install torch==2.13.0 && pip install --no-deps torchaudio==2.11.0 && python make_torchaudio.py

Both are pure torch; where the wheel's libraries don't load with the installed torch, moving
torchaudio/lib/*.so away lets the rest import. Samples and arithmetic are in double precision, the
mel bands in single precision, as its source has them.

Where its defaults differ from the command-line tools': 23 bands, no scaling of the samples (a
waveform of torchaudio.load lies between -1 and 1, so with the floor of FLT_EPSILON quiet bands
stick to it), energy_floor 1.0 whenever energy is used. Otherwise the frame is treated as Kaldi
treats it: symmetric windows, zeros after the frame, mirrored edges with the end samples doubled.

- spectrogram is the logarithm of the power of all bins, floored at FLT_EPSILON; bin 0 is replaced
  with the log-energy;
- subtract_mean takes the mean of each column away, that of the energy too;
- htk_compat of mfcc moves C0, times sqrt(2), or the energy to the end;
- compute_deltas pads with the end frames, each order anew;
- sliding_window_cmn's window ends with the frame, holds cmn_window frames before it and the frame
  itself; at the start it holds max(t + 1, min_cmn_window) frames. With center=True it holds
  cmn_window frames from t - cmn_window/2 on, shifted to lie inside the recording. The variance is
  the population's, not floored (Kaldi: at 1e-10).
"""
import numpy as np
import torch
import torchaudio.compliance.kaldi as kaldi
from torchaudio.functional import compute_deltas, sliding_window_cmn

from references import Cases, signals

cases = Cases("torchaudio", ["torch", "torchaudio", "numpy"])
SPECTROGRAM = {"kind": "spectrogram", "energy": "raw", "frameShift": "20 ms"}


def run(function, scale, **options):
    samples, rate = signals["signal"]
    waveform = torch.from_numpy(samples).double()[None] * scale
    return function(waveform, sample_frequency=rate, **options)


def add(name, function, ours, scale=32768, **options):
    values = run(function, scale, **options)
    base = {} if scale == 1 else {"waveformScale": scale}
    kind = {kaldi.fbank: {}, kaldi.mfcc: {"kind": "mfcc"}, kaldi.spectrogram: SPECTROGRAM}[function]
    facts = {"linear": True} if ours.get("log") == "none" else {}
    cases.add(name, "torchaudio", {**base, **kind, **ours}, values, **facts)


add("fbank", kaldi.fbank, {}, scale=1)
add("fbank-scaled", kaldi.fbank, {})
add("fbank-80", kaldi.fbank, {"melBandCount": 80}, num_mel_bins=80)
add("fbank-128-hanning", kaldi.fbank, {"melBandCount": 128, "window": "hann"}, scale=1,
    num_mel_bins=128, window_type="hanning", htk_compat=True)
add("fbank-magnitude", kaldi.fbank, {"spectrum": "magnitude"}, use_power=False)
add("fbank-linear", kaldi.fbank, {"log": "none"}, scale=1, use_log_fbank=False)
add("fbank-energy", kaldi.fbank, {"energy": "raw"}, use_energy=True)
add("fbank-energy-floor", kaldi.fbank, {"energy": "raw"}, scale=1, use_energy=True)
add("fbank-energy-windowed-last", kaldi.fbank, {"energy": "windowed", "energyFloor": 0, "htkOrder": True},
    use_energy=True, raw_energy=False, energy_floor=0.0, htk_compat=True)
add("fbank-subtract-mean", kaldi.fbank, {"energy": "raw", "normalization": "recordingMean"},
    use_energy=True, subtract_mean=True)
add("fbank-mirror", kaldi.fbank, {"edges": "mirror"}, snip_edges=False)
add("fbank-band", kaldi.fbank, {"lowFrequency": 300, "highFrequency": -400},
    low_freq=300.0, high_freq=-400.0)
add("fbank-plain", kaldi.fbank, {"removesDCOffset": False, "preEmphasis": 0},
    remove_dc_offset=False, preemphasis_coefficient=0.0)
add("fbank-exact-transform", kaldi.fbank, {"fftLength": 400}, round_to_power_of_two=False)
add("fbank-20ms", kaldi.fbank, {"frameLength": "20 ms", "frameShift": "12.5 ms"},
    frame_length=20.0, frame_shift=12.5)
for peers, ours in (("hamming",) * 2, ("rectangular",) * 2, ("blackman",) * 2, ("hanning", "hann")):
    add(f"fbank-{peers}", kaldi.fbank, {"window": ours}, window_type=peers)
add("fbank-blackman-0.3", kaldi.fbank, {"window": "blackman", "blackmanCoefficient": 0.3},
    window_type="blackman", blackman_coeff=0.3)
add("spectrogram", kaldi.spectrogram, {}, frame_shift=20.0)
add("spectrogram-floor", kaldi.spectrogram, {}, scale=1, frame_shift=20.0)
add("spectrogram-windowed-mean", kaldi.spectrogram,
    {"energy": "windowed", "normalization": "recordingMean", "window": "hamming"},
    raw_energy=False, subtract_mean=True, window_type="hamming", frame_shift=20.0)
add("mfcc", kaldi.mfcc, {}, scale=1)
add("mfcc-scaled", kaldi.mfcc, {})
add("mfcc-energy", kaldi.mfcc, {"energy": "raw"}, use_energy=True)
add("mfcc-htk", kaldi.mfcc, {"htkOrder": True}, htk_compat=True)
add("mfcc-htk-energy", kaldi.mfcc, {"htkOrder": True, "energy": "windowed"},
    htk_compat=True, use_energy=True, raw_energy=False)
add("mfcc-20-lifter-0", kaldi.mfcc,
    {"cepstrumCount": 20, "melBandCount": 40, "cepstralLifter": 0},
    num_ceps=20, num_mel_bins=40, cepstral_lifter=0.0)
add("mfcc-subtract-mean", kaldi.mfcc, {"normalization": "recordingMean"}, subtract_mean=True)

features = run(kaldi.fbank, 32768)


def deltas(features, order, width):
    parts = [features.T[None]]
    for _ in range(order):
        parts.append(compute_deltas(parts[-1], win_length=width))
    return torch.cat(parts, dim=1)[0].T


scaled = {"waveformScale": 32768}
for order, width in ((1, 5), (2, 5), (2, 9)):
    cases.add(f"deltas-{order}-{width}", "torchaudio",
              {**scaled, "deltaOrder": order, "deltaWindow": width // 2, "deltaMethod": "stepwise"},
              deltas(features, order, width))
for name, center, variance, window, minimum in (
    ("sliding-mean", False, False, 20, 10),
    ("sliding", False, True, 20, 10),
    ("sliding-mean-centered", True, False, 20, 10),
    ("sliding-centered", True, True, 21, 10),
    ("sliding-mean-default", False, False, 600, 100),
    ("sliding-mean-early", False, False, 30, 1),
):
    ours = {"slidingWindow": {"frameCount": window, "minimumFrameCount": minimum, "isCentered": center},
            "normalization": "slidingMeanAndVariance" if variance else "slidingMean"}
    values = sliding_window_cmn(
        features, cmn_window=window, min_cmn_window=minimum, center=center, norm_vars=variance)
    cases.add(name, "torchaudio", {**scaled, **ours}, values)
cases.save()
single = kaldi.fbank(torch.from_numpy(signals["signal"][0])[None] * 32768, sample_frequency=16000.0)
print("single against double precision:", float((single - features).abs().max()))
