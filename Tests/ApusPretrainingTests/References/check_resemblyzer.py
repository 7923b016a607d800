"""Compares GE2E imported by Apus with Resemblyzer itself, whose package has real weights.

    pip install torch librosa soundfile scipy webrtcvad-wheels
    pip download --no-deps Resemblyzer==0.1.4 && unzip Resemblyzer-0.1.4-py3-none-any.whl
    python check_resemblyzer.py APUS FOLDER_OF_RESEMBLYZER RECORDING...

Each recording goes through Resemblyzer's preprocess_wav; what comes out is written as 32-bit floats and
given to both: to embed_utterance, and to `apus embed --layer embedding --pooling mean`.
"""

import subprocess
import sys
import tempfile
import types

import numpy as np
import soundfile

apus, folder, *recordings = sys.argv[1:]
# Its audio.py imports from where SciPy had this function before 1.8.
import scipy.ndimage

morphology = types.ModuleType("scipy.ndimage.morphology")
morphology.binary_dilation = scipy.ndimage.binary_dilation
sys.modules["scipy.ndimage.morphology"] = morphology
sys.path.insert(0, folder)
from resemblyzer import VoiceEncoder, preprocess_wav  # noqa: E402

encoder = VoiceEncoder("cpu", verbose=False)
cosines = []
with tempfile.TemporaryDirectory() as work:
    model = f"{work}/ge2e.safetensors"
    subprocess.run(
        [apus, "import", f"{folder}/resemblyzer/pretrained.pt", "-o", model],
        check=True, stdout=subprocess.DEVNULL,
    )
    for number, recording in enumerate(recordings):
        samples = preprocess_wav(recording).astype("float32")
        path = f"{work}/{number}.wav"
        soundfile.write(path, samples, 16000, subtype="FLOAT")
        expected = encoder.embed_utterance(samples)
        subprocess.run(
            [apus, "embed", model, path, "--layer", "embedding", "--pooling", "mean",
             "-o", f"{work}/{number}.npy"],
            check=True, stdout=subprocess.DEVNULL,
        )
        found = np.load(f"{work}/{number}.npy")
        cosines.append(found @ expected / np.linalg.norm(found) / np.linalg.norm(expected))
        print(f"{cosines[-1]:.8f}  {len(samples) / 16000:5.1f} s  {recording}")
print(f"least of {len(cosines)}: {min(cosines):.8f}")
