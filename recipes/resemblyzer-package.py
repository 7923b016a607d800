"""Vectors of recordings by Resemblyzer's own package: its levelling and cutting of silence, its windows, its weights.

    python3 recipes/resemblyzer-package.py vectors.npy dev.jsonl test.jsonl ...
    apus verify GE2E=vectors.npy --trials test-trials.txt ...

A peer for results, not needed to use Apus. Wants resemblyzer 0.1.4 and setuptools below 81 (for webrtcvad). A
recording that its cutting leaves nothing of is taken whole, and the number of these is printed.
"""
import json
import os
import sys
import warnings

import numpy as np

if not hasattr(np, "bool"):
    # The package was written for numpy before 1.24.
    np.bool = bool
warnings.filterwarnings("ignore")
from resemblyzer import VoiceEncoder, normalize_volume, preprocess_wav  # noqa: E402
from resemblyzer.audio import audio_norm_target_dBFS, librosa, sampling_rate  # noqa: E402

output, manifests = sys.argv[1], sys.argv[2:]
encoder = VoiceEncoder("cpu", verbose=False)
names, vectors, whole = [], [], 0
for manifest in manifests:
    folder = os.path.dirname(os.path.abspath(manifest))
    with open(manifest) as file:
        for line in file:
            cut = json.loads(line)
            path = os.path.join(folder, cut["audio_filepath"])
            samples = preprocess_wav(path)
            if len(samples) < sampling_rate // 10:
                whole += 1
                samples, _ = librosa.load(path, sr=sampling_rate)
                samples = normalize_volume(samples, audio_norm_target_dBFS, increase_only=True)
            names.append(cut.get("id", cut["audio_filepath"]))
            vectors.append(encoder.embed_utterance(samples))
np.save(output, np.array(vectors, dtype=np.float32))
with open(output + ".ids.txt", "w") as file:
    file.write("".join(name + "\n" for name in names))
print(f"{len(names)} recordings, {whole} of them without cutting")
