"""The peer of NeighbourSearch: the same by numpy, a block of rows at a time.

peer.py make COUNT WIDTH INDEX.npy QUERIES.npy   writes normal vectors, and the index's names
peer.py INDEX.npy QUERIES.npy                    searches
"""

import sys
import time

import numpy as np

BLOCK = 65536


def timed(name, work):
    start = time.perf_counter()
    result = work()
    print(f"seconds-{name} {time.perf_counter() - start:.3f}")
    return result


def peak_megabytes():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM:")) // 1024


def load():
    with open(sys.argv[1] + ".ids.txt") as file:
        names = file.read().splitlines()
    rows = np.load(sys.argv[1])
    assert len(names) == len(rows)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def search(rows, queries, count=10):
    queries = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    best = np.full((len(queries), 0), 0, np.float32)
    places = np.full((len(queries), 0), 0, np.int64)
    for start in range(0, len(rows), BLOCK):
        scores = queries @ rows[start : start + BLOCK].T
        own = np.argpartition(-scores, count, axis=1)[:, :count]
        best = np.concatenate([best, np.take_along_axis(scores, own, 1)], 1)
        places = np.concatenate([places, own + start], 1)
        order = np.argsort(-best, axis=1, kind="stable")[:, :count]
        best = np.take_along_axis(best, order, 1)
        places = np.take_along_axis(places, order, 1)
    return places


if sys.argv[1] == "make":
    count, width = int(sys.argv[2]), int(sys.argv[3])
    random = np.random.default_rng(5)
    np.save(sys.argv[4], random.standard_normal((count, width), dtype=np.float32))
    np.save(sys.argv[5], random.standard_normal((256, width), dtype=np.float32))
    with open(sys.argv[4] + ".ids.txt", "w") as file:
        file.writelines(f"recordings/{i // 1000}/{i}.wav\n" for i in range(count))
else:
    rows = timed("load", load)
    queries = np.load(sys.argv[2])
    for count in [1, 32, 256]:
        found = timed(str(count), lambda: search(rows, queries[:count]))
        print(f"rows-{count} {found.sum()}")
    print("megabytes", peak_megabytes())
