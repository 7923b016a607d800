"""Makes the librosa references beside this file.

    pip install librosa==0.11.0 scipy==1.17.1 numpy==2.4.6 && python make_librosa.py

Samples are in double precision, so that differences are Apus's alone; librosa's own difference
between single and double precision is printed at the end. The mel bands are in single precision,
as librosa makes them. Facts of librosa's source that the options mirror:

- windows are periodic (get_window with fftbins=True); a window shorter than the transform stands
  in its middle, (n_fft - win_length) // 2 zeros before it, so that an uncentred frame begins that
  much later: edges "wholeTransforms" counts whole transforms, not whole windows;
- center=True pads n_fft // 2 samples at each end, by default with zeros. The reflection at the end
  is made of the samples of the last frames alone: with hops over half a transform these can be too
  few, and samples are then reflected twice that a reflection of the recording would not. No case
  here has such a hop with pad_mode="reflect";
- bands are Slaney's scale, straight over hertz, of area 1 (norm="slaney");
- power_to_db floors at amin, divides by `ref` and floors again at top_db below the result's
  maximum. amplitude_to_db squares first, so its amin of 1e-5 is one of 1e-10;
- mfcc is an orthonormal DCT of power_to_db (ref 1, top_db 80) of 128 bands; its lifter is
  1 + Q/2 sin(pi (i+1)/Q), i from 0, where Kaldi's has i;
- pcen smooths with M[t] = (1-b) M[t-1] + b E[t] from M[-1] = 1, whatever the first frame is
  (lfilter_zi without the factor of the first value), b from the time constant T in frames as
  (sqrt(1 + 4 T^2) - 1) / (2 T^2);
- delta is a Savitzky-Golay filter whose polynomial's order is that of the derivative; the frames
  within width // 2 of an end take the polynomial of the first or last `width` frames.
"""
import json

import librosa
import numpy as np

from references import DECIBEL, Cases, here, signals

cases = Cases("librosa", ["librosa", "scipy", "numpy"])
LINEAR = {"log": "none", "dynamicRange": None}
DB = {"log": "decibel", "logFloor": 1e-10, "dynamicRange": 80}


def samples(signal, count=None):
    return signals[signal][0][:count].astype(np.float64)


def placed(n_fft=2048, hop=512, win=None, window=None, center=True, pad="constant"):
    """How a call of stft is said in Apus's options."""
    ours = {}
    if n_fft != 2048 or win:
        ours = {"frameLength": f"{win or n_fft} samples", "fftLength": n_fft}
    if hop != 512:
        ours["frameShift"] = f"{hop} samples"
    if window:
        ours["window"] = window
    if not center:
        ours["edges"] = "wholeTransforms"
    elif pad == "reflect":
        ours["edges"] = "centeredReflect"
    theirs = dict(n_fft=n_fft, hop_length=hop, win_length=win, center=center, pad_mode=pad,
                  window=window or "hann")
    return theirs, ours


def add(name, ours, values, signal="signal-22050", **facts):
    rate = signals[signal][1]
    if rate != 22050:
        ours = {"sampleRate": rate, **ours}
    cases.add(name, "librosa", ours, values.T, **{"signal": signal, **facts})


def add_stft(name, power, signal="signal-22050", count=None, **options):
    theirs, ours = placed(**options)
    values = np.abs(librosa.stft(samples(signal, count), **theirs)) ** power
    ours = {"kind": "spectrogram", "spectrum": "power" if power == 2 else "magnitude", **LINEAR, **ours}
    add(name, ours, values, signal, linear=True, **({"sampleCount": count} if count else {}))


def add_mel(name, ours, signal="signal-22050", db=None, stft={}, **options):
    """db: None for energies, or the options of power_to_db."""
    theirs, where = placed(**stft)
    y, rate = samples(signal), signals[signal][1]
    values = librosa.feature.melspectrogram(y=y, sr=rate, **theirs, **options)
    facts = {"linear": True}
    if db is not None:
        values, facts = librosa.power_to_db(values, **db), {"unit": DECIBEL}
    add(name, {**(LINEAR if db is None else DB), **where, **ours}, values, signal, **facts)


# Spectrograms.
add_stft("stft-defaults", 1, count=9000)
add_stft("stft-power-512", 2, "signal", n_fft=512, hop=320)
add_stft("stft-reflect-512", 1, "signal", count=4800, n_fft=512, hop=160, pad="reflect")
add_stft("stft-uncentered-512", 2, n_fft=512, hop=441, center=False)
add_stft("stft-short-window", 1, "signal", n_fft=512, hop=320, win=400)
add_stft("stft-short-window-uncentered", 1, "signal", n_fft=512, hop=320, win=400, center=False)
add_stft("stft-odd-window", 1, "signal", n_fft=512, hop=320, win=401, window="hamming")
add_stft("stft-400", 2, "signal", n_fft=400, hop=320, window="hamming")
add_stft("stft-blackman", 2, n_fft=1024, hop=1024, window="blackman")
for name, call, db in (
    ("power-to-db", librosa.power_to_db, {}),
    ("power-to-db-maximum", librosa.power_to_db, dict(ref=np.max, top_db=None)),
    ("amplitude-to-db", librosa.amplitude_to_db, {}),
):
    theirs, ours = placed(n_fft=512, hop=441)
    S = np.abs(librosa.stft(samples("signal-22050"), **theirs))
    values = call(S if call is librosa.amplitude_to_db else S**2, **db)
    extra = {"logReference": "maximum"} if "ref" in db else {}
    if "top_db" in db:
        extra["dynamicRange"] = db["top_db"]
    add(f"stft-{name}", {"kind": "spectrogram", "spectrum": "power", **DB, **ours, **extra}, values,
        unit=DECIBEL)

# Mel spectrograms.
add_mel("mel", {})
add_mel("mel-db", {}, db={})
add_mel("mel-db-no-range", {"dynamicRange": None}, db=dict(top_db=None))
add_mel("mel-db-maximum", {"logReference": "maximum"}, db=dict(ref=np.max))
add_mel("mel-db-amin", {"logFloor": 1e-5, "dynamicRange": None}, db=dict(amin=1e-5, top_db=None))
add_mel("mel-db-range-60", {"dynamicRange": 60}, db=dict(top_db=60))
add_mel("mel-64-htk", {"melBandCount": 64, "melScale": "htk"}, n_mels=64, htk=True)
add_mel("mel-40-plain", {"melBandCount": 40, "melNormalization": "none"}, n_mels=40, norm=None)
add_mel("mel-40-htk-plain", {"melBandCount": 40, "melScale": "htk", "melNormalization": "none"},
        db={}, n_mels=40, htk=True, norm=None)
add_mel("mel-64-band", {"melBandCount": 64, "lowFrequency": 125, "highFrequency": 7500}, db={},
        n_mels=64, fmin=125, fmax=7500)
add_mel("mel-64-magnitude", {"melBandCount": 64, "spectrum": "magnitude"}, n_mels=64, power=1)
add_mel("mel-64-magnitude-400", {"melBandCount": 64, "spectrum": "magnitude"}, "signal",
        stft=dict(n_fft=400, hop=160, pad="reflect"), n_mels=64, power=1)
add_mel("mel-40-short-window", {"melBandCount": 40}, "signal", db={},
        stft=dict(n_fft=1024, hop=160, win=400, window="hamming"), n_mels=40)
add_mel("mel-64-uncentered", {"melBandCount": 64, "dynamicRange": None}, "signal", db=dict(top_db=None),
        stft=dict(n_fft=1024, hop=320, win=640, center=False), n_mels=64)

# amplitude_to_db of bands of magnitudes: dB of magnitudes are 20 log10, floored at amin itself.
theirs, ours = placed()
S = librosa.feature.melspectrogram(y=samples("signal-22050"), sr=22050, power=1, n_mels=40, **theirs)
add("mel-40-amplitude-to-db",
    {"melBandCount": 40, "spectrum": "magnitude", "log": "decibel", "logFloor": 1e-5,
     "dynamicRange": 80}, librosa.amplitude_to_db(S), unit=DECIBEL / 2)


# Cepstra. The coefficients are sums of dB.
def add_mfcc(name, ours, signal="signal-22050", stft={}, **options):
    theirs, where = placed(**stft)
    values = librosa.feature.mfcc(y=samples(signal), sr=signals[signal][1], **theirs, **options)
    add(name, {"kind": "mfcc", "cepstrumCount": 20, "cepstralLifter": 0, "lifterFormula": "librosa",
               **DB, **where, **ours}, values, signal, unit=DECIBEL)


add_mfcc("mfcc", {})
add_mfcc("mfcc-13", {"cepstrumCount": 13}, n_mfcc=13)
add_mfcc("mfcc-13-lifter", {"cepstrumCount": 13, "cepstralLifter": 22}, n_mfcc=13, lifter=22)
add_mfcc("mfcc-20-lifter-htk", {"cepstralLifter": 22, "melScale": "htk", "melBandCount": 40}, "signal",
         dict(n_fft=512, hop=160, win=400), lifter=22, htk=True, n_mels=40)

# PCEN, on energies scaled to 31 bits as librosa's guide has it, and as they are. The third has a
# root of 0: ln(1 + x).
PCEN = {"gain": 0.98, "bias": 2, "power": 0.5, "timeConstant": 0.4, "epsilon": 1e-6}
theirs, where = placed(n_fft=1024, hop=128)
for name, scale, pcen in (
    ("pcen", 2**31, {}),
    ("pcen-unscaled", 1, {}),
    ("pcen-fast", 2**31, {"gain": 0.8, "bias": 10, "power": 0.25, "timeConstant": 0.06}),
    ("pcen-logarithm", 2**31, {"gain": 0.7, "power": 0, "timeConstant": 0.1, "epsilon": 1e-3}),
    ("pcen-power", 2**31, {"bias": 0, "power": 0.3}),
):
    S = librosa.feature.melspectrogram(
        y=samples("signal-22050") * scale**0.5, sr=22050, n_mels=40, **theirs)
    names = {"timeConstant": "time_constant", "epsilon": "eps"}
    values = librosa.pcen(S, sr=22050, hop_length=128, **{names.get(k, k): v for k, v in pcen.items()})
    add(name, {"melBandCount": 40, **LINEAR, **where, "waveformScale": scale**0.5, "pcen": {**PCEN, **pcen}},
        values)

# Deltas.
theirs, where = placed(n_fft=512, hop=256)
M = librosa.feature.mfcc(y=samples("signal-22050"), sr=22050, n_mfcc=13, n_mels=40, **theirs)
for width, orders in ((9, (1, 2)), (5, (1,)), (5, (1, 2))):
    values = np.concatenate([M] + [librosa.feature.delta(M, width=width, order=o) for o in orders])
    add(f"delta-{len(orders)}-{width}",
        {"kind": "mfcc", "cepstrumCount": 13, "cepstralLifter": 0, "melBandCount": 40, **DB, **where,
         "deltaOrder": len(orders), "deltaWindow": width // 2, "deltaMethod": "savitzkyGolay"},
        values, unit=DECIBEL)
cases.save()

# Mel bands: for each set of cases-librosa-mel.json and each band, its first bin, the number of its
# weights, and these, all in one row.
sets = [
    dict(sr=22050, n_fft=2048, n_mels=128, fmin=0, fmax=None, htk=False, norm="slaney"),
    dict(sr=22050, n_fft=2048, n_mels=128, fmin=0, fmax=None, htk=True, norm="slaney"),
    dict(sr=22050, n_fft=2048, n_mels=40, fmin=0, fmax=8000, htk=False, norm=None),
    dict(sr=16000, n_fft=512, n_mels=40, fmin=0, fmax=None, htk=True, norm=None),
    dict(sr=16000, n_fft=512, n_mels=80, fmin=20, fmax=7600, htk=True, norm=None),
    dict(sr=16000, n_fft=400, n_mels=80, fmin=0, fmax=None, htk=False, norm="slaney"),
    dict(sr=16000, n_fft=400, n_mels=128, fmin=0, fmax=None, htk=False, norm="slaney"),
    dict(sr=16000, n_fft=1024, n_mels=64, fmin=125, fmax=7500, htk=False, norm="slaney"),
    dict(sr=32000, n_fft=1024, n_mels=64, fmin=50, fmax=14000, htk=False, norm="slaney"),
    dict(sr=44100, n_fft=1024, n_mels=96, fmin=0, fmax=16000, htk=True, norm="slaney"),
    dict(sr=48000, n_fft=2048, n_mels=64, fmin=50, fmax=None, htk=False, norm=None),
    dict(sr=8000, n_fft=256, n_mels=23, fmin=100, fmax=3800, htk=True, norm="slaney"),
    dict(sr=8000, n_fft=200, n_mels=26, fmin=0, fmax=4000, htk=False, norm="slaney"),
    dict(sr=16000, n_fft=441, n_mels=30, fmin=0, fmax=None, htk=False, norm="slaney"),
]
row = []
for parameters in sets:
    for weights in librosa.filters.mel(**parameters, dtype=np.float64):
        bins = np.flatnonzero(weights)
        first, end = (bins[0], bins[-1] + 1) if bins.size else (0, 0)
        row += [first, end - first, *weights[first:end]]
np.save(f"{here}/librosa-mel-bands.npy", np.array(row, np.float32))
with open(f"{here}/cases-librosa-mel.json", "w") as file:
    json.dump(sets, file, indent=1)
    file.write("\n")

for name, call in (
    ("stft", lambda y: librosa.amplitude_to_db(np.abs(librosa.stft(y, n_fft=512))) * DECIBEL),
    ("mel-db", lambda y: librosa.power_to_db(librosa.feature.melspectrogram(y=y)) * DECIBEL),
    ("mfcc", lambda y: librosa.feature.mfcc(y=y) * DECIBEL),
):
    y = signals["signal-22050"][0]
    print(name, "single against double precision:", np.abs(call(y) - call(y.astype(np.float64))).max())
