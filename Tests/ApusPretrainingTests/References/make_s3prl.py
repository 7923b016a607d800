"""Writes s3prl.safetensors: hidden states, loss and gradients of s3prl's Mockingjay/TERA model.

The weights are drawn here, given to s3prl's model and written under Apus' names; s3prl computes in 64
bits, on a padded batch with its own attention mask, and its positions and masked L1.

    pip install --no-deps s3prl==0.4.18
    python make_s3prl.py      # needs s3prl, torch, numpy and safetensors; prints their versions
"""

import os
import platform
from importlib.metadata import version

import numpy as np
import safetensors
import torch
from s3prl.pretrain.mockingjay.task import fast_position_encoding
from s3prl.upstream.mockingjay.model import (
    TransformerConfig,
    TransformerModel,
    TransformerSpecPredictionHead,
)
from safetensors.torch import save_file

torch.manual_seed(67)
torch.set_default_dtype(torch.float64)
tensors = {}

M, D, HEADS, HIDDEN, LAYERS = 8, 16, 2, 32, 2
LENGTHS = [20, 13, 6]
T = max(LENGTHS)

config = TransformerConfig(
    dict(
        hidden_size=D,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        hidden_act="gelu",
        intermediate_size=HIDDEN,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.02,
        layer_norm_eps=1e-12,
        share_layer=False,
        pre_layer_norm=False,
    )
)
model = TransformerModel(config, M)
head = TransformerSpecPredictionHead(config, M)
model.train(), head.train()


def random(*shape, scale=1.0):
    """Normal numbers that 32 bits hold exactly."""
    return (scale * torch.randn(*shape)).float().double()


def put(name, value):
    tensors[name] = torch.as_tensor(value).detach().float().contiguous().clone()


for module in (model, head):
    for name, parameter in module.named_parameters():
        gain = 1.0 if name.endswith("LayerNorm.weight") else 0.0
        parameter.data = (random(*parameter.shape, scale=0.3) + gain).float().double()


def names():
    """Apus' name for each tensor of s3prl, or for those that are one above the other."""
    parts = {
        "encoder.projection": [model.input_representations.spec_transform],
        "encoder.norm": [model.input_representations.LayerNorm],
        "head.hidden": [head.dense],
        "head.norm": [head.LayerNorm],
        "head.output": [head.output],
    }
    for index, layer in enumerate(model.encoder.layer):
        place = f"encoder.layers.{index}"
        own = layer.attention.self
        parts[f"{place}.self_attn.in_proj"] = [own.query, own.key, own.value]
        parts[f"{place}.self_attn.out_proj"] = [layer.attention.output.dense]
        parts[f"{place}.norm1"] = [layer.attention.output.LayerNorm]
        parts[f"{place}.linear1"] = [layer.intermediate.dense]
        parts[f"{place}.linear2"] = [layer.output.dense]
        parts[f"{place}.norm2"] = [layer.output.LayerNorm]
    for place, modules in parts.items():
        joint = "_" if place.endswith("in_proj") else "."
        yield f"{place}{joint}weight", [module.weight for module in modules]
        yield f"{place}{joint}bias", [module.bias for module in modules]


features, altered = torch.zeros(3, T, M), torch.zeros(3, T, M)
mask, attention = torch.zeros(3, T, M, dtype=torch.bool), torch.zeros(3, T)
for b, length in enumerate(LENGTHS):
    features[b, :length] = random(length, M)
    mask[b, :length] = torch.rand(length, M) < 0.3
    altered[b, :length] = torch.where(mask[b, :length], random(length, M), features[b, :length])
    attention[b, :length] = 1
positions = fast_position_encoding(T, D).double()
states = model(altered, positions, attention)
prediction, _ = head(states[-1])
loss = torch.nn.L1Loss()(prediction.masked_select(mask), features.masked_select(mask))
loss.backward()

for name, parameters in names():
    put(f"s3prl.weights.{name}", torch.cat(parameters))
    put(f"s3prl.gradient.{name}", torch.cat([parameter.grad for parameter in parameters]))
put("s3prl.features", features)
put("s3prl.altered", altered)
put("s3prl.mask", mask)
put("s3prl.lengths", LENGTHS)
put("s3prl.loss", loss)
# The first of s3prl's states is the encoder's input.
for layer, state in enumerate(states[1:]):
    for b, length in enumerate(LENGTHS):
        put(f"s3prl.state.{layer}.{b}", state[b, :length])

versions = {
    "python": platform.python_version(),
    "s3prl": version("s3prl"),
    "torch": torch.__version__,
    "numpy": np.__version__,
    "safetensors": safetensors.__version__,
}
print(versions)
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "s3prl.safetensors")
save_file(tensors, path, metadata=versions)
