"""Companding tables from CPython's audioop (a module that implements G.711), for CompandingTests.

    python3.11 make_companding.py

companding.json says which Python made it; audioop left the standard library with 3.13.
"""

import audioop
import json
import os
import struct
import sys

samples = range(-32768, 32768)
raw = struct.pack("<65536h", *samples)
tables = {"python": sys.version.split()[0]}
for name, encode, decode in [
    ("muLaw", audioop.lin2ulaw, audioop.ulaw2lin),
    ("aLaw", audioop.lin2alaw, audioop.alaw2lin),
]:
    codes = encode(raw, 2)
    # The code of every 16-bit sample, as runs: [first sample of the run, its code].
    runs = [
        [sample, code]
        for sample, code, before in zip(samples, codes, b"\x00" + codes)
        if sample == -32768 or code != before
    ]
    decoded = struct.unpack("<256h", decode(bytes(range(256)), 2))
    tables[name] = {"encoded": runs, "decoded": list(decoded)}

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "companding.json")
with open(path, "w") as file:
    json.dump(tables, file, separators=(",", ":"))
    file.write("\n")
