"""Writes layers.safetensors: PyTorch's outputs and gradients for the layers of ApusNN.

Weights, inputs and cotangents are rounded to 32 bits; everything computed from them is computed in
64 bits and rounded once. Gradients are those of sum(output * cotangent). Integers are stored as
floats. Sinusoidal positions come from NumPy alone.

    python make_layers.py          # needs torch, numpy and safetensors; prints their versions
"""

import os
import platform

import numpy as np
import safetensors
import torch
from safetensors.torch import save_file
from torch import nn

torch.manual_seed(20)
torch.set_default_dtype(torch.float64)
tensors = {}


def random(*shape, scale=1.0):
    """Normal numbers that 32 bits hold exactly."""
    return (scale * torch.randn(*shape)).float().double()


def put(name, value):
    tensors[name] = value.detach().float().contiguous().clone()


def record(name, module, function, *shape, kept=None):
    """One layer: its weights, an input, the output and all gradients."""
    for parameter in module.parameters():
        parameter.data = random(*parameter.shape, scale=0.4)
    input = random(*shape).requires_grad_()
    output = function(input)
    cotangent = random(*output.shape)
    if kept is not None:
        # Only valid frames give gradients.
        cotangent = cotangent * kept
        put(f"{name}.kept", kept.expand(output.shape))
    (output * cotangent).sum().backward()
    put(f"{name}.input", input)
    put(f"{name}.output", output if kept is None else output * kept)
    put(f"{name}.cotangent", cotangent)
    put(f"{name}.gradient.input", input.grad)
    for key, parameter in module.named_parameters():
        put(f"{name}.weights.{key}", parameter)
        put(f"{name}.gradient.{key}", parameter.grad)


layer = nn.Linear(6, 4)
record("linear", layer, layer, 3, 5, 6)

layer = nn.Conv1d(3, 4, 5, stride=1, padding=2)
record("conv1d_stride1", layer, layer, 2, 3, 12)
layer = nn.Conv1d(3, 4, 4, stride=2, padding=1)
record("conv1d_stride2", layer, layer, 2, 3, 13)

layer = nn.LayerNorm(8, eps=1e-5)
record("layer_norm", layer, layer, 3, 4, 8)

gru = nn.GRU(5, 7, batch_first=True)
record("gru", gru, lambda x: gru(x)[0], 3, 11, 5)

lengths = torch.tensor([9, 6, 4])
padding = torch.arange(9)[None, :] >= lengths[:, None]
kept = (~padding).double()[:, :, None]

for name, mask, valid in [("attention", None, None), ("attention_padded", padding, kept)]:
    attention = nn.MultiheadAttention(8, 2, dropout=0.0, batch_first=True)
    record(
        name,
        attention,
        lambda x: attention(x, x, x, key_padding_mask=mask, need_weights=False)[0],
        3, 9, 8, kept=valid,
    )

for name, mask, valid in [("transformer", None, None), ("transformer_padded", padding, kept)]:
    encoder = nn.TransformerEncoderLayer(
        8, 2, 16, dropout=0.0, activation="gelu", layer_norm_eps=1e-12, batch_first=True,
        norm_first=False,
    )
    record(name, encoder, lambda x: encoder(x, src_key_padding_mask=mask), 3, 9, 8, kept=valid)
put("lengths", lengths)

gelu = nn.GELU(approximate="none")
record("gelu", gelu, lambda x: gelu(3 * x), 40)

logits = random(7, 5, scale=2.0).requires_grad_()
targets = torch.randint(0, 5, (7,))
loss = nn.functional.cross_entropy(logits, targets)
loss.backward()
put("cross_entropy.input", logits)
put("cross_entropy.targets", targets)
put("cross_entropy.output", loss)
put("cross_entropy.gradient.input", logits.grad)

frames, width = 60, 16
angles = np.arange(frames)[:, None] / np.power(10000.0, 2 * np.arange(width // 2) / width)[None, :]
positions = np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(frames, width)
put("positions", torch.from_numpy(positions))

# 20 steps of clipped AdamW on a linear regression whose first gradients are long.
layer = nn.Linear(6, 4)
layer.weight.data = random(4, 6)
layer.bias.data = random(4)
put("adamw.start.weight", layer.weight)
put("adamw.start.bias", layer.bias)
x, y = random(10, 6), random(10, 4)
put("adamw.x", x)
put("adamw.y", y)
optimizer = torch.optim.AdamW(layer.parameters(), lr=0.3, betas=(0.9, 0.98), weight_decay=0.01)
norms, losses = [], []
for step in range(20):
    loss = ((layer(x) - y) ** 2).sum(1).mean()
    loss.backward()
    norms.append(torch.nn.utils.clip_grad_norm_(layer.parameters(), 1.0))
    losses.append(loss.detach())
    optimizer.step()
    optimizer.zero_grad()
    if step == 0:
        put("adamw.after1.weight", layer.weight)
        put("adamw.after1.bias", layer.bias)
put("adamw.after20.weight", layer.weight)
put("adamw.after20.bias", layer.bias)
put("adamw.norms", torch.stack(norms))
put("adamw.losses", torch.stack(losses))

for name, count in [("lstm", 1), ("lstm_stack", 2)]:
    lstm = nn.LSTM(5, 7, num_layers=count, batch_first=True)
    record(name, lstm, lambda x: lstm(x)[0], 3, 11, 5)


class ChannelNorm(nn.Module):
    """Over the last dimension, by the unbiased variance."""

    def __init__(self, width):
        super().__init__()
        self.weight, self.bias = (nn.Parameter(torch.zeros(width)) for _ in range(2))

    def forward(self, x):
        deviations = x - x.mean(-1, keepdim=True)
        variance = (deviations**2).sum(-1, keepdim=True) / (x.shape[-1] - 1)
        return self.weight * deviations / torch.sqrt(variance + 1e-5) + self.bias


norm = ChannelNorm(6)
# Deviations down to the size of epsilon's root, where epsilon counts.
record("channel_norm", norm, lambda x: norm(x * torch.tensor([[[1.0]], [[0.003]]])), 2, 5, 6)

# What the reader must take from the format itself.
put("format.counted", torch.arange(6).reshape(2, 3))
put("format.scalar", torch.tensor(2.5))
put("format.empty", torch.zeros(0, 3))

versions = {
    "python": platform.python_version(),
    "torch": torch.__version__,
    "numpy": np.__version__,
    "safetensors": safetensors.__version__,
}
print(versions)
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "layers.safetensors")
save_file(tensors, path, metadata=versions)
