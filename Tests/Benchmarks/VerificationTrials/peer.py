"""The equal error rate of a list of trials by numpy and scikit-learn."""
import sys

import numpy as np
from sklearn.metrics import roc_curve

work = sys.argv[1]
vectors = np.load(f"{work}/vectors.npy")
vectors = vectors - vectors.mean(0)
vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
with open(f"{work}/vectors.npy.ids.txt") as file:
    rows = {name: row for row, name in enumerate(file.read().split("\n"))}
first, second, targets = [], [], []
with open(f"{work}/trials.txt") as file:
    for line in file:
        a, b, kind = line.split()
        first.append(rows[a])
        second.append(rows[b])
        targets.append(kind == "target")
first, second = np.array(first), np.array(second)
scores = np.concatenate([
    np.einsum("ij,ij->i", vectors[first[start:start + 100_000]], vectors[second[start:start + 100_000]])
    for start in range(0, len(first), 100_000)])
false_alarms, hits, _ = roc_curve(targets, scores, drop_intermediate=False)
misses = 1 - hits
crossing = np.flatnonzero(false_alarms >= misses)[0]
before, after = (false_alarms - misses)[crossing - 1:crossing + 1]
share = before / (before - after)
print(false_alarms[crossing - 1] + share * (false_alarms[crossing] - false_alarms[crossing - 1]))
