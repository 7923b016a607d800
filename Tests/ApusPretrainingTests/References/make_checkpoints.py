"""Writes checkpoints as CPC_audio, s3prl and Resemblyzer save them, with random weights, and what
their own networks make of random input: checkpoints/*.pt and checkpoints/states.safetensors.

    pip install torch==2.13.0 numpy safetensors
    pip download --no-deps --no-binary :all: s3prl==0.4.18    # its networks alone are used
    python make_checkpoints.py S3PRL_FOLDER

Resemblyzer's network and its windows are written here again, in the fewest lines; the package itself is
compared by check_resemblyzer.py. The checkpoints of CPC_audio and Resemblyzer have the format before
PyTorch 1.6, as the published ones have.
"""

import argparse
import os
import platform
import sys

import numpy as np
import safetensors
import torch
from safetensors.torch import save_file

sys.path.insert(0, sys.argv[1])
import importlib.util


def load(name, *path):
    """One file of s3prl, without what its package imports."""
    spec = importlib.util.spec_from_file_location(name, os.path.join(sys.argv[1], "s3prl", *path))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def without_torchaudio():
    sys.modules["torchaudio"] = argparse.Namespace()


without_torchaudio()
mockingjay = load("mockingjay_model", "upstream", "mockingjay", "model.py")
vq = load("apc_package.vq", "upstream", "apc", "vq.py")
package = type(sys)("apc_package")
package.__path__ = []
sys.modules["apc_package"], sys.modules["apc_package.vq"] = package, vq
apc = load("apc_package.apc", "upstream", "apc", "apc.py")
cpc = load("cpc_model", "upstream", "cpc", "model.py")

here = os.path.dirname(os.path.abspath(__file__))
folder = os.path.join(here, "checkpoints")
os.makedirs(folder, exist_ok=True)
torch.manual_seed(31)
tensors = {}
LENGTHS = [34, 21]


def put(name, value):
    tensors[name] = torch.as_tensor(value).detach().float().contiguous().clone()


def disturb(module):
    with torch.no_grad():
        for parameter in module.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return module.eval()


# TERA: 12 features are 4 bands with deltas.
options = dict(
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=2,
    hidden_act="gelu",
    intermediate_size=24,
    hidden_dropout_prob=0.1,
    attention_probs_dropout_prob=0.1,
    initializer_range=0.02,
    layer_norm_eps="1e-12",
    share_layer=False,
    pre_layer_norm=False,
)
config = mockingjay.TransformerConfig(options)
tera = disturb(mockingjay.TransformerModel(config, 12))
head = disturb(mockingjay.TransformerSpecPredictionHead(config, 12))
features = torch.zeros(2, max(LENGTHS), 12)
attention = torch.zeros(2, max(LENGTHS))
for row, length in enumerate(LENGTHS):
    features[row, :length] = torch.randn(length, 12)
    attention[row, :length] = 1
angles = np.arange(max(LENGTHS))[:, None] / 10000 ** (2 * (np.arange(16) // 2) / 16)
angles[:, 0::2], angles[:, 1::2] = np.sin(angles[:, 0::2]), np.cos(angles[:, 1::2])
with torch.no_grad():
    states = tera(features, torch.tensor(angles).float().expand(2, -1, -1), attention)
put("tera.features", features)
for row, length in enumerate(LENGTHS):
    for layer, state in enumerate(states[1:]):
        put(f"tera.{row}.{layer}", state[row, :length])
torch.save(
    {
        "Transformer": tera.state_dict(),
        "SpecHead": head.state_dict(),
        "Optimizer": {"state": {0: {"step": 3, "exp_avg": torch.zeros(2)}}, "param_groups": [{}]},
        "Step": 3,
        "Args": argparse.Namespace(config=None, seed=1337, multi_gpu=False, name="tera"),
        "Config": {"optimizer": {"lr": 2e-4}},
        "Upstream_Config": {
            "transformer": options,
            "task": {"sequence_length": 1500},
            "audio": {
                "kaldi": {
                    "feat_type": "fbank",
                    "fbank": {"num_mel_bins": 4, "frame_length": 25.0, "frame_shift": 10.0,
                              "use_log_fbank": True},
                },
                "delta": {"order": 2, "win_length": 5},
                "cmvn": {"use_cmvn": True},
            },
        },
    },
    os.path.join(folder, "tera.ckpt"),
)

# APC.
paras = dict(hidden_size=12, num_layers=3, dropout=0.1, residual=True)
model = disturb(apc.APC(6, **paras))
features = torch.zeros(2, max(LENGTHS), 6)
for row, length in enumerate(LENGTHS):
    features[row, :length] = torch.randn(length, 6)
with torch.no_grad():
    _, last = model(features, torch.tensor(LENGTHS), testing=True)
put("apc.features", features)
for row, length in enumerate(LENGTHS):
    put(f"apc.{row}.2", last[row, :length])
torch.save(
    {
        "model": model.state_dict(),
        "optimizer": {},
        "global_step": 7,
        "config": {
            "data": {"audio": {"feat_type": "fbank", "feat_dim": 6, "frame_length": 25,
                               "frame_shift": 10, "decode_wav": False, "cmvn": True}},
            "model": {"paras": paras},
        },
    },
    os.path.join(folder, "apc.ckpt"),
)

# CPC_audio.
network = disturb(
    cpc.CPCModel(cpc.CPCEncoder(8, "layerNorm"), cpc.CPCAR(8, 8, False, 2, mode="LSTM"))
)
samples = 0.3 * torch.randn(1, 1, 160 * 14)
with torch.no_grad():
    encoded = network.gEncoder(samples).transpose(1, 2)
    context = network.gAR(encoded)
put("cpc.samples", samples[0, 0])
put("cpc.0.0", encoded[0]), put("cpc.0.1", context[0])
torch.save(
    {"config": {"hiddenEncoder": 8, "hiddenGar": 8, "normMode": "layerNorm", "arMode": "LSTM"},
     "weights": network.state_dict()},
    os.path.join(folder, "cpc.pt"),
    _use_new_zipfile_serialization=False,
)

# Resemblyzer's GE2E, on 4 bands.
class VoiceEncoder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = torch.nn.LSTM(4, 8, 3, batch_first=True)
        self.linear = torch.nn.Linear(8, 6)
        self.similarity_weight = torch.nn.Parameter(torch.tensor([10.0]))

    def forward(self, mels):
        _, (hidden, _) = self.lstm(mels)
        raw = torch.relu(self.linear(hidden[-1]))
        return raw / torch.norm(raw, dim=1, keepdim=True)


voice = disturb(VoiceEncoder())
for row, length in enumerate([300, 420, 45]):
    mels = torch.rand(length, 4)
    starts = list(range(0, max(1, length - 160 + 77 + 1), 77))
    if (length - 1 - starts[-1]) / 160 < 0.75 and len(starts) > 1:
        starts.pop()
    padded = torch.cat([mels, torch.zeros(400, 4)])
    with torch.no_grad():
        partials = voice(torch.stack([padded[s : s + 160] for s in starts]))
    put(f"ge2e.features.{row}", mels)
    put(f"ge2e.{row}.3", partials)
torch.save(
    {"step": 1, "model_state": voice.state_dict(), "optimizer_state": {}},
    os.path.join(folder, "ge2e.pt"),
    _use_new_zipfile_serialization=False,
)

versions = {
    "python": platform.python_version(),
    "s3prl": "0.4.18",
    "torch": torch.__version__,
    "numpy": np.__version__,
    "safetensors": safetensors.__version__,
}
print(versions)
save_file(tensors, os.path.join(folder, "states.safetensors"), metadata=versions)
