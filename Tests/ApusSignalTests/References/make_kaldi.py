"""Makes the kaldi-native-fbank references beside this file.

    pip install kaldi-native-fbank==1.23.0 numpy==2.4.6 && python make_kaldi.py

signal.npy is 0.6 s at 16 kHz: a sweep that fades over noise, with an offset, then near silence.
kaldi-NAME.npy holds the features of that signal times 32768, T x M, in natural logarithms.
versions.json says which packages made them.
"""
import json
import os
import sys
from importlib.metadata import version

import kaldi_native_fbank as knf
import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
rate = 16000
n = np.arange(int(0.6 * rate))
t = n / rate
noise = np.random.RandomState(7).standard_normal(n.size)
envelope = np.where(t < 0.45, np.exp(-3 * t), 0)
signal = 0.3 * envelope * np.sin(2 * np.pi * (150 * t + 5000 * t**2))
signal = signal + 0.05 * noise * (t < 0.45) + 1e-4 * noise + 0.001
signal = signal.astype(np.float32)


def features(**options):
    o = knf.FbankOptions()
    o.frame_opts.samp_freq = rate
    o.frame_opts.dither = 0
    o.use_energy = False
    o.frame_opts.snip_edges = options.get("snip_edges", True)
    o.frame_opts.window_type = options.get("window_type", "povey")
    o.frame_opts.frame_shift_ms = options.get("frame_shift_ms", 10.0)
    o.frame_opts.frame_length_ms = options.get("frame_length_ms", 25.0)
    o.frame_opts.remove_dc_offset = options.get("remove_dc_offset", True)
    o.frame_opts.preemph_coeff = options.get("preemph_coeff", 0.97)
    o.mel_opts.num_bins = options["num_bins"]
    o.mel_opts.low_freq = options.get("low_freq", 20.0)
    o.mel_opts.high_freq = options.get("high_freq", 0.0)
    o.use_power = options.get("use_power", True)
    fbank = knf.OnlineFbank(o)
    fbank.accept_waveform(rate, (signal * 32768).tolist())
    fbank.input_finished()
    return np.stack([fbank.get_frame(i) for i in range(fbank.num_frames_ready)])


cases = {
    "80-snip": dict(num_bins=80),
    "80-mirror": dict(num_bins=80, snip_edges=False, high_freq=-400.0),
    "40-mirror-hamming": dict(num_bins=40, snip_edges=False, window_type="hamming"),
    "23-snip-hann-20ms": dict(
        num_bins=23, window_type="hanning", frame_length_ms=20.0, frame_shift_ms=12.5
    ),
    "40-raw-blackman-magnitude": dict(
        num_bins=40,
        window_type="blackman",
        remove_dc_offset=False,
        preemph_coeff=0.0,
        use_power=False,
    ),
    "23-rectangular": dict(num_bins=23, window_type="rectangular"),
}
np.save(os.path.join(here, "signal.npy"), signal)
for name, options in cases.items():
    np.save(os.path.join(here, f"kaldi-{name}.npy"), features(**options).astype(np.float32))
with open(os.path.join(here, "versions.json"), "w") as file:
    packages = {p: version(p) for p in ("kaldi-native-fbank", "numpy")}
    json.dump({"python": sys.version.split()[0], **packages}, file, indent=1)
    file.write("\n")
