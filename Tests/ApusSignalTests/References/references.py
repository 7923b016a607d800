"""What the make_*.py scripts share: the two test signals, and how their results are stored.

A script adds cases to a `Cases` and saves them: PEER-NAME.npy has the values (T x D, float32), and
cases-PEER.json says for every case

- preset, options: the front end that must give these values, in Apus's names;
- signal, sampleCount, appendedZeros: its input, the first samples of signal.npy (16 kHz) or of
  signal-22050.npy, and zeros after them;
- unit: what a difference is multiplied by to be in natural-logarithm units (ln(10)/10 for dB);
- linear: the values are energies; their logarithms are compared, after a floor of 1e-9 of the
  largest;
- note: what a reader would not guess about the mapping.
"""
import json
import math
import os
import sys
from importlib.metadata import version

import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
DECIBEL = math.log(10) / 10
LOG10 = math.log(10)


def signal_16000():
    """0.6 s: a sweep that fades over noise, with an offset, then near silence."""
    rate = 16000
    n = np.arange(int(0.6 * rate))
    t = n / rate
    noise = np.random.RandomState(7).standard_normal(n.size)
    envelope = np.where(t < 0.45, np.exp(-3 * t), 0)
    signal = 0.3 * envelope * np.sin(2 * np.pi * (150 * t + 5000 * t**2))
    signal = signal + 0.05 * noise * (t < 0.45) + 1e-4 * noise + 0.001
    return signal.astype(np.float32)


def signal_22050():
    """0.7 s: tones over noise, louder noise, near silence with zeros in it, clicks."""
    rate = 22050
    n = np.arange(int(0.7 * rate))
    t = n / rate
    noise = np.random.RandomState(11).standard_normal(n.size)
    tones = sum(0.2 * np.sin(2 * np.pi * f * t + f) for f in (220, 1760, 6000))
    level = np.select([t < 0.25, t < 0.4, t < 0.5], [0.01, 0.1, 1e-5], 1e-3)
    signal = tones * (t < 0.25) + level * noise
    signal[(t >= 0.44) & (t < 0.48)] = 0
    signal[(t >= 0.5) & (n % 1103 == 0)] += 0.8
    return signal.astype(np.float32)


signals = {"signal": (signal_16000(), 16000), "signal-22050": (signal_22050(), 22050)}


class Cases:
    def __init__(self, peer, packages):
        self.peer, self.packages, self.cases = peer, packages, {}
        for name, (samples, _) in signals.items():
            np.save(os.path.join(here, f"{name}.npy"), samples)

    def add(self, name, preset, options, values, **facts):
        values = np.ascontiguousarray(np.asarray(values), dtype=np.float32)
        assert values.ndim == 2 and np.isfinite(values).all(), (name, values.shape)
        assert name not in self.cases and values.nbytes < 100_000, (name, values.nbytes)
        np.save(os.path.join(here, f"{self.peer}-{name}.npy"), values)
        known = {"signal", "sampleCount", "appendedZeros", "unit", "linear", "note"}
        assert set(facts) <= known, facts
        self.cases[name] = {"preset": preset, "options": options, "signal": "signal", **facts}

    def save(self):
        with open(os.path.join(here, f"cases-{self.peer}.json"), "w") as file:
            json.dump(self.cases, file, indent=1)
            file.write("\n")
        save_versions(self.packages)


def save_versions(packages):
    """Keeps what the other scripts wrote into versions.json."""
    path = os.path.join(here, "versions.json")
    known = {}
    if os.path.exists(path):
        with open(path) as file:
            known = json.load(file)
    known.update({"python": sys.version.split()[0]}, **{p: version(p) for p in packages})
    with open(path, "w") as file:
        json.dump(dict(sorted(known.items())), file, indent=1)
        file.write("\n")
