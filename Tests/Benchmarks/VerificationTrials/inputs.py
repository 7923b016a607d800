"""Vectors of 50000 recordings of 1250 speakers, their manifest, and drawn trials, a tenth of them targets."""
import json
import sys

import numpy as np

work, count = sys.argv[1], int(sys.argv[2])
generator = np.random.default_rng(1)
speakers, each, width = 1250, 40, 256
centres = generator.standard_normal((speakers, width))
speaker = np.repeat(np.arange(speakers), each)
vectors = centres[speaker] + 3 * generator.standard_normal((speakers * each, width))
np.save(f"{work}/vectors.npy", vectors.astype(np.float32))
names = np.array([f"s{s:04d}/{i:02d}" for s in range(speakers) for i in range(each)])
with open(f"{work}/vectors.npy.ids.txt", "w") as file:
    file.write("\n".join(names) + "\n")
with open(f"{work}/all.jsonl", "w") as file:
    for name, number in zip(names, speaker):
        file.write(json.dumps({"id": name, "audio_filepath": name + ".wav", "speaker": str(number)}) + "\n")
first = generator.integers(0, speakers * each, count)
target = generator.random(count) < 0.1
second = np.where(target, first // each * each + generator.integers(0, each, count),
                  generator.integers(0, speakers * each, count))
# A recording is never compared with itself.
second = np.where(second == first, first // each * each + (first + 1) % each, second)
is_target = first // each == second // each
with open(f"{work}/trials.txt", "w") as file:
    for start in range(0, count, 1_000_000):
        part = slice(start, start + 1_000_000)
        words = np.where(is_target[part], "target", "nontarget")
        file.writelines(f"{a} {b} {c}\n" for a, b, c in zip(names[first[part]], names[second[part]], words))
