"""Times the front ends that people use now, on one core: the peers of FrontEndSpeed.

    python peer.py memory          kaldi-native-fbank and librosa: microseconds a frame
    python peer.py files FILE...   soundfile + soxr + kaldi-native-fbank: seconds

Prints "NAME VALUE" lines, each the best of ROUNDS (default 5).
"""
import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

import sys
import time

import kaldi_native_fbank as knf
import numpy as np
import soundfile
import soxr

rounds = int(os.environ.get("ROUNDS", "5"))


def best(work):
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def options(frame_length=25.0):
    o = knf.FbankOptions()
    o.frame_opts.dither = 0
    o.frame_opts.frame_length_ms = frame_length
    o.mel_opts.num_bins = 80
    o.use_energy = False
    return o


def fbank(samples, computer=None):
    computer = computer or knf.OnlineFbank(options())
    computer.accept_waveform(16000, samples)
    computer.input_finished()
    return computer


if sys.argv[1] == "memory":
    import librosa

    samples = (np.random.RandomState(0).rand(960000).astype(np.float32) - 0.5) * 32768
    as_list = samples.tolist()
    frames = fbank(samples).num_frames_ready
    unit = 1e6 / frames
    print("knf-numpy %.4f" % (best(lambda: fbank(samples)) * unit))
    with_list = best(lambda: fbank(as_list))
    print("knf-list %.4f" % (with_list * unit))
    # A frame longer than the signal: what handing the samples over costs, without any feature.
    idle = [knf.OnlineFbank(options(1e5)) for _ in range(rounds)]
    handing = best(lambda: fbank(as_list, idle.pop()))
    print("knf-net %.4f" % ((with_list - handing) * unit))

    def mels(y):
        return librosa.feature.melspectrogram(
            y=y, sr=16000, n_fft=512, hop_length=160, n_mels=80)

    y = samples / 32768
    mels(y)
    count = 1 + len(y) // 160
    print("librosa-mel %.4f" % (best(lambda: mels(y)) * 1e6 / count))
    print("librosa-log %.4f" % (best(lambda: librosa.power_to_db(mels(y))) * 1e6 / count))
else:
    def features(path):
        samples, rate = soundfile.read(path, dtype="float32")
        if samples.ndim > 1:
            samples = samples.mean(axis=1)
        if rate != 16000:
            samples = soxr.resample(samples, rate, 16000, quality="HQ")
        # Through a list: a numpy array is handed over more slowly.
        return fbank((samples * 32768).tolist())

    print("peer %.4f" % best(lambda: [features(path) for path in sys.argv[2:]]))
