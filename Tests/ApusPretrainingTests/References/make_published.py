"""Writes models of transformers with random weights, and their hidden states of two recordings.

    pip install torch==2.13.0 transformers==5.24.0 numpy safetensors
    python make_published.py                        # small ones, into published/
    python make_published.py FOLDER base large      # published sizes, for APUS_PUBLISHED=FOLDER

A recording's states are what it gives alone. Where the convolutions normalise over channels, the
script also sees to it that the same comes out of a padded batch with its attention mask; with group
normalisation or data2vec's positions transformers gives something else there, and prints how far.
"""

import os
import platform
import sys

import numpy as np
import safetensors
import torch
import transformers
from safetensors.torch import save_file
from transformers import (
    Data2VecAudioConfig,
    Data2VecAudioModel,
    HubertConfig,
    HubertForCTC,
    HubertModel,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2Model,
    WavLMConfig,
    WavLMModel,
)

here = os.path.dirname(os.path.abspath(__file__))
folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "published")
sizes = sys.argv[2:] or ["small"]
os.makedirs(folder, exist_ok=True)
torch.manual_seed(29)
generator = np.random.default_rng(29)

SMALL = dict(
    hidden_size=16,
    num_hidden_layers=2,
    num_attention_heads=2,
    intermediate_size=24,
    conv_dim=(8, 8, 8),
    conv_kernel=(10, 3, 2),
    conv_stride=(5, 2, 2),
    num_conv_pos_embedding_groups=4,
    vocab_size=4,
)
LARGE = dict(
    hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096
)
STABLE = dict(feat_extract_norm="layer", conv_bias=True, do_stable_layer_norm=True)
POSITIONS = dict(num_conv_pos_embeddings=8)
RELATIVE = dict(num_buckets=16, max_bucket_distance=40)
DATA2VEC = dict(num_conv_pos_embeddings=3, conv_pos_kernel_size=5, num_codevectors_per_group=4)


def models(size):
    """Name, model and whether samples are normalised."""
    small = size == "small"
    own = dict(SMALL) if small else dict(LARGE) if size == "large" else {}
    position = POSITIONS if small else {}
    relative = RELATIVE if small else {}
    data2vec = DATA2VEC if small else {}
    for stable in [False, True] if small else [size == "large"]:
        variant = STABLE if stable else {}
        kind = "large" if stable else "base"
        prefix = "" if small else size + "-"
        kind = prefix + (kind if small else "")
        yield f"wav2vec2-{kind}".rstrip("-"), Wav2Vec2Model(
            Wav2Vec2Config(**own, **position, **variant)
        ), True
        yield f"hubert-{kind}".rstrip("-"), (HubertForCTC if stable else HubertModel)(
            HubertConfig(**own, **position, **variant, feat_proj_layer_norm=stable or not small)
        ), stable
        yield f"wavlm-{kind}".rstrip("-"), WavLMModel(
            WavLMConfig(**own, **position, **variant, **relative)
        ), stable
    yield f"data2vec-{'base' if small else size}", Data2VecAudioModel(
        Data2VecAudioConfig(**own, **data2vec)
    ), True


def disturb(model):
    """Norms and biases that aren't one and zero."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.05 * torch.randn_like(parameter)


def hidden(model, values, mask=None):
    encoder = getattr(model, model.base_model_prefix, model)
    with torch.no_grad():
        outputs = encoder(values, attention_mask=mask, output_hidden_states=True)
    # Since transformers 5 the last of these lacks the final norm of pre-norm models.
    return [*outputs.hidden_states[:-1], outputs.last_hidden_state]


tensors = {}
lengths = [1500, 911] if sizes == ["small"] else [48000, 20123]
recordings = []
for row, length in enumerate(lengths):
    walk = np.cumsum(generator.normal(size=length)) * 0.01
    samples = (0.2 * np.sin(walk * 3) + 0.05 * generator.normal(size=length) + 0.03).astype("f4")
    recordings.append(samples)
    tensors[f"samples.{row}"] = torch.from_numpy(samples)

for size in sizes:
    for name, model, normalizes in models(size):
        model.eval()
        disturb(model)
        place = os.path.join(folder, name)
        extractor = Wav2Vec2FeatureExtractor(do_normalize=normalizes, return_attention_mask=True)
        extractor.save_pretrained(place)
        model.save_pretrained(place)
        if name == "wav2vec2-base":  # The format of older models.
            torch.save(model.state_dict(), os.path.join(place, "pytorch_model.bin"))
            os.remove(os.path.join(place, "model.safetensors"))
        alone = []
        for row, samples in enumerate(recordings):
            values = extractor(samples, sampling_rate=16000, return_tensors="pt").input_values
            alone.append(hidden(model, values))
            for layer, state in enumerate(alone[-1]):
                tensors[f"{name}.{row}.{layer}"] = state[0].contiguous().clone()
        batch = extractor(recordings, sampling_rate=16000, padding=True, return_tensors="pt")
        together = hidden(model, batch.input_values, batch.attention_mask)
        far = max(
            (together[layer][row, : state.shape[1]] - state[0]).abs().max().item()
            for row in range(2)
            for layer, state in enumerate(alone[row])
        )
        print(f"{name}: {sum(p.numel() for p in model.parameters())} parameters, "
              f"padded with a mask differs from alone by {far:.1e}")
        if getattr(model.config, "feat_extract_norm", "") == "layer":
            assert far < 1e-4, "transformers' own batch differs"

versions = {
    "python": platform.python_version(),
    "torch": torch.__version__,
    "transformers": transformers.__version__,
    "numpy": np.__version__,
    "safetensors": safetensors.__version__,
}
print(versions)
save_file(tensors, os.path.join(folder, "states.safetensors"), metadata=versions)
