"""Writes cpc.safetensors: losses and gradients of CPC's variants, by PyTorch in 64 bits.

`audio` is CPC_audio's setting: strided convolutions over samples with channel normalisation, an LSTM,
a causal transformer layer for each step, negatives for each context from any window, scores that are
means, positives among the negatives; its criterion is written with gathered tensors, as a batch of
windows of one length allows. The others have recordings of several lengths: each goes through its
networks alone, and scores are taken one frame, one step and one negative at a time. Attention is
written one query and one head at a time.

Weights and inputs are rounded to 32 bits; everything computed from them is computed in 64 bits and
rounded once. Integers are stored as floats.

    python make_cpc.py             # needs torch, numpy and safetensors; prints their versions
"""

import os
import platform

import numpy as np
import safetensors
import torch
from safetensors.torch import save_file
from torch import nn

torch.manual_seed(41)
torch.set_default_dtype(torch.float64)
generator = np.random.default_rng(41)
tensors = {}

B, D, K, N = 3, 12, 3, 5
HEADS, HIDDEN = 2, 10


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


class ChannelNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight, self.bias = (nn.Parameter(torch.zeros(width)) for _ in range(2))

    def forward(self, x):
        variance = x.var(-1, keepdim=True, unbiased=True)
        return self.weight * (x - x.mean(-1, keepdim=True)) / torch.sqrt(variance + 1e-5) + self.bias


class SelfAttention(nn.Module):
    def __init__(self, width, positions):
        super().__init__()
        self.in_proj_weight = nn.Parameter(torch.zeros(3 * width, width))
        self.relative_positions = nn.Parameter(torch.zeros(positions, width // HEADS))
        self.out_proj = nn.Linear(width, width, bias=False)

    def forward(self, x):
        """(T, D)."""
        d = x.shape[1] // HEADS
        query, key, value = (x @ self.in_proj_weight.T).chunk(3, dim=1)
        rows = []
        for i in range(len(x)):
            heads = []
            for h in range(HEADS):
                columns = slice(h * d, (h + 1) * d)
                lags = torch.tensor([min(i - j, len(self.relative_positions) - 1) for j in range(i + 1)])
                keys = key[: i + 1, columns] + self.relative_positions[lags]
                weights = torch.softmax(keys @ query[i, columns] / d**0.5, dim=0)
                heads.append(weights @ value[: i + 1, columns])
            rows.append(torch.cat(heads))
        return self.out_proj(torch.stack(rows))


class CausalLayer(nn.Module):
    def __init__(self, width, positions):
        super().__init__()
        self.self_attn = SelfAttention(width, positions)
        self.linear1, self.linear2 = nn.Linear(width, HIDDEN), nn.Linear(HIDDEN, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x):
        y = self.norm1(x + self.self_attn(x))
        return self.norm2(y + self.linear2(torch.relu(self.linear1(y))))


class CausalTransformer(nn.Module):
    def __init__(self, inputs, width, positions, count):
        super().__init__()
        self.projection = nn.Linear(inputs, width)
        self.layers = nn.ModuleList(CausalLayer(width, positions) for _ in range(count))

    def forward(self, x):
        x = self.projection(x)
        for layer in self.layers:
            x = layer(x)
        return x


class Recurrent(nn.LSTM):
    def forward(self, x):
        """(T, D)."""
        return super().forward(x[None])[0][0]


class Networks(nn.Module):
    """Convolutions and one or two contexts."""

    def __init__(self, inputs, shapes, norm, contexts):
        super().__init__()
        widths = [inputs] + [D] * (len(shapes) - 1)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(width, D, kernel, stride=stride, padding=padding)
            for width, (kernel, stride, padding) in zip(widths, shapes)
        )
        self.norms = nn.ModuleList(norm(D) for _ in shapes)
        for name, context in contexts.items():
            setattr(self, name, context)

    def convolve(self, x):
        """One recording, (T, M): z (S, D)."""
        for convolution, norm in zip(self.convolutions, self.norms):
            x = torch.relu(norm(convolution(x.T[None])[0].T))
        return x


class Model(nn.Module):
    def __init__(self, encoder, predictors):
        super().__init__()
        self.encoder = encoder
        for name, predictor in predictors.items():
            setattr(self, name, predictor)


# CPC_audio's setting.

T = S = 9
W = S - K
encoder = Networks(
    1, [(10, 5, 3), (8, 4, 2), (4, 2, 1), (4, 2, 1), (4, 2, 1)], ChannelNorm,
    {"context": Recurrent(D, D, batch_first=True)},
)
predictors = nn.ModuleList(CausalLayer(D, W) for _ in range(K))
model = Model(encoder, {"predictors": predictors})
fill(model)
put_weights("audio", model)
samples = random(B, T * 160)
z = torch.stack([encoder.convolve(x[:, None]) for x in samples])
assert z.shape == (B, S, D)
c = torch.stack([encoder.context(x) for x in z])
window = torch.from_numpy(generator.integers(0, B, size=(B, W, N)))
shift = torch.from_numpy(generator.integers(1, S, size=(B, W, N)))
frame = (shift + torch.arange(W)[None, :, None]) % S
numbers = window * S + frame
negatives = z.reshape(B * S, D)[numbers]  # (B, W, N, D)
total, hits = torch.zeros(()), []
for k in range(1, K + 1):
    predicted = torch.stack([predictors[k - 1](x[:W]) for x in c])  # (B, W, D)
    candidates = torch.cat([z[:, k : k + W, None], negatives], dim=2)  # (B, W, 1 + N, D)
    scores = (predicted[:, :, None] * candidates).mean(dim=3)
    labels = torch.zeros(B * W, dtype=torch.long)
    total = total + nn.functional.cross_entropy(scores.reshape(B * W, 1 + N), labels)
    hits.append((scores[..., :1] >= scores).all(-1).double().mean())
# The sum over the steps there, their mean here.
loss = total / K
loss.backward()
own = window == torch.arange(B)[:, None, None]
lag = frame - torch.arange(W)[None, :, None]
put("audio.features", samples.reshape(B, T, 160))
put("audio.lengths", [T] * B)
put("audio.negatives", numbers)
put("audio.loss", loss)
put("audio.accuracies", torch.stack(hits))
put("audio.positiveShare", (own & (lag >= 1) & (lag <= K)).sum() / (B * W * N * K))
put_gradients("audio", model)

# Recordings of several lengths.

M, LENGTHS = 8, [20, 13, 6]
STRIDES = [1, 2, 1]


def drawn(source, lengths, b, t):
    """N negatives of one context as (recording, frame)."""
    found = []
    for n in range(N):
        if source == "mixed":
            others = [r for r in range(B) if r != b]
            # Half of 5, rounded up, from the same recording.
            choices = [b] if n < 3 else others
        else:
            choices = list(range(B))
        r = choices[generator.integers(len(choices))]
        found.append((r, (t + generator.integers(1, lengths[r])) % lengths[r]))
    return found


def contrast(name, states, predict, source, score, excludes):
    """The loss of one direction; `states` are (z, c) of each recording."""
    lengths = [len(z) for z, _ in states]
    padded = max(lengths)
    losses, numbers, hits, positives, cells = [], [], [[] for _ in range(K)], 0, 0
    for b, (z, c) in enumerate(states):
        for t in range(padded - K):
            if t >= len(z) - K:
                numbers += [b * padded] * N
                continue
            negatives = drawn(source, lengths, b, t)
            numbers += [r * padded + u for r, u in negatives]
            for k in range(1, K + 1):
                p = predict(k, c[t])
                is_positive = [(r, u) == (b, t + k) for r, u in negatives]
                positives, cells = positives + sum(is_positive), cells + N
                others = [
                    states[r][0][u]
                    for (r, u), same in zip(negatives, is_positive)
                    if not (excludes and same)
                ]
                scores = torch.stack([score(p, x) for x in [z[t + k]] + others])
                losses.append(torch.logsumexp(scores, 0) - scores[0])
                hits[k - 1].append(bool((scores[0] >= scores).all()))
    assert positives > 3, "the reference has to cover negatives that are the positive"
    put(f"{name}.negatives", numbers)
    return torch.stack(losses).mean(), [np.mean(h) for h in hits], positives / cells


def linear(matrix):
    return lambda k, c: matrix.weight[(k - 1) * D : k * D] @ c


def record(name, model, directions, source, score, excludes):
    """One model with one or two directions: (context, predictors, is backward)."""
    fill(model)
    put_weights(name, model)
    recordings = [random(length, M) for length in LENGTHS]
    put(f"{name}.features", nn.utils.rnn.pad_sequence(recordings, batch_first=True))
    put(f"{name}.lengths", LENGTHS)
    outcomes = []
    for context, predictors, is_backward in directions:
        encoded = [model.encoder.convolve(x) for x in recordings]
        encoded = [z.flip(0) if is_backward else z for z in encoded]
        case = f"{name}.backward" if is_backward else name
        states = [(z, context(z)) for z in encoded]
        outcomes.append(contrast(case, states, linear(predictors), source, score, excludes))
    loss = sum(o[0] for o in outcomes) / len(outcomes)
    loss.backward()
    put(f"{name}.loss", loss)
    put(f"{name}.accuracies", np.mean([o[1] for o in outcomes], axis=0))
    put(f"{name}.positiveShare", np.mean([o[2] for o in outcomes]))
    put_gradients(name, model)


C = 14
shapes = [(3, stride, 1) for stride in STRIDES]

encoder = Networks(M, shapes, nn.LayerNorm, {"context": Recurrent(D, C, num_layers=2, batch_first=True)})
model = Model(encoder, {"predictors": nn.Linear(C, K * D, bias=False)})
record(
    "lstm", model, [(encoder.context, model.predictors, False)], "batch",
    lambda p, x: p @ x / D**0.5, excludes=True,
)

encoder = Networks(
    M, shapes, nn.LayerNorm,
    {name: CausalTransformer(D, C, 3, 2) for name in ["context", "backwardContext"]},
)
model = Model(
    encoder,
    {name: nn.Linear(C, K * D, bias=False) for name in ["predictors", "backwardPredictors"]},
)
record(
    "bidirectional", model,
    [
        (encoder.context, model.predictors, False),
        (encoder.backwardContext, model.backwardPredictors, True),
    ],
    "mixed", lambda p, x: nn.functional.cosine_similarity(p, x, dim=0) / 0.2, excludes=False,
)

versions = {
    "python": platform.python_version(),
    "torch": torch.__version__,
    "numpy": np.__version__,
    "safetensors": safetensors.__version__,
}
print(versions)
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cpc.safetensors")
save_file(tensors, path, metadata=versions)
