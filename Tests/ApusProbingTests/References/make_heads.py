"""Writes heads.safetensors: PyTorch's outputs and gradients for the heads of ApusProbing.

Each recording is computed by itself, without padding, by PyTorch's own layers; only batch normalisation
sees the frames of all recordings in one row. Weights, inputs and cotangents are rounded to 32 bits;
everything computed from them is computed in 64 bits and rounded once. Gradients are those of
sum(output * cotangent) in training; integers are stored as floats.

    python make_heads.py          # needs torch, numpy and safetensors; prints their versions
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

torch.manual_seed(6)
torch.set_default_dtype(torch.float64)
tensors = {}
LENGTHS = [7, 4, 9, 1]
EPSILON = 1e-7


def random(*shape, scale=1.0):
    return (scale * torch.randn(*shape)).float().double()


def put(name, value):
    tensors[name] = value.detach().float().contiguous().clone()


def statistics(x):
    mean = x.mean(0)
    return torch.cat([mean, torch.sqrt(((x - mean) ** 2).mean(0) + EPSILON)])


class TDNN(nn.Module):
    """Lists of (T, C) recordings in and out."""

    def __init__(self, inputs, outputs, kernel=1, dilation=1):
        super().__init__()
        self.conv = nn.Conv1d(
            inputs, outputs, kernel, dilation=dilation, padding=kernel // 2 * dilation)
        self.norm = nn.BatchNorm1d(outputs)

    def forward(self, recordings):
        made = [F.relu(self.conv(x.T[None])[0].T) for x in recordings]
        return torch.split(self.norm(torch.cat(made)), [len(x) for x in recordings])


class Attentive(nn.Module):
    def __init__(self, width, hidden, channels, context):
        super().__init__()
        self.attention = nn.Linear(3 * width if context else width, hidden)
        self.scores = nn.Linear(hidden, width if channels else 1)
        self.context = context

    def forward(self, recordings):
        rows = []
        for x in recordings:
            seen = x
            if self.context:
                seen = torch.cat([x, statistics(x)[None].expand(len(x), -1)], 1)
            share = torch.softmax(self.scores(torch.tanh(self.attention(seen))), 0)
            mean = (share * x).sum(0)
            variance = (share * (x - mean) ** 2).sum(0)
            rows.append(torch.cat([mean, torch.sqrt(variance + EPSILON)]))
        return torch.stack(rows)


class Linear(nn.Module):
    def __init__(self, inputs, width, pooling):
        super().__init__()
        self.projector = nn.Linear(inputs, width)
        self.kind = pooling
        if pooling == "attentive":
            self.pooling = Attentive(width, 6, False, False)

    def forward(self, recordings):
        made = [self.projector(x) for x in recordings]
        if self.kind == "mean":
            return torch.stack([x.mean(0) for x in made])
        if self.kind == "meanAndStandardDeviation":
            return torch.stack([statistics(x) for x in made])
        return self.pooling(made)


class Hidden(nn.Module):
    def __init__(self, inputs, width):
        super().__init__()
        self.linear = nn.Linear(inputs, width)
        self.norm = nn.BatchNorm1d(width)


class MLP(nn.Module):
    def __init__(self, inputs, width, count, deviations):
        super().__init__()
        self.deviations = deviations
        sizes = [2 * inputs if deviations else inputs] + [width] * count
        self.hidden = nn.ModuleList(Hidden(a, b) for a, b in zip(sizes, sizes[1:]))

    def forward(self, recordings):
        x = torch.stack([statistics(x) if self.deviations else x.mean(0) for x in recordings])
        for layer in self.hidden:
            x = F.relu(layer.norm(layer.linear(x)))
        return x


class Segment(nn.Linear):
    def __init__(self, inputs, outputs):
        super().__init__(inputs, outputs)
        self.norm = nn.BatchNorm1d(outputs)


class XVector(nn.Module):
    def __init__(self, inputs, width):
        super().__init__()
        self.frame1 = TDNN(inputs, width, 5, 1)
        self.frame2 = TDNN(width, width, 3, 2)
        self.frame3 = TDNN(width, width, 3, 3)
        self.frame4 = TDNN(width, width)
        self.frame5 = TDNN(width, 3 * width)
        self.segment6 = Segment(6 * width, width)
        self.segment7 = Segment(width, width)

    def forward(self, x):
        for layer in [self.frame1, self.frame2, self.frame3, self.frame4, self.frame5]:
            x = layer(x)
        embedding = self.segment6(torch.stack([statistics(each) for each in x]))
        z = self.segment6.norm(F.relu(embedding))
        return self.segment7.norm(F.relu(self.segment7(z)))


class Block(nn.Module):
    def __init__(self, width, dilation, scale, bottleneck):
        super().__init__()
        self.tdnn1 = TDNN(width, width)
        self.res2 = nn.ModuleList(
            TDNN(width // scale, width // scale, 3, dilation) for _ in range(scale - 1))
        self.tdnn2 = TDNN(width, width)
        self.se = nn.ModuleDict(
            {"squeeze": nn.Linear(width, bottleneck), "excite": nn.Linear(bottleneck, width)})
        self.scale = scale

    def forward(self, recordings):
        entered = self.tdnn1(recordings)
        groups = [list(g) for g in zip(*[torch.chunk(x, self.scale, 1) for x in entered])]
        outputs, before = [groups[0]], None
        for group, kernel in zip(groups[1:], self.res2):
            if before is not None:
                group = [a + b for a, b in zip(group, before)]
            before = kernel(group)
            outputs.append(before)
        left = self.tdnn2([torch.cat(parts, 1) for parts in zip(*outputs)])
        made = []
        for x, y in zip(recordings, left):
            gate = torch.sigmoid(self.se["excite"](F.relu(self.se["squeeze"](y.mean(0)))))
            made.append(x + y * gate)
        return made


class ECAPA(nn.Module):
    def __init__(self, inputs, width, scale, bottleneck, embedding):
        super().__init__()
        self.entry = TDNN(inputs, width, 5)
        self.blocks = nn.ModuleList(Block(width, d, scale, bottleneck) for d in (2, 3, 4))
        self.aggregation = nn.Linear(3 * width, 3 * width)
        self.pooling = Attentive(3 * width, bottleneck, True, True)
        self.norm = nn.BatchNorm1d(6 * width)
        self.projection = nn.Linear(6 * width, embedding)

    def forward(self, recordings):
        x = self.entry(recordings)
        outputs = []
        for block in self.blocks:
            x = block(x)
            outputs.append(x)
        together = [F.relu(self.aggregation(torch.cat(parts, 1))) for parts in zip(*outputs)]
        return self.projection(self.norm(self.pooling(together)))


def record(name, module, width=5):
    for key, parameter in module.named_parameters():
        parameter.data = random(*parameter.shape, scale=0.5)
        if key.endswith("norm.weight"):
            parameter.data = 1 + 0.2 * parameter.data.float().double()
            parameter.data = parameter.data.float().double()
    for key, buffer in module.named_buffers():
        if key.endswith("running_mean"):
            buffer.copy_(random(*buffer.shape, scale=0.3))
        elif key.endswith("running_var"):
            buffer.copy_((0.5 + torch.rand(*buffer.shape)).float().double())
    for key, value in list(module.named_parameters()) + list(module.named_buffers()):
        if not key.endswith("num_batches_tracked"):
            put(f"{name}.weights.{key}", value)
    padded = random(len(LENGTHS), max(LENGTHS), width)
    input = padded.clone().requires_grad_()
    recordings = [input[i, :n] for i, n in enumerate(LENGTHS)]
    module.eval()
    put(f"{name}.evaluation", module(recordings))
    module.train()
    output = module(recordings)
    cotangent = random(*output.shape)
    (output * cotangent).sum().backward()
    put(f"{name}.input", padded)
    put(f"{name}.output", output)
    put(f"{name}.cotangent", cotangent)
    put(f"{name}.gradient.input", input.grad)
    for key, parameter in module.named_parameters():
        put(f"{name}.gradient.{key}", parameter.grad)
    for key, buffer in module.named_buffers():
        if not key.endswith("num_batches_tracked"):
            put(f"{name}.after.{key}", buffer)


put("lengths", torch.tensor(LENGTHS))
for pooling in ["mean", "meanAndStandardDeviation", "attentive"]:
    record(f"linear_{pooling}", Linear(5, 4, pooling))
record("perceptron", MLP(5, 6, 2, True))
record("xvector", XVector(5, 4))
record("ecapa", ECAPA(5, 8, 4, 6, 3))

# The losses: the right class's cosine gets the margin; the last row's angle is too wide for it.
for kind in ["softmax", "amSoftmax", "aamSoftmax"]:
    margin, scale = 0.3, 8.0
    x = random(4, 5)
    weight = random(3, 5, scale=0.6)
    x[3] = (-weight[0] * 1.7 + 0.1 * random(5)).float().double()
    targets = torch.tensor([2, 0, 1, 0])
    bias = random(3)
    put(f"{kind}.input", x)
    put(f"{kind}.weights.weight", weight)
    put(f"{kind}.targets", targets)
    x.requires_grad_()
    weight.requires_grad_()
    if kind == "softmax":
        put(f"{kind}.weights.bias", bias)
        bias.requires_grad_()
        logits = F.linear(x, weight, bias)
    else:
        cosine = F.linear(F.normalize(x), F.normalize(weight))
        rows = []
        for row, target in zip(cosine, targets):
            right = row[target]
            if kind == "amSoftmax":
                changed = right - margin
            elif torch.acos(right) + margin < math.pi:
                changed = torch.cos(torch.acos(right) + margin)
            else:
                changed = right - margin * math.sin(margin)
            rows.append(torch.where(torch.arange(3) == target, changed, row))
        logits = scale * torch.stack(rows)
    loss = F.cross_entropy(logits, targets)
    loss.backward()
    put(f"{kind}.output", loss)
    put(f"{kind}.gradient.input", x.grad)
    put(f"{kind}.gradient.weight", weight.grad)
    if kind == "softmax":
        put(f"{kind}.gradient.bias", bias.grad)

folder = os.path.dirname(os.path.abspath(__file__))
versions = {
    "python": platform.python_version(), "torch": torch.__version__.split("+")[0],
    "numpy": np.__version__, "safetensors": safetensors.__version__,
}
save_file(tensors, os.path.join(folder, "heads.safetensors"), metadata=versions)
print(versions)
