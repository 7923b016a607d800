"""Makes the kaldi-native-fbank references beside this file.

    pip install kaldi-native-fbank==1.23.0 numpy==2.4.6 && python make_kaldi.py

The input is signal.npy times 32768. Facts of kaldi-native-fbank's source that the options mirror:

- windows are symmetric, except that "hann" (not "hanning") is periodic;
- the frame is at the beginning of the transform, zeros after it;
- snip_edges=False mirrors with the end samples doubled;
- raw energy is that of the frame after removal of its mean, before pre-emphasis; the other one is
  that of the windowed frame. Its floor is FLT_EPSILON, and energy_floor where that is above 0;
- the lifter is 1 + Q/2 sin(pi i/Q), i from 0; htk_compat moves C0, times sqrt(2), or the energy to
  the end;
- the DCT is of type II, orthonormal;
- use_log_floor=False adds eps instead of clamping to it;
- deltas of order two are one filter, the first one convolved with itself, over clamped frames;
- cmvn divides by the standard deviation of the population, its square not below 1e-20.
"""
import json

import kaldi_native_fbank as knf
import numpy as np

from references import Cases, here, signals

cases = Cases("kaldi", ["kaldi-native-fbank", "numpy"])


def frames(online, signal, scale=32768):
    samples, rate = signals[signal]
    online.accept_waveform(rate, (samples * np.float32(scale)).tolist())
    online.input_finished()
    return np.stack([online.get_frame(i) for i in range(online.num_frames_ready)])


def assign(target, values):
    for name, value in values.items():
        assert hasattr(target, name), name
        setattr(target, name, value)


def computed(kind, signal="signal", frame={}, mel={}, **options):
    o = kind[0]()
    o.frame_opts.samp_freq = signals[signal][1]
    o.frame_opts.dither = 0
    assign(o.frame_opts, frame)
    assign(o.mel_opts, mel)
    assign(o, options)
    return frames(kind[1](o), signal)


fbank = (knf.FbankOptions, knf.OnlineFbank)
mfcc = (knf.MfccOptions, knf.OnlineMfcc)


def add_fbank(name, ours, bands=23, frame={}, mel={}, **options):
    signal = options.pop("signal", "signal")
    values = computed(fbank, signal, frame, {"num_bins": bands, **mel}, **options)
    facts = {"linear": True} if ours.get("log") == "none" else {}
    if signal != "signal":
        facts["signal"] = signal
        ours = {"sampleRate": signals[signal][1], **ours}
    cases.add(name, "kaldi", {"melBandCount": bands, **ours}, values, **facts)


def add_mfcc(name, ours, bands=23, frame={}, mel={}, **options):
    values = computed(mfcc, "signal", frame, {"num_bins": bands, **mel}, **options)
    options = {"kind": "mfcc", "melBandCount": bands, "cepstrumCount": 13, **ours}
    cases.add(name, "kaldi", options, values)


snip_off = {"snip_edges": False}
add_fbank("80-snip", {}, 80)
add_fbank("80-mirror", {"edges": "mirror", "highFrequency": -400}, 80, snip_off, {"high_freq": -400})
add_fbank(
    "40-mirror-hamming", {"edges": "mirror", "window": "hamming"}, 40,
    {"window_type": "hamming", **snip_off},
)
add_fbank(
    "23-snip-hann-20ms", {"window": "hann", "frameLength": "20 ms", "frameShift": "12.5 ms"}, 23,
    {"window_type": "hanning", "frame_length_ms": 20.0, "frame_shift_ms": 12.5},
)
add_fbank(
    "40-raw-blackman-magnitude",
    {"window": "blackman", "removesDCOffset": False, "preEmphasis": 0, "spectrum": "magnitude"}, 40,
    {"window_type": "blackman", "remove_dc_offset": False, "preemph_coeff": 0.0}, use_power=False,
)
add_fbank("23-rectangular", {"window": "rectangular"}, 23, {"window_type": "rectangular"})
add_fbank(
    "23-hann-periodic", {"window": "hann", "windowSymmetry": "periodic"}, 23, {"window_type": "hann"}
)
add_fbank(
    "23-blackman-0.3", {"window": "blackman", "blackmanCoefficient": 0.3}, 23,
    {"window_type": "blackman", "blackman_coeff": 0.3},
)
add_fbank("23-povey", {})
add_fbank("40-povey", {}, 40)
add_fbank("40-linear", {"log": "none"}, 40, use_log_fbank=False)
add_fbank(
    "40-linear-magnitude", {"log": "none", "spectrum": "magnitude"}, 40,
    use_log_fbank=False, use_power=False,
)
add_fbank(
    "40-added-floor", {"logFloorMode": "add", "logFloor": 100}, 40, use_log_floor=False, eps=100.0
)
add_fbank("23-energy-raw", {"energy": "raw"}, use_energy=True)
add_fbank("23-energy-windowed", {"energy": "windowed"}, use_energy=True, raw_energy=False)
add_fbank(
    "23-energy-last", {"energy": "raw", "htkOrder": True}, use_energy=True, htk_compat=True
)
add_fbank(
    "23-energy-floor", {"energy": "raw", "energyFloor": 1e6}, use_energy=True, energy_floor=1e6
)
add_fbank("30-low-band", {"lowFrequency": 0, "highFrequency": 3000}, 30,
          mel={"low_freq": 0.0, "high_freq": 3000.0})
add_fbank("20-high-band", {"lowFrequency": 1500, "highFrequency": 7600}, 20,
          mel={"low_freq": 1500.0, "high_freq": 7600.0})
add_fbank("40-pre-emphasis-0.5", {"preEmphasis": 0.5}, 40, {"preemph_coeff": 0.5})
add_fbank(
    "40-slaney", {"melScale": "slaney", "melTriangle": "linearInHertz", "melNormalization": "slaney"},
    40, mel={"is_librosa": True},
)
add_fbank("40-exact-transform", {"fftLength": 400}, 40, {"round_to_power_of_two": False})
add_fbank("40-22050", {}, 40, signal="signal-22050")
add_fbank("40-22050-mirror-odd", {"edges": "mirror", "frameLength": "21 ms", "frameShift": "9 ms"}, 40,
          {"frame_length_ms": 21.0, "frame_shift_ms": 9.0, **snip_off}, signal="signal-22050")

add_mfcc("mfcc-13-energy", {"energy": "raw"})
add_mfcc("mfcc-13", {}, use_energy=False)
add_mfcc("mfcc-13-energy-windowed-floor", {"energy": "windowed", "energyFloor": 1e6},
         raw_energy=False, energy_floor=1e6)
add_mfcc("mfcc-13-htk", {"htkOrder": True}, use_energy=False, htk_compat=True)
add_mfcc("mfcc-13-htk-energy", {"htkOrder": True, "energy": "raw"}, htk_compat=True)
add_mfcc("mfcc-13-lifter-0", {"cepstralLifter": 0}, use_energy=False, cepstral_lifter=0.0)
add_mfcc("mfcc-13-lifter-10", {"cepstralLifter": 10}, use_energy=False, cepstral_lifter=10.0)
add_mfcc("mfcc-20-of-40", {"cepstrumCount": 20}, 40, use_energy=False, num_ceps=20)
add_mfcc("mfcc-40-of-40", {"cepstrumCount": 40, "edges": "mirror"}, 40, snip_off,
         use_energy=False, num_ceps=40)

# Deltas, splicing and cmvn act on the features of the front end without them.
base = computed(fbank, mel={"num_bins": 23})
ceps = computed(mfcc, use_energy=False)
cases.add("23-deltas", "kaldi", {"melBandCount": 23, "deltaOrder": 2},
          knf.compute_deltas(knf.DeltaOptions(order=2, window=2), base))
cases.add("mfcc-13-deltas", "kaldi",
          {"kind": "mfcc", "melBandCount": 23, "cepstrumCount": 13, "deltaOrder": 2, "deltaWindow": 3},
          knf.compute_deltas(knf.DeltaOptions(order=2, window=3), ceps))
cases.add("mfcc-13-deltas-3", "kaldi",
          {"kind": "mfcc", "melBandCount": 23, "cepstrumCount": 13, "deltaOrder": 3},
          knf.compute_deltas(knf.DeltaOptions(order=3, window=2), ceps))
splice = knf.SpliceOptions()
splice.left_context, splice.right_context = 4, 2
cases.add("mfcc-13-splice", "kaldi",
          {"kind": "mfcc", "melBandCount": 23, "cepstrumCount": 13,
           "stacking": {"left": 4, "right": 2, "shift": 1, "edges": "replicate"}},
          knf.splice_frames(ceps, splice))
stats = knf.compute_cmvn_stats(base)
cases.add("23-cmvn-mean", "kaldi", {"melBandCount": 23, "normalization": "recordingMean"},
          knf.apply_cmvn(stats, knf.CmvnOptions(), base))
both = knf.CmvnOptions()
both.norm_vars = True
cases.add("23-cmvn", "kaldi", {"melBandCount": 23, "normalization": "recordingMeanAndVariance"},
          knf.apply_cmvn(stats, both, base))

# Its Whisper energies: Slaney bands of a periodic Hann window, but Kaldi's mirrored edges, and no
# logarithm.
for bands in (80, 128):
    o = knf.WhisperFeatureOptions()
    o.dim = bands
    cases.add(f"whisper-{bands}", "whisper",
              {"melBandCount": bands, "edges": "mirror", "omitsLastFrame": False, "log": "none",
               "dynamicRange": None, "outputScale": 1, "outputOffset": 0},
              frames(knf.OnlineWhisperFbank(o), "signal", scale=1), linear=True)
cases.save()


def speech_mask(energies, threshold, mean_scale, context, proportion):
    """Kaldi's compute-vad. No Python package offers it, so this is its formula written out:

    a frame counts where its log-energy is above threshold + mean_scale * mean; it is speech where at
    least `proportion` of the frames within `context` of it, those in the recording, count.
    Source: kaldi src/ivector/voice-activity-detection.cc.
    """
    above = energies > threshold + mean_scale * energies.mean()
    mask = np.zeros(len(energies), np.float32)
    for t in range(len(energies)):
        near = above[max(0, t - context):t + context + 1]
        mask[t] = near.sum() >= proportion * len(near)
    return mask


energies = computed(mfcc)[:, 0]
masks = [
    dict(threshold=5.0, mean_scale=0.5, context=0, proportion=0.6),
    dict(threshold=5.5, mean_scale=0.5, context=2, proportion=0.12),
    dict(threshold=15.0, mean_scale=0.0, context=5, proportion=0.6),
]
rows = [speech_mask(energies, **options) for options in masks]
assert all(0 < row.sum() < row.size for row in rows)
# The log-energies, then a mask of ones and zeros for each set of options in cases-kaldi-vad.json.
np.save(f"{here}/kaldi-vad.npy", np.stack([energies, *rows]).astype(np.float32))
with open(f"{here}/cases-kaldi-vad.json", "w") as file:
    names = {"threshold": "energyThreshold", "mean_scale": "meanScale"}
    json.dump([{names.get(k, k): v for k, v in o.items()} for o in masks], file, indent=1)
    file.write("\n")
