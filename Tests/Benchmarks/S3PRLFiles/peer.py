"""TERA's base model by s3prl: makes it with random weights, and extracts from files with it.

    peer.py make FOLDER SECONDS     tera.ckpt of the published sizes, and FLAC files of mixed lengths, in
                                    all so long
    peer.py run FOLDER SIZE THREADS OUT.npy
        prints the seconds from the files to OUT.npy with batches of SIZE, without the imports and the
        loading of the model, and the seconds of all; OUT.npy has each file's mean of the last layer

torchaudio's compiled part is needed by none of it; delete it where it does not load (torchaudio/lib).
"""

import time

began = time.perf_counter()
import argparse
import glob
import os
import sys

import numpy as np
import soundfile
import torch

mode, folder = sys.argv[1:3]
files = sorted(glob.glob(os.path.join(folder, "*.flac")))
path = os.path.join(folder, "tera.ckpt")
if mode == "make":
    from s3prl.upstream.mockingjay.model import TransformerConfig, TransformerModel

    torch.manual_seed(1)
    options = dict(
        downsample_rate=1, hidden_size=768, num_hidden_layers=3, num_attention_heads=12,
        intermediate_size=3072, hidden_act="gelu", hidden_dropout_prob=0.1,
        attention_probs_dropout_prob=0.1, initializer_range=0.02, layer_norm_eps=1e-12,
        share_layer=False, pre_layer_norm=False)
    audio = {
        "kaldi": {"feat_type": "fbank", "fbank": {
            "num_mel_bins": 80, "frame_length": 25.0, "frame_shift": 10.0, "use_log_fbank": True}},
        "delta": {"order": 0, "win_length": 5},
        "cmvn": {"use_cmvn": True}}
    model = TransformerModel(TransformerConfig(options), 80)
    torch.save(
        {"Transformer": model.state_dict(), "SpecHead": {}, "Step": 0,
         "Args": argparse.Namespace(seed=1), "Config": {},
         "Upstream_Config": {
             "transformer": options, "task": {"sequence_length": 0}, "audio": audio}},
        path)
    generator = np.random.default_rng(1)
    left, lengths = float(sys.argv[3]), []
    while left > 0:  # As read speech: most last some seconds, some a few, some fifteen.
        lengths.append(int(16000 * min(max(1.5, generator.gamma(2.2, 3.2)), 20.0)))
        left -= lengths[-1] / 16000
    for number, length in enumerate(lengths):
        time_ = np.arange(length) / 16000
        tone = np.sin(2 * np.pi * (120 + 40 * np.sin(3 * time_)) * time_)
        envelope = 0.1 * (1 + np.sin(2 * np.pi * 4 * time_))
        samples = envelope * (tone + 0.3 * generator.normal(size=length))
        soundfile.write(os.path.join(folder, f"{number:03}.flac"), samples, 16000, subtype="PCM_16")
    seconds = [length / 16000 for length in lengths]
    print(f"{len(seconds)} files, {sum(seconds):.0f} s, {min(seconds):.1f} to {max(seconds):.1f} s")
    sys.exit(0)

from s3prl.upstream.mockingjay.expert import UpstreamExpert

size, threads, out = int(sys.argv[3]), int(sys.argv[4]), sys.argv[5]
torch.set_num_threads(threads)
expert = UpstreamExpert(path).eval()
extracting = time.perf_counter()
vectors = []
with torch.inference_mode():
    for first in range(0, len(files), size):
        wavs = [
            torch.from_numpy(soundfile.read(file, dtype="float32")[0])
            for file in files[first : first + size]]
        last = expert(wavs)["last_hidden_state"]
        for row, wav in zip(last, wavs):
            vectors.append(row[: 1 + (len(wav) - 400) // 160].mean(0).numpy())
np.save(out, np.stack(vectors))
ended = time.perf_counter()
print(f"{ended - extracting:.3f} {ended - began:.3f}")
