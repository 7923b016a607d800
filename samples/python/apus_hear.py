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
        self.sample_rate = json.loads(self._run("info", path, "--json"))["frontEnd"]["sampleRate"]
        noise = 0.1 * torch.randn(1, 4 * self.sample_rate)
        self.scene_embedding_size = self.timestamp_embedding_size = self.frames(noise)[0].shape[2]

    def _run(self, *arguments):
        done = subprocess.run([self.command, *arguments], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(done.stderr.strip())
        return done.stdout

    def frames(self, audio):
        """(N, T, D) of sounds (N, samples), and the middles of the frames in ms, (N, T)."""
        with tempfile.TemporaryDirectory() as folder:
            for number, samples in enumerate(audio.detach().cpu().numpy().astype("<f4")):
                data, rate = samples.tobytes(), self.sample_rate
                with open(f"{folder}/{number}.wav", "wb") as file:  # 32-bit floats.
                    file.write(b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt ")
                    file.write(struct.pack("<IHHIIHH", 16, 3, 1, rate, 4 * rate, 4, 32))
                    file.write(b"data" + struct.pack("<I", len(data)) + data)
            layer = ["--layer", self.layer] if self.layer else []
            out = f"{folder}/out"  # A folder is written in HEAR's own layout.
            self._run("embed", self.path, folder, "--pooling", "frames", "-o", out, "--no-cache", *layer)
            names = [f"{out}/{number}.wav" for number in range(len(audio))]
            frames = [torch.from_numpy(np.load(f"{name}.embedding.npy")) for name in names]
            times = []
            for name in names:
                with open(f"{name}.timestamps.json") as file:
                    times.append(json.load(file))
        return torch.stack(frames), torch.tensor(times)

    def forward(self, audio):
        return get_scene_embeddings(audio, self)


def load_model(model_file_path="", layer=None):
    """A model.safetensors; `layer` by its name, else the last."""
    return Model(model_file_path, layer)


def get_timestamp_embeddings(audio, model):
    """(N, T, D) of sounds (N, samples), and the middles of the frames in ms, (N, T)."""
    return model.frames(audio)


def get_scene_embeddings(audio, model):
    """(N, D): the mean over each sound's frames."""
    return model.frames(audio)[0].mean(1)
