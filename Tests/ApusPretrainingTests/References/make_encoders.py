"""Writes encoders.safetensors: outputs and gradients of the shared encoders, by PyTorch in 64 bits.

Nothing is padded: each recording goes through the layers alone. Weights and features are rounded to
32 bits; everything computed from them is computed in 64 bits and rounded once.

    python make_encoders.py      # needs torch, numpy and safetensors; prints their versions
"""

import math
import os
import platform

import numpy as np
import safetensors
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

torch.manual_seed(47)
torch.set_default_dtype(torch.float64)
tensors = {}

M, D, HEADS, HIDDEN, LAYERS = 6, 8, 2, 16, 2
LENGTHS = [19, 10, 3]
BUCKETS, DISTANCE = 8, 6


def random(*shape, scale=1.0):
    """Normal numbers that 32 bits hold exactly."""
    return (scale * torch.randn(*shape)).float().double()


def put(name, value):
    tensors[name] = torch.as_tensor(value).detach().float().contiguous().clone()


def sinusoids(count):
    time, pair = np.arange(count)[:, None], np.arange(D // 2)[None, :]
    angles = time / np.power(10000.0, 2 * pair / D)
    return torch.from_numpy(np.stack([np.sin(angles), np.cos(angles)], -1).reshape(count, D))


def turn(x):
    """Rotary positions of (heads, T, d), as products of complex numbers."""
    d = x.shape[-1]
    rates = 10000.0 ** (-2 * torch.arange(d // 2) / d)
    angles = torch.arange(x.shape[1])[:, None] * rates[None, :]
    numbers = torch.complex(x[..., : d // 2], x[..., d // 2 :])
    numbers = numbers * torch.exp(1j * angles)
    return torch.cat([numbers.real, numbers.imag], -1)


def bucket(offset):
    """Bidirectional buckets of T5."""
    half, result, n = BUCKETS // 2, 0, abs(offset)
    if offset > 0:
        result += half
    exact = half // 2
    if n < exact:
        return result + n
    large = exact + int(math.log(n / exact) / math.log(DISTANCE / exact) * (half - exact))
    return result + min(large, half - 1)


class Layer(nn.Module):
    def __init__(self, norm):
        super().__init__()
        self.order = norm
        self.self_attn = nn.MultiheadAttention(D, HEADS, batch_first=True)
        self.linear1 = nn.Linear(D, HIDDEN)
        self.linear2 = nn.Linear(HIDDEN, D)
        self.norm1 = nn.LayerNorm(D, eps=1e-12)
        self.norm2 = nn.LayerNorm(D, eps=1e-12)

    def attend(self, x, positions, bias):
        q, k, v = F.linear(x, self.self_attn.in_proj_weight, self.self_attn.in_proj_bias).chunk(3, -1)
        q, k, v = (y.reshape(len(x), HEADS, -1).transpose(0, 1) for y in (q, k, v))
        if positions == "rotary":
            q, k = turn(q), turn(k)
        scores = q @ k.transpose(1, 2) / math.sqrt(D // HEADS)
        if bias is not None:
            scores = scores + bias
        y = (scores.softmax(-1) @ v).transpose(0, 1).reshape(len(x), D)
        return self.self_attn.out_proj(y)

    def forward(self, x, positions, bias):
        def feed(y):
            return self.linear2(F.gelu(self.linear1(y)))

        if self.order == "post":
            x = self.norm1(x + self.attend(x, positions, bias))
            return self.norm2(x + feed(x))
        x = x + self.attend(self.norm1(x), positions, bias)
        return x + feed(self.norm2(x))


class Transformer(nn.Module):
    def __init__(self, width, norm, positions):
        super().__init__()
        self.positions = positions
        self.projection = nn.Linear(width, D)
        self.norm = nn.LayerNorm(D, eps=1e-12)
        if positions == "relative":
            self.relative_positions = nn.Embedding(BUCKETS, HEADS)
        self.layers = nn.ModuleList(Layer(norm) for _ in range(LAYERS))
        if norm == "pre":
            self.final_norm = nn.LayerNorm(D, eps=1e-12)

    def forward(self, x):
        x = self.projection(x)
        if self.positions == "sinusoidal":
            x = x + sinusoids(len(x))
        bias = None
        if self.positions == "relative":
            frames = range(len(x))
            places = torch.tensor([[bucket(j - i) for j in frames] for i in frames])
            bias = self.relative_positions(places).permute(2, 0, 1)
        x = self.norm(x)
        states = []
        for layer in self.layers:
            x = layer(x, self.positions, bias)
            states.append(x)
        if hasattr(self, "final_norm"):
            states[-1] = self.final_norm(states[-1])
        return states


class Recurrent(nn.Module):
    def __init__(self, width, cell=nn.GRU):
        super().__init__()
        self.layers = nn.ModuleList(cell(w, D, batch_first=True) for w in [width, D, D])

    def forward(self, x):
        states = []
        for index, layer in enumerate(self.layers):
            y = layer(x[None])[0][0]
            x = x + y if index > 0 else y
            states.append(x)
        return states


class Subsampled(nn.Module):
    def __init__(self, factor, inner):
        super().__init__()
        count = int(math.log2(factor))
        self.subsampling = nn.ModuleDict(
            {
                "convolutions": nn.ModuleList(
                    nn.Conv1d(M if i == 0 else D, D, 3, stride=2, padding=1) for i in range(count)
                ),
                "norms": nn.ModuleList(nn.LayerNorm(D) for _ in range(count)),
            }
        )
        self.inner = inner

    def forward(self, x):
        for convolution, norm in zip(self.subsampling["convolutions"], self.subsampling["norms"]):
            x = F.gelu(norm(convolution(x.T[None])[0].T))
        return [x] + self.inner(x)


def record(name, model):
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
        key = key.removeprefix("inner.")
        put(f"{name}.weights.{key}", parameter)
        put(f"{name}.gradient.{key}", parameter.grad)


features = torch.zeros(len(LENGTHS), max(LENGTHS), M)
for b, length in enumerate(LENGTHS):
    features[b, :length] = random(length, M)
put("features", features)
put("lengths", LENGTHS)
for norm in ["post", "pre"]:
    for positions in ["sinusoidal", "rotary", "relative"]:
        record(f"transformer.{norm}.{positions}", Transformer(M, norm, positions))
record("recurrent", Recurrent(M))
record("subsampled2", Subsampled(2, Transformer(D, "post", "sinusoidal")))
record("subsampled4", Subsampled(4, Recurrent(D)))
record("lstm", Recurrent(M, nn.LSTM))

versions = {
    "python": platform.python_version(),
    "torch": torch.__version__,
    "numpy": np.__version__,
    "safetensors": safetensors.__version__,
}
print(versions)
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "encoders.safetensors")
save_file(tensors, path, metadata=versions)
