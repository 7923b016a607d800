"""Writes autoregressive.safetensors: losses and gradients of APC and VQ-APC, by PyTorch in 64 bits.

Nothing is padded: each recording goes through PyTorch's own layers alone, and is cut n frames before
its end, as in s3prl. Weights, features and noise are rounded to 32 bits; everything computed from
them is computed in 64 bits and rounded once. Integers are stored as floats.

    python make_autoregressive.py      # needs torch, numpy and safetensors; prints their versions
"""

import os
import platform

import numpy as np
import safetensors
import torch
from safetensors.torch import save_file
from torch import nn

torch.manual_seed(53)
torch.set_default_dtype(torch.float64)
tensors = {}

M, D, LAYERS, CODES, AHEAD, TEMPERATURE = 8, 16, 2, 6, 3, 0.5
T = 20
LENGTHS = {"equal": [20, 20, 20], "mixed": [20, 11, 3]}


def random(*shape, scale=1.0):
    """Normal numbers that 32 bits hold exactly."""
    return (scale * torch.randn(*shape)).float().double()


def put(name, value):
    tensors[name] = torch.as_tensor(value).detach().float().contiguous().clone()


class Predicting(nn.Module):
    def __init__(self, quantized):
        super().__init__()
        gru = [nn.GRU(M if i == 0 else D, D, batch_first=True) for i in range(LAYERS)]
        self.encoder = nn.ModuleDict({"layers": nn.ModuleList(gru)})
        if quantized:
            self.quantizer = nn.ModuleDict(
                {"logits": nn.Linear(D, CODES), "codebook": nn.Linear(CODES, D, bias=False)}
            )
        self.output = nn.Linear(D, M)

    def forward(self, x, noise):
        for index, layer in enumerate(self.encoder["layers"]):
            y = layer(x[None])[0][0]
            x = x + y if index > 0 else y
        if hasattr(self, "quantizer"):
            noisy = self.quantizer["logits"](x) + noise
            soft = (noisy / TEMPERATURE).softmax(-1)
            hard = nn.functional.one_hot(noisy.argmax(-1), CODES).double()
            self.used = noisy.argmax(-1)
            x = self.quantizer["codebook"](hard + soft - soft.detach())
        return self.output(x)


for kind in ["apc", "vqapc"]:
    model = Predicting(kind == "vqapc")
    for name, parameter in model.named_parameters():
        parameter.data = random(*parameter.shape, scale=0.3)
        put(f"{kind}.weights.{name}", parameter)
    features, noise = random(3, T, M), -torch.log(-torch.log(torch.rand(3, T, CODES)))
    noise = noise.float().double()
    put(f"{kind}.features", features)
    put(f"{kind}.noise", noise)
    for case, lengths in LENGTHS.items():
        total, copied, cells, codes = 0, 0, 0, []
        for b, length in enumerate(lengths):
            x = features[b, :length]
            y = model(x, noise[b, :length])
            total = total + (y[: length - AHEAD] - x[AHEAD:]).abs().sum()
            copied = copied + (x[: length - AHEAD] - x[AHEAD:]).abs().sum()
            cells += (length - AHEAD) * M
            codes += model.used.tolist() if kind == "vqapc" else []
        loss = total / cells
        loss.backward()
        put(f"{kind}.{case}.lengths", lengths)
        put(f"{kind}.{case}.loss", loss)
        put(f"{kind}.{case}.lossOverCopy", total / copied)
        if codes:
            shares = np.bincount(codes, minlength=CODES) / len(codes)
            entropy = -sum(p * np.log(p) for p in shares if p > 0)
            put(f"{kind}.{case}.codePerplexity", np.exp(entropy))
            put(f"{kind}.{case}.deadCodes", int((shares == 0).sum()))
        for name, parameter in model.named_parameters():
            put(f"{kind}.{case}.gradient.{name}", parameter.grad)
            parameter.grad = None

versions = {
    "python": platform.python_version(),
    "torch": torch.__version__,
    "numpy": np.__version__,
    "safetensors": safetensors.__version__,
}
print(versions)
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "autoregressive.safetensors")
save_file(tensors, path, metadata=versions)
