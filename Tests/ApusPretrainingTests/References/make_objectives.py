"""Writes objectives.safetensors: losses and gradients of both objectives, by PyTorch in 64 bits.

Nothing is padded here: each recording goes through PyTorch's own layers alone, and CPC's scores are
taken one frame, one step and one negative at a time. Weights and features are rounded to 32 bits;
everything computed from them is computed in 64 bits and rounded once. Integers are stored as floats.

    python make_objectives.py      # needs torch, numpy and safetensors; prints their versions
"""

import os
import platform

import numpy as np
import safetensors
import torch
from safetensors.torch import save_file
from torch import nn

torch.manual_seed(31)
torch.set_default_dtype(torch.float64)
generator = np.random.default_rng(31)
tensors = {}

M, B, T = 8, 3, 20
LENGTHS = {"equal": [20, 20, 20], "mixed": [20, 13, 6]}


def random(*shape, scale=1.0):
    """Normal numbers that 32 bits hold exactly."""
    return (scale * torch.randn(*shape)).float().double()


def put(name, value):
    tensors[name] = torch.as_tensor(value).detach().float().contiguous().clone()


def fill(module):
    for name, parameter in module.named_parameters():
        is_gain = "norm" in name and name.endswith("weight")
        parameter.data = random(*parameter.shape, scale=0.3) + (1.0 if is_gain else 0.0)
        parameter.data = parameter.data.float().double()


def put_weights(prefix, module):
    for name, parameter in module.named_parameters():
        put(f"{prefix}.weights.{name}", parameter)


def put_gradients(prefix, module):
    for name, parameter in module.named_parameters():
        put(f"{prefix}.gradient.{name}", parameter.grad)
        parameter.grad = None


# Contrastive predictive coding.

D, C, K, N = 12, 16, 3, 5
STRIDES = [1, 2, 1]


class ConvolutionalRecurrent(nn.Module):
    def __init__(self):
        super().__init__()
        widths = [M, D, D]
        self.convolutions = nn.ModuleList(
            nn.Conv1d(width, D, 3, stride=stride, padding=1)
            for width, stride in zip(widths, STRIDES)
        )
        self.norms = nn.ModuleList(nn.LayerNorm(D) for _ in STRIDES)
        self.context = nn.GRU(D, C, batch_first=True)

    def forward(self, x):
        """One recording, (T, M): z (S, D) and c (S, C)."""
        for convolution, norm in zip(self.convolutions, self.norms):
            x = torch.relu(norm(convolution(x.T[None])[0].T))
        return x, self.context(x[None])[0][0]


class Predictive(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = ConvolutionalRecurrent()
        self.predictors = nn.Linear(C, K * D, bias=False)


def frames(length):
    for stride in STRIDES:
        length = (length - 1) // stride + 1
    return length


def draw(source, lengths, recording):
    """One negative as (recording, frame)."""
    if source == "otherRecordings":
        choices = [r for r in range(B) if r != recording]
        candidates = [(r, t) for r in choices for t in range(lengths[r])]
    elif source == "sameRecording":
        candidates = [(recording, t) for t in range(lengths[recording])]
    else:
        candidates = [(r, t) for r in range(B) for t in range(lengths[r])]
    return candidates[generator.integers(len(candidates))]


model = Predictive()
fill(model)
put_weights("cpc", model)
features = random(B, T, M)
put("cpc.features", features)
masked_collisions = 0
for source in ["otherRecordings", "sameRecording", "batch"]:
    for name, lengths in LENGTHS.items():
        states = [model.encoder(features[b, : lengths[b]]) for b in range(B)]
        encoded_lengths = [frames(length) for length in lengths]
        assert encoded_lengths == [len(z) for z, _ in states]
        S = frames(T)
        losses, hits = [], [[] for _ in range(K)]
        drawn = []
        for b, (z, c) in enumerate(states):
            negatives = [draw(source, encoded_lengths, b) for _ in range(N)]
            drawn += [r * S + t for r, t in negatives]
            for t in range(len(z) - K):
                for k in range(1, K + 1):
                    W = model.predictors.weight[(k - 1) * D : k * D]
                    others = [(r, u) for r, u in negatives if (r, u) != (b, t + k)]
                    masked_collisions += N - len(others)
                    scores = [z[t + k] @ W @ c[t] / D**0.5]
                    scores += [states[r][0][u] @ W @ c[t] / D**0.5 for r, u in others]
                    scores = torch.stack(scores)
                    losses.append(torch.logsumexp(scores, 0) - scores[0])
                    hits[k - 1].append(bool((scores[0] >= scores).all()))
        loss = torch.stack(losses).mean()
        loss.backward()
        case = f"cpc.{source}.{name}"
        put(f"{case}.lengths", lengths)
        put(f"{case}.negatives", drawn)
        put(f"{case}.loss", loss)
        put(f"{case}.accuracies", [sum(h) / len(h) for h in hits])
        put_gradients(case, model)
assert masked_collisions > 20, "the reference has to cover negatives that are the positive"

# Masked reconstruction.

WIDTH, HEADS, HIDDEN, LAYERS = 16, 2, 32, 2


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.projection = nn.Linear(M, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                WIDTH, HEADS, HIDDEN, dropout=0.0, activation="gelu", layer_norm_eps=1e-12,
                batch_first=True,
            )
            for _ in range(LAYERS)
        )

    def forward(self, x):
        """One recording, (T, M): (T, D)."""
        time, pair = np.arange(len(x))[:, None], np.arange(WIDTH // 2)[None, :]
        angles = time / np.power(10000.0, 2 * pair / WIDTH)
        positions = np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(len(x), WIDTH)
        x = self.norm(self.projection(x) + torch.from_numpy(positions))[None]
        for layer in self.layers:
            x = layer(x)
        return x[0]


class Reconstructing(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Transformer()
        self.head = nn.ModuleDict(
            {
                "hidden": nn.Linear(WIDTH, WIDTH),
                "norm": nn.LayerNorm(WIDTH, eps=1e-12),
                "output": nn.Linear(WIDTH, M),
            }
        )

    def forward(self, x):
        hidden = nn.functional.gelu(self.head["hidden"](self.encoder(x)))
        return self.head["output"](self.head["norm"](hidden))


model = Reconstructing()
fill(model)
put_weights("masked", model)
for name, lengths in LENGTHS.items():
    features, altered, mask = (torch.zeros(B, T, M) for _ in range(3))
    total, cells = torch.zeros(()), 0
    for b, length in enumerate(lengths):
        x, noise = random(length, M), random(length, M)
        is_masked = torch.from_numpy(generator.random((length, M)) < 0.3)
        y = torch.where(is_masked, noise, x)
        total = total + (model(y) - x).abs()[is_masked].sum()
        features[b, :length], altered[b, :length], mask[b, :length] = x, y, is_masked
        cells += length * M
    loss = total / mask.sum()
    loss.backward()
    case = f"masked.{name}"
    put(f"{case}.lengths", lengths)
    put(f"{case}.features", features)
    put(f"{case}.altered", altered)
    put(f"{case}.mask", mask)
    put(f"{case}.loss", loss)
    put(f"{case}.maskedShare", mask.sum() / cells)
    put_gradients(case, model)

versions = {
    "python": platform.python_version(),
    "torch": torch.__version__,
    "numpy": np.__version__,
    "safetensors": safetensors.__version__,
}
print(versions)
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "objectives.safetensors")
save_file(tensors, path, metadata=versions)
