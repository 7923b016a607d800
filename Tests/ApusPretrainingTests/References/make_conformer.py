"""Writes conformer.safetensors: outputs and gradients of torchaudio's Conformer in 64 bits.

Two things of torchaudio's layers are put in another's place: the convolution's norm, by layer
normalisation over the channels of each frame, and PyTorch's attention, where it has to be told of
positions. Nothing is padded: each recording goes through the layers alone. Weights and features are
rounded to 32 bits; everything computed from them is computed in 64 bits and rounded once.

    pip install --no-deps torchaudio==2.11.0      # without CUDA: then remove torchaudio/lib/*.so
    python make_conformer.py      # needs torchaudio, torch, numpy and safetensors; prints versions
"""

import math
import os
import platform

import numpy as np
import safetensors
import torch
import torchaudio
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

torch.manual_seed(83)
torch.set_default_dtype(torch.float64)
tensors = {}

M, D, HEADS, HIDDEN, LAYERS, KERNEL = 6, 8, 2, 12, 2, 5
LENGTHS = [19, 10, 3]
BUCKETS, DISTANCE = 8, 6


def random(*shape, scale=1.0):
    """Normal numbers that 32 bits hold exactly."""
    return (scale * torch.randn(*shape)).float().double()


def put(name, value):
    tensors[name] = torch.as_tensor(value).detach().float().contiguous().clone()


class FrameNorm(nn.LayerNorm):
    """Over the channels of each frame of (B, C, T)."""

    def forward(self, x):
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


def sinusoids(count):
    time, pair = np.arange(count)[:, None], np.arange(D // 2)[None, :]
    angles = time / np.power(10000.0, 2 * pair / D)
    return torch.from_numpy(np.stack([np.sin(angles), np.cos(angles)], -1).reshape(count, D))


def turn(x):
    """Rotary positions of (heads, T, d), as products of complex numbers."""
    d = x.shape[-1]
    rates = 10000.0 ** (-2 * torch.arange(d // 2) / d)
    angles = torch.arange(x.shape[1])[:, None] * rates[None, :]
    numbers = torch.complex(x[..., : d // 2], x[..., d // 2 :]) * torch.exp(1j * angles)
    return torch.cat([numbers.real, numbers.imag], -1)


def bucket(offset):
    """Bidirectional buckets of T5."""
    half, n = BUCKETS // 2, abs(offset)
    exact, start = half // 2, half if offset > 0 else 0
    if n < exact:
        return start + n
    large = exact + int(math.log(n / exact) / math.log(DISTANCE / exact) * (half - exact))
    return start + min(large, half - 1)


class RotaryAttention(nn.MultiheadAttention):
    def forward(self, query, **_):
        x = query[:, 0]
        q, k, v = F.linear(x, self.in_proj_weight, self.in_proj_bias).chunk(3, -1)
        q, k, v = (y.reshape(len(x), HEADS, -1).transpose(0, 1) for y in (q, k, v))
        scores = turn(q) @ turn(k).transpose(1, 2) / math.sqrt(D // HEADS)
        y = (scores.softmax(-1) @ v).transpose(0, 1).reshape(len(x), D)
        return self.out_proj(y)[:, None], None


class RelativeAttention(nn.MultiheadAttention):
    table = None

    def forward(self, query, key, value, key_padding_mask=None, need_weights=False):
        frames = range(len(query))
        places = torch.tensor([[bucket(j - i) for j in frames] for i in frames])
        bias = type(self).table(places).permute(2, 0, 1)
        return super().forward(query, key, value, attn_mask=bias, need_weights=need_weights)


class Encoder(nn.Module):
    def __init__(self, positions):
        super().__init__()
        self.positions = positions
        self.projection = nn.Linear(M, D)
        conformer = torchaudio.models.Conformer(
            D, HEADS, HIDDEN, LAYERS, KERNEL, use_group_norm=True
        )
        for layer in conformer.conformer_layers:
            layer.conv_module.sequential[3] = FrameNorm(D)
            if positions == "rotary":
                layer.self_attn = RotaryAttention(D, HEADS)
            elif positions == "relative":
                layer.self_attn = RelativeAttention(D, HEADS)
        self.conformer_layers = conformer.conformer_layers
        if positions == "relative":
            self.relative_positions = nn.Embedding(BUCKETS, HEADS)
            RelativeAttention.table = self.relative_positions

    def forward(self, x):
        x = self.projection(x)
        if self.positions == "sinusoidal":
            x = x + sinusoids(len(x))
        x, states = x[:, None], []  # (T, 1, D)
        for layer in self.conformer_layers:
            x = layer(x, None)
            states.append(x[:, 0])
        return states


features = torch.zeros(len(LENGTHS), max(LENGTHS), M)
for b, length in enumerate(LENGTHS):
    features[b, :length] = random(length, M)
put("features", features)
put("lengths", LENGTHS)
for positions in ["sinusoidal", "rotary", "relative"]:
    model = Encoder(positions)
    name = f"conformer.{positions}"
    for key, parameter in model.named_parameters():
        gain = 1.0 if "norm" in key and key.endswith("weight") else 0.0
        parameter.data = (random(*parameter.shape, scale=0.3) + gain).float().double()
    states = [model(features[b, :length]) for b, length in enumerate(LENGTHS)]
    probes = [[random(*y.shape) for y in recording] for recording in states]
    sum((y * p).sum() for ys, ps in zip(states, probes) for y, p in zip(ys, ps)).backward()
    for b, (ys, ps) in enumerate(zip(states, probes)):
        for layer, (y, p) in enumerate(zip(ys, ps)):
            put(f"{name}.output.{b}.{layer}", y)
            put(f"{name}.probe.{b}.{layer}", p)
    for key, parameter in model.named_parameters():
        put(f"{name}.weights.{key}", parameter)
        put(f"{name}.gradient.{key}", parameter.grad)

versions = {
    "python": platform.python_version(),
    "torch": torch.__version__,
    "torchaudio": torchaudio.__version__,
    "numpy": np.__version__,
    "safetensors": safetensors.__version__,
}
print(versions)
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "conformer.safetensors")
save_file(tensors, path, metadata=versions)
