// swift-format-ignore-file: AlwaysUseLowerCamelCase

import ApusTensor
import Testing

/// Against the same products of frames that are gathered first.
@Suite struct GatheredProductTests {
    private let R = 37
    private let K = 3
    private let N = 11
    private let D = 20
    private let F = 50

    private func outcome(
        threads: Int, _ products: (Tensor, Tensor, Tensor) -> Tensor
    ) throws -> [[Float]] {
        try withThreads(threads) {
            let (queries, frames) = (normal(R, K, D, seed: 1), normal(F, D, seed: 2))
            queries.requiresGradient = true
            frames.requiresGradient = true
            let indices = Tensor(
                integers: (0..<R * N).map { ($0 * $0 + 7 * $0) % F }, shape: [R, N])
            let output = products(queries, frames, indices)
            (output * normal(R, K, N, seed: 3)).sum().backward()
            return [
                output.floats, try #require(queries.gradient).floats,
                try #require(frames.gradient).floats,
            ]
        }
    }

    @Test(arguments: [1, 2, 3])
    func equalThoseOfGatheredFrames(threads: Int) throws {
        let found = try outcome(threads: threads) { $0.innerProducts(with: $1, at: $2) }
        let expected = try outcome(threads: threads) { queries, frames, indices in
            let gathered = frames.selected(indices.reshaped(R * N), dimension: 0)
                .reshaped(R, N, D)
            return queries.matmul(gathered.transposed(1, 2))
        }
        for (one, other) in zip(found, expected) { #expect(relativeError(one, other) < 1e-5) }
        #expect(
            try outcome(threads: threads) { $0.innerProducts(with: $1, at: $2) } == found,
            "the same bits again")
    }
}
