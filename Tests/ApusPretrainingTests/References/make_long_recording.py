"""Writes hidden states of a recording that Apus takes in several blocks of 128 frames.

    pip install torch==2.13.0 transformers==5.24.0 numpy safetensors
    python make_long_recording.py     # of the models in published/, into long-recording.safetensors
"""

import os
import platform

import numpy as np
import safetensors
import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoModel, Wav2Vec2FeatureExtractor

here = os.path.dirname(os.path.abspath(__file__))
generator = np.random.default_rng(31)
length = 5963  # 297 frames, 20 samples apart.
walk = np.cumsum(generator.normal(size=length)) * 0.01
loudness = np.linspace(0.2, 1, length)  # Blocks whose own means and variances differ.
samples = loudness * (0.2 * np.sin(walk * 3) + 0.05 * generator.normal(size=length) + 0.03)
samples = samples.astype("f4")
tensors = {"samples": torch.from_numpy(samples)}
for name in ["hubert-base", "wav2vec2-large"]:
    place = os.path.join(here, "published", name)
    model = AutoModel.from_pretrained(place).eval()
    values = Wav2Vec2FeatureExtractor.from_pretrained(place)(
        samples, sampling_rate=16000, return_tensors="pt"
    ).input_values
    with torch.no_grad():
        outputs = model(values, output_hidden_states=True)
    tensors[f"{name}.first"] = outputs.hidden_states[0][0].contiguous().clone()
    tensors[f"{name}.last"] = outputs.last_hidden_state[0].contiguous().clone()
    print(name, {k: tuple(v.shape) for k, v in tensors.items()})
versions = {
    "python": platform.python_version(),
    "torch": torch.__version__,
    "transformers": transformers.__version__,
    "numpy": np.__version__,
    "safetensors": safetensors.__version__,
}
print(versions)
save_file(tensors, os.path.join(here, "long-recording.safetensors"), metadata=versions)
