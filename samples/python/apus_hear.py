"""Any model of Apus with HEAR's interface (https://hearbenchmark.com, Turian et al. 2022).

    PYTHONPATH=samples/python python -c "
    import torch, apus_hear
    model = apus_hear.load_model('model.safetensors')
    audio = torch.rand(2, 2 * model.sample_rate) * 2 - 1
    print(apus_hear.get_scene_embeddings(audio, model).shape)"

It runs the command `apus`, from the environment variable APUS or the search path; nothing is differentiated.
"""

import json
import os
import shutil
import struct
import subprocess
import tempfile

import numpy as np
import torch


class Model(torch.nn.Module):
    """What HEAR asks of a model: its rate and the sizes of its embeddings."""

    def __init__(self, path, layer=None):
        super().__init__()
        self.path, self.layer = path, layer
        self.command = os.environ.get("APUS") or shutil.which("apus")
        if not self.command:
            raise FileNotFoundError("the command apus: put it on the search path, or name it in APUS")
        card = json.loads(self._run("info", path, "--json"))
        self.sample_rate = card["frontEnd"]["sampleRate"]
        second = torch.zeros(1, 4 * self.sample_rate)
        second[0, ::100] = 0.1
        frames = self.frames(second)[0]
        self.scene_embedding_size = self.timestamp_embedding_size = frames.shape[1]

    def _run(self, *arguments):
        done = subprocess.run([self.command, *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return done.stdout

    def frames(self, audio):
        """(T, D) of each sound of (N, samples)."""
        found = []
        with tempfile.TemporaryDirectory() as folder:
            for number, samples in enumerate(audio.detach().cpu().numpy().astype("<f4")):
                sound, out = f"{folder}/{number}.wav", f"{folder}/{number}.npy"
                data, rate = samples.tobytes(), self.sample_rate
                with open(sound, "wb") as file:  # A WAV file of 32-bit floats.
                    file.write(b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt ")
                    file.write(struct.pack("<IHHIIHH", 16, 3, 1, rate, 4 * rate, 4, 32))
                    file.write(b"data" + struct.pack("<I", len(data)) + data)
                layer = ["--layer", self.layer] if self.layer else []
                self._run("embed", self.path, sound, "--pooling", "frames", "-o", out, *layer)
                found.append(torch.from_numpy(np.load(out)))
        return found

    def forward(self, audio):
        return get_scene_embeddings(audio, self)


def load_model(model_file_path="", layer=None):
    """A model.safetensors; `layer` by its name, else the last."""
    return Model(model_file_path, layer)


def get_timestamp_embeddings(audio, model):
    """(N, T, D) of sounds (N, samples), and the middles of the frames in ms, (N, T)."""
    embeddings = torch.stack(model.frames(audio))
    shift = 1000 * audio.shape[1] / model.sample_rate / embeddings.shape[1]
    middles = (torch.arange(embeddings.shape[1]) + 0.5) * shift
    return embeddings, middles.expand(len(embeddings), -1)


def get_scene_embeddings(audio, model):
    """(N, D): the mean over each sound's frames."""
    return torch.stack([frames.mean(0) for frames in model.frames(audio)])
