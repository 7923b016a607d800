"""Makes generator.json: what SeededGenerator draws, with randomgen's xoshiro256**.

Run: python make_generator.py > generator.json
"""

import json

import numpy
import randomgen

MASK = (1 << 64) - 1
INCREMENT = 0x9E3779B97F4A7C15


def finalized(value):
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def fnv1a(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


def bit_generator(seed, stream, counters):
    value = finalized((seed + INCREMENT) & MASK)
    value = finalized(value ^ fnv1a(stream.encode()))
    for counter in counters:
        value = finalized(((value + INCREMENT) & MASK) ^ (counter & MASK))
    words = []
    for _ in range(4):
        value = (value + INCREMENT) & MASK
        words.append(finalized(value))
    generator = randomgen.Xoshiro256(0)
    state = generator.state
    state["s"] = numpy.array(words, dtype=numpy.uint64)
    generator.state = state
    return generator


cases = []
for seed, stream, counters in [
    (0, "", []), (1, "crop/é", [3]), (2**64 - 1, "sampler/order", [-1, 7]),
]:
    raw = bit_generator(seed, stream, counters).random_raw(5)
    cases.append({"seed": str(seed), "stream": stream, "counters": counters,
                  "values": [str(value) for value in raw]})
print(json.dumps({"versions": {"randomgen": randomgen.__version__, "numpy": numpy.__version__},
                  "cases": cases}, indent=1))
