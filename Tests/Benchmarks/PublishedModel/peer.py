"""HuBERT's base model by transformers: makes it with random weights, and times it.

    peer.py make FOLDER SECONDS          the model and recordings of mixed lengths, in all so long
    peer.py one|batch FOLDER float32|bfloat16 ROUNDS THREADS
        the best round in seconds and the peak memory in MB, one recording at a time or in padded
        batches of 8
"""

import os
import resource
import sys
import time

import numpy as np
import torch
from transformers import HubertConfig, HubertModel, Wav2Vec2FeatureExtractor

mode, folder = sys.argv[1:3]
samples_path = os.path.join(folder, "samples.npz")
if mode == "make":
    torch.manual_seed(1)
    generator = np.random.default_rng(1)
    HubertModel(HubertConfig()).save_pretrained(folder)
    Wav2Vec2FeatureExtractor(do_normalize=True).save_pretrained(folder)
    left, recordings = float(sys.argv[3]), []
    while left > 0:  # As read speech: most last some seconds, some a few, some fifteen.
        length = min(max(1.5, generator.gamma(2.2, 3.2)), 20.0)
        recordings.append((0.1 * generator.normal(size=int(16000 * length))).astype("f4"))
        left -= length
    np.savez(samples_path, **{f"{i:03}": samples for i, samples in enumerate(recordings)})
    seconds = [len(samples) / 16000 for samples in recordings]
    print(f"{len(seconds)} recordings, {sum(seconds):.1f} s, {min(seconds):.1f} to {max(seconds):.1f} s")
    sys.exit(0)

precision, rounds, threads = sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
torch.set_num_threads(threads)
model = HubertModel.from_pretrained(folder).eval()
if precision == "bfloat16":
    model = model.to(torch.bfloat16)
extractor = Wav2Vec2FeatureExtractor.from_pretrained(folder)
archive = np.load(samples_path)
recordings = [archive[name] for name in archive.files]
size = 1 if mode == "one" else 8
best = float("inf")
with torch.inference_mode():
    for _ in range(rounds):
        began = time.perf_counter()
        for first in range(0, len(recordings), size):
            batch = extractor(
                recordings[first : first + size], sampling_rate=16000, padding=True,
                return_tensors="pt", return_attention_mask=size > 1)
            model(batch.input_values.to(model.dtype), attention_mask=batch.get("attention_mask"),
                  output_hidden_states=True)
        best = min(best, time.perf_counter() - began)
print(f"{best:.3f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}")
