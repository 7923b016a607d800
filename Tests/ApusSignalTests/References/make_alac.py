"""Makes alac-16.caf and alac-24.caf beside this file: a tone in Apple's lossless codec.

    pip install soundfile==0.14.0 numpy==2.4.6 && python make_alac.py

Each is 0.25 s of 440 Hz at 16 kHz in the left channel and 880 Hz in the right, at half of full scale,
rounded to the bits of the format.
"""
import os

import numpy as np
import soundfile

here = os.path.dirname(os.path.abspath(__file__))
t = np.arange(4000) / 16000
tones = np.stack([0.5 * np.sin(2 * np.pi * f * t) for f in (440, 880)], axis=1)
for bits in (16, 24):
    whole = np.rint(tones * 2 ** (bits - 1)).astype(np.int32) << (32 - bits)
    soundfile.write(
        os.path.join(here, f"alac-{bits}.caf"), whole, 16000, format="CAF", subtype=f"ALAC_{bits}"
    )
