"""Makes the archives beside this file that our readers are tested with.

    pip install kaldi_native_io==1.23.0 kaldiio==2.18.1 numpy==2.4.6 && python make_archives.py

archive-NAME.ark and .scp are written by kaldi_native_io, archive-NAME.npz holds what
kaldi_native_io reads from them as 32-bit floats; archive-kaldiio.ark is written by kaldiio.
archive-deflated.npz and archive-stored.npz are written by numpy.
archive-versions.json says which packages made them.
"""
import json
import os
import sys
from importlib.metadata import version

import kaldi_native_io as kaldi
import kaldiio
import numpy as np

here = os.path.dirname(os.path.abspath(__file__))
os.chdir(here)
draws = np.random.RandomState(11)
scales = np.array([1e-3, 1, 30, 5, 0.2, 1000, 8])
features = {
    "speech": (draws.standard_normal((40, 7)) * scales + 3 * scales).astype(np.float32),
    "nine-rows": draws.standard_normal((9, 5)).astype(np.float32),
    "three-rows": (draws.standard_normal((3, 4)) * 100).astype(np.float32),
    "one-value": np.full((1, 1), -2.5, np.float32),
    "constant": np.full((6, 3), 4.25, np.float32),
    "whole-numbers": draws.randint(0, 256, (12, 6)).astype(np.float32),
}
features["zero-to-one"] = (features["whole-numbers"] / 255).astype(np.float32)


def make(name, writer, matrices, reader=kaldi.SequentialFloatMatrixReader, text=False):
    kind = "ark,t,scp" if text else "ark,scp"
    with writer(f"{kind}:archive-{name}.ark,archive-{name}.scp") as archive:
        for key, value in matrices:
            archive.write(key, *value)
    with reader(f"ark:archive-{name}.ark") as archive:
        np.savez(
            f"archive-{name}.npz",
            **{key: np.array(value, np.float32) for key, value in archive},
        )


method = kaldi.CompressionMethod
make(
    "compressed",
    kaldi.CompressedMatrixWriter,
    [(f"speech-{key}", (value, method.kSpeechFeature)) for key, value in features.items()]
    + [(f"two-{key}", (value, method.kTwoByteAuto)) for key, value in features.items()]
    + [(f"one-{key}", (value, method.kOneByteAuto)) for key, value in features.items()]
    + [(f"automatic-{key}", (value, method.kAutomaticMethod)) for key, value in features.items()]
    + [
        ("signed", (features["whole-numbers"] - 100, method.kTwoByteSignedInteger)),
        ("unsigned", (features["whole-numbers"], method.kOneByteUnsignedInteger)),
        ("share", (features["zero-to-one"], method.kOneByteZeroOne)),
    ],
)
plain = [(key, (value,)) for key, value in features.items()]
make("float", kaldi.FloatMatrixWriter, plain)
make("text", kaldi.FloatMatrixWriter, plain, text=True)
make(
    "double",
    kaldi.DoubleMatrixWriter,
    [(key, (value[0].astype(np.float64) / 3,)) for key, value in plain],
    kaldi.SequentialDoubleMatrixReader,
)
vectors = [(key, (value[0].reshape(-1)[:5],)) for key, value in plain]
make("float-vector", kaldi.FloatVectorWriter, vectors, kaldi.SequentialFloatVectorReader)
make(
    "text-vector", kaldi.FloatVectorWriter, vectors, kaldi.SequentialFloatVectorReader, text=True
)
make(
    "double-vector",
    kaldi.DoubleVectorWriter,
    [(key, (value[0].astype(np.float64) / 3,)) for key, value in vectors],
    kaldi.SequentialDoubleVectorReader,
)

kaldiio.save_ark("archive-kaldiio.ark", features, scp="archive-kaldiio.scp")
kaldiio.save_ark("archive-kaldiio.ark", {"packed": features["speech"]}, append=True,
                 scp="archive-kaldiio.scp", compression_method=2)
with kaldi.SequentialFloatMatrixReader("ark:archive-kaldiio.ark") as archive:
    np.savez("archive-kaldiio.npz", **{key: np.array(value) for key, value in archive})

np.savez("archive-stored.npz", **features)
np.savez_compressed("archive-deflated.npz", **features)

with open("archive-versions.json", "w") as file:
    json.dump({"python": sys.version.split()[0],
               **{name: version(name) for name in ("kaldi_native_io", "kaldiio", "numpy")}},
              file, indent=1)
    file.write("\n")
