"""Runs exported models under onnxruntime beside what Apus computed.

    python check_onnx.py FOLDER

FOLDER/CASE/model.onnx, and for each of its runs FOLDER/CASE/RUN/input.npy and OUTPUT.npy for every
output. Prints a line of JSON for each output: case, run, output, and the largest difference relative to
the largest magnitude (null where the shapes differ or something isn't finite).

Written for onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6.
"""

import json
import os
import sys

import numpy as np
import onnx
import onnxruntime

folder = sys.argv[1]
for case in sorted(os.listdir(folder)):
    path = os.path.join(folder, case, "model.onnx")
    onnx.checker.check_model(path, full_check=True)
    session = onnxruntime.InferenceSession(path)
    names = [output.name for output in session.get_outputs()]
    for run in sorted(os.listdir(os.path.join(folder, case))):
        place = os.path.join(folder, case, run)
        if not os.path.isdir(place):
            continue
        feed = {session.get_inputs()[0].name: np.load(os.path.join(place, "input.npy"))}
        expected = {file[:-4] for file in os.listdir(place)} - {"input"}
        assert expected == set(names), (case, expected, names)
        for name, found in zip(names, session.run(None, feed)):
            wanted = np.load(os.path.join(place, name + ".npy"))
            error = None
            if found.shape == wanted.shape and np.isfinite(found).all():
                scale = np.abs(wanted).max()
                error = float(np.abs(found - wanted).max() / (scale if scale > 0 else 1))
            print(json.dumps({"case": case, "run": run, "output": name, "error": error}))
