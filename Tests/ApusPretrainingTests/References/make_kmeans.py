"""Writes kmeans.safetensors: frames of a mixture, and scikit-learn's inertia on them.

    python make_kmeans.py      # needs scikit-learn, numpy and safetensors; prints their versions
"""

import os
import platform

import numpy as np
import safetensors
import sklearn
from safetensors.numpy import save_file
from sklearn.cluster import KMeans, MiniBatchKMeans

generator = np.random.default_rng(61)
COUNT, WIDTH, CLUSTERS = 4000, 6, 24

# Overlapping groups of unequal sizes and spreads, as frames of speech have them.
centers = generator.normal(scale=2.0, size=(30, WIDTH))
sizes = generator.dirichlet(np.ones(30))
spreads = generator.uniform(0.3, 1.2, size=(30, WIDTH))
groups = generator.choice(30, size=COUNT, p=sizes)
frames = centers[groups] + spreads[groups] * generator.normal(size=(COUNT, WIDTH))
frames = frames.astype(np.float32)

batches = [
    MiniBatchKMeans(CLUSTERS, batch_size=256, n_init=1, random_state=seed).fit(frames)
    for seed in range(5)
]
full = KMeans(CLUSTERS, n_init=10, random_state=0).fit(frames)
tensors = {
    "frames": frames,
    "batchInertia": np.array([np.mean([b.inertia_ for b in batches])], dtype=np.float32),
    "fullInertia": np.array([full.inertia_], dtype=np.float32),
    "centroids": full.cluster_centers_.astype(np.float32),
    "labels": full.predict(frames).astype(np.float32),
}
versions = {
    "python": platform.python_version(),
    "scikit-learn": sklearn.__version__,
    "numpy": np.__version__,
    "safetensors": safetensors.__version__,
}
print(versions, [float(b.inertia_) for b in batches], full.inertia_)
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kmeans.safetensors")
save_file(tensors, path, metadata=versions)
