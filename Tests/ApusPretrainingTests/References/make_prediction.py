"""Writes prediction.safetensors: BEST-RQ's codes, loss and gradients, by PyTorch in 64 bits.

Nothing is padded: each recording goes through PyTorch's own layers alone, and codes are searched by
their distances, one frame and one codebook at a time. Weights, features and noise are rounded to 32
bits; everything computed from them is computed in 64 bits and rounded once. Integers are stored as
floats.

    python make_prediction.py      # needs torch, numpy and safetensors; prints their versions
"""

import os
import platform

import numpy as np
import safetensors
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

torch.manual_seed(59)
torch.set_default_dtype(torch.float64)
generator = np.random.default_rng(59)
tensors = {}

M, D, LAYERS, CODEBOOKS, CODES, WIDTH = 8, 16, 2, 2, 12, 4
T = 22
LENGTHS = {"equal": [22, 22, 22], "mixed": [22, 13, 5]}
# Stride, stacked frames, and λ of the contrastive term.
CASES = {"whole": (1, 4, 0), "halved": (2, 4, 0), "single": (2, 2, 0), "contrast": (2, 4, 0.5)}
N = 6


def random(*shape, scale=1.0):
    """Normal numbers that 32 bits hold exactly."""
    return (scale * torch.randn(*shape)).float().double()


def put(name, value):
    tensors[name] = torch.as_tensor(value).detach().float().contiguous().clone()


class Predicting(nn.Module):
    """GRUs, which leave the transformer's cost aside, after an optional convolution of stride 2."""

    def __init__(self, stride, weight):
        super().__init__()
        self.stride = stride
        width = D if stride == 2 else M
        self.encoder = nn.ModuleDict(
            {"layers": nn.ModuleList(nn.GRU(w, D, batch_first=True) for w in [width, D])}
        )
        if stride == 2:
            self.encoder["subsampling"] = nn.ModuleDict(
                {
                    "convolutions": nn.ModuleList([nn.Conv1d(M, D, 3, stride=2, padding=1)]),
                    "norms": nn.ModuleList([nn.LayerNorm(D)]),
                }
            )
        self.output = nn.Linear(D, CODEBOOKS * CODES)
        if weight > 0:
            self.contrast = nn.ModuleDict({"output": nn.Linear(D, D, bias=False)})

    def convolved(self, x):
        front = self.encoder["subsampling"]
        return F.gelu(front["norms"][0](front["convolutions"][0](x.T[None])[0].T))

    def forward(self, x):
        if self.stride == 2:
            x = self.convolved(x)
        for index, layer in enumerate(self.encoder["layers"]):
            y = layer(x[None])[0][0]
            x = x + y if index > 0 else y
        return self.output(x).reshape(-1, CODEBOOKS, CODES), x


for case, (stride, stack, weight) in CASES.items():
    model = Predicting(stride, weight)
    for name, parameter in model.named_parameters():
        gain = 1.0 if "norm" in name and name.endswith("weight") else 0.0
        parameter.data = (random(*parameter.shape, scale=0.3) + gain).float().double()
        put(f"{case}.weights.{name}", parameter)
    projection = random(CODEBOOKS, stack * M, WIDTH)
    codebook = F.normalize(random(CODEBOOKS, CODES, WIDTH), dim=-1).float().double()
    put(f"{case}.weights.targets.projection", projection)
    put(f"{case}.weights.targets.codebook", codebook)
    features, noise = random(3, T, M), random(3, T, M, scale=0.1)
    put(f"{case}.features", features)
    put(f"{case}.noise", noise)
    S = -(-T // stride)
    front = (stack - stride) // 2
    for lengths_name, lengths in LENGTHS.items():
        mask, rows, losses, hits, contrast = torch.zeros(3, T), [], [], [], {}
        wanted = -torch.ones(3, S, CODEBOOKS)
        for b, length in enumerate(lengths):
            frames = -(-length // stride)
            masked = generator.random(frames) < 0.4
            masked[generator.integers(frames)] = True
            x = features[b, :length]
            altered = x.clone()
            for s in range(frames):
                stacked = torch.zeros(stack, M)
                for i in range(stack):
                    t = s * stride - front + i
                    if 0 <= t < length:
                        stacked[i] = x[t]
                for c in range(CODEBOOKS):
                    code = F.normalize(stacked.reshape(-1) @ projection[c], dim=0)
                    wanted[b, s, c] = (codebook[c] - code).norm(dim=-1).argmin()
                if masked[s]:
                    span = slice(s * stride, min((s + 1) * stride, length))
                    altered[span], mask[b, span] = noise[b, span], 1
            logits, hidden = model(altered)
            contrast[b] = (hidden, np.flatnonzero(masked)) if weight > 0 else None
            for s in np.flatnonzero(masked):
                rows.append(b * S + int(s))
                for c in range(CODEBOOKS):
                    target = int(wanted[b, s, c])
                    losses.append(torch.logsumexp(logits[s, c], 0) - logits[s, c, target])
                    hits.append(int(logits[s, c].argmax()) == target)
        loss = torch.stack(losses).mean()
        name = f"{case}.{lengths_name}"
        if weight > 0:
            z = [model.convolved(features[b, :length]) for b, length in enumerate(lengths)]
            frames = [(b, s) for b in range(3) for s in range(len(z[b]))]
            terms, best, negatives = [], [], []
            for b in range(3):
                # Any frames, the masked ones of the recording itself among them.
                drawn = [frames[i] for i in generator.integers(len(frames), size=N - 1)]
                drawn.append((b, int(contrast[b][1][0])))
                negatives += [other * S + s for other, s in drawn]
                for s in contrast[b][1]:
                    query = model.contrast["output"](contrast[b][0][s]) / D**0.5
                    own = query @ z[b][s]
                    others = [query @ z[o][t] for o, t in drawn if (o, t) != (b, int(s))]
                    scores = torch.stack([own] + others)
                    terms.append(torch.logsumexp(scores, 0) - own)
                    best.append(int(scores.argmax()) == 0)
            term = torch.stack(terms).mean()
            loss = loss + weight * term
            put(f"{name}.negatives", negatives)
            put(f"{name}.contrastiveLoss", term)
            put(f"{name}.contrastiveAccuracy", np.mean(best))
        loss.backward()
        put(f"{name}.lengths", lengths)
        put(f"{name}.mask", mask)
        put(f"{name}.frames", rows)
        put(f"{name}.codes", wanted)
        put(f"{name}.loss", loss)
        put(f"{name}.accuracy", np.mean(hits))
        for parameter_name, parameter in model.named_parameters():
            put(f"{name}.gradient.{parameter_name}", parameter.grad)
            parameter.grad = None

versions = {
    "python": platform.python_version(),
    "torch": torch.__version__,
    "numpy": np.__version__,
    "safetensors": safetensors.__version__,
}
print(versions)
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "prediction.safetensors")
save_file(tensors, path, metadata=versions)
