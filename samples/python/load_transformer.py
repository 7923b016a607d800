"""Loads a transformer that Apus trained into plain PyTorch, and gives the states of its layers.

    pip install torch numpy safetensors
    apus features clip.ogg -o clip.npy ...        # with the model's front end: apus info --json
    python load_transformer.py model.safetensors clip.npy
"""

import json
import sys

import numpy as np
import torch
from safetensors import safe_open

with safe_open(sys.argv[1], "pt") as file:
    card = json.loads(file.metadata()["apus"])
    weights = {name[8:]: file.get_tensor(name) for name in file.keys() if name[:8] == "encoder."}
objective = card["objective"]
section = objective[objective["kind"]]
options = section["features" if objective["kind"] == "imported" else "encoder"]["transformer"]
assert (options["norm"], options["positions"]) == ("post", "sinusoidal"), options
D = options["width"]
layer = torch.nn.TransformerEncoderLayer(
    D, options["headCount"], options["feedForwardWidth"], activation="gelu",
    layer_norm_eps=1e-12, batch_first=True)
model = torch.nn.ModuleDict({
    "projection": torch.nn.Linear(weights["projection.weight"].shape[1], D),
    "norm": torch.nn.LayerNorm(D, 1e-12),
    "layers": torch.nn.TransformerEncoder(layer, options["layerCount"]).layers}).eval()
model.load_state_dict(weights)
features = torch.from_numpy(np.load(sys.argv[2]))[None]  # (1, T, M)
angles = torch.arange(features.shape[1])[:, None] / 10000 ** (torch.arange(0, D, 2) / D)
positions = torch.stack([angles.sin(), angles.cos()], -1).flatten(1)  # (T, D)
with torch.no_grad():
    states = model["norm"](model["projection"](features) + positions)
    for number, layer in enumerate(model["layers"], start=1):
        states = layer(states)
        print(f"layer-{number}: mean {states.mean():.6f}, deviation {states.std():.6f}")
