"""Writes nonautoregressive.safetensors: hidden states, losses and gradients of s3prl's NPC in 64 bits.

Two things of s3prl's model are put in another's place: batch normalisation, by layer normalisation
over the channels of each frame, and the draw of the Gumbel noise, by given noise. Nothing is padded:
each recording goes through the model alone. Weights, features and noise are rounded to 32 bits;
everything computed from them is computed in 64 bits and rounded once. Integers are stored as floats.

    pip install --no-deps s3prl==0.4.18
    python make_nonautoregressive.py      # needs s3prl, torch, numpy and safetensors; prints versions
"""

import os
import platform
from importlib.metadata import version

import numpy as np
import s3prl.upstream.npc.vq as vq
import safetensors
import torch
from s3prl.upstream.npc.npc import NPC
from safetensors.torch import save_file
from torch import nn

torch.manual_seed(89)
torch.set_default_dtype(torch.float64)
tensors = {}

M, D, BLOCKS, KERNEL, MASK = 8, 12, 2, 11, 3
CODEBOOKS, CODES, TEMPERATURE = 2, 5, 0.8
T = 20
LENGTHS = {"equal": [20, 20, 20], "mixed": [20, 11, 3]}
drawn = []


def random(*shape, scale=1.0):
    """Normal numbers that 32 bits hold exactly."""
    return (scale * torch.randn(*shape)).float().double()


def put(name, value):
    tensors[name] = torch.as_tensor(value).detach().float().contiguous().clone()


class FrameNorm(nn.LayerNorm):
    """Over the channels of each frame of (B, C, T)."""

    def forward(self, x):
        return super().forward(x.transpose(1, 2)).transpose(1, 2)


def given_gumbel_softmax(logits, tau, hard, eps, dim):
    soft = ((logits + drawn.pop(0)) / tau).softmax(dim)
    codes.append(soft.argmax(dim)[0].tolist())
    return nn.functional.one_hot(soft.argmax(dim), CODES) - soft.detach() + soft


vq.gumbel_softmax = given_gumbel_softmax


def own_name(name):
    """Apus' name for a parameter of s3prl's model."""
    if name.startswith("postnet"):
        return name.replace("postnet", "output")
    if name.startswith("vq_layers"):
        name = name.replace("vq_logits", "logits").replace("codebook_CxE", "codebook")
        return name.replace("vq_layers", "quantizers")
    return "encoder." + name.replace("bn1", "norm1").replace("bn2", "norm2")


for kind in ["plain", "quantized"]:
    quantizers = {
        "codebook_size": [CODES] * CODEBOOKS,
        "code_dim": [D // CODEBOOKS] * CODEBOOKS,
        "gumbel_temperature": TEMPERATURE,
    }
    model = NPC(
        M, D, BLOCKS, 0.0, True, KERNEL, MASK, vq=quantizers if kind == "quantized" else None
    )
    for block in model.blocks:
        block.bn1, block.bn2 = FrameNorm(D), FrameNorm(D)
    model.double()
    for name, parameter in model.named_parameters():
        gain = 1.0 if "bn" in name and name.endswith("weight") else 0.0
        parameter.data = (random(*parameter.shape, scale=0.3) + gain).float().double()
        put(f"{kind}.weights.{own_name(name)}", parameter)
    features = random(3, T, M)
    noise = -torch.log(-torch.log(torch.rand(3, T, CODEBOOKS * CODES))).float().double()
    put(f"{kind}.features", features)
    put(f"{kind}.noise", noise)
    for case, lengths in LENGTHS.items():
        total, inner, line, used = 0, 0, 0, [[] for _ in range(CODEBOOKS)]
        for b, length in enumerate(lengths):
            x, codes = features[b : b + 1, :length], []
            drawn = list(noise[b : b + 1, :length].chunk(CODEBOOKS, -1))
            y, h = model(x)
            for index, numbers in enumerate(codes):
                used[index] += numbers
            error = (y - x).abs()[0]
            total = total + error.sum()
            ahead = (MASK + 1) // 2
            if length > 2 * ahead:
                inner = inner + error[ahead:-ahead].sum()
                straight = (x[0, : -2 * ahead] + x[0, 2 * ahead :]) / 2
                line = line + (straight - x[0, ahead:-ahead]).abs().sum()
            if case == "mixed":
                for layer in range(BLOCKS):
                    put(f"{kind}.state.{b}.{layer}", model.get_unmasked_feat(x, layer)[0])
                put(f"{kind}.state.{b}.{BLOCKS}", h[0])
        loss = total / (sum(lengths) * M)
        loss.backward()
        put(f"{kind}.{case}.lengths", lengths)
        put(f"{kind}.{case}.loss", loss)
        put(f"{kind}.{case}.lossOverInterpolation", inner / line)
        if kind == "quantized":
            shares = [np.bincount(u, minlength=CODES) / len(u) for u in used]
            entropies = [-sum(p * np.log(p) for p in s if p > 0) for s in shares]
            put(f"{kind}.{case}.codePerplexity", np.mean(np.exp(entropies)))
            put(f"{kind}.{case}.deadCodes", np.mean([(s == 0).sum() for s in shares]))
        for name, parameter in model.named_parameters():
            put(f"{kind}.{case}.gradient.{own_name(name)}", parameter.grad)
            parameter.grad = None

versions = {
    "python": platform.python_version(),
    "s3prl": version("s3prl"),
    "torch": torch.__version__,
    "numpy": np.__version__,
    "safetensors": safetensors.__version__,
}
print(versions)
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "nonautoregressive.safetensors")
save_file(tensors, path, metadata=versions)
