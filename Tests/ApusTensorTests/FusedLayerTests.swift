// swift-format-ignore-file: AlwaysUseLowerCamelCase

import ApusTensor
import Testing

/// The fused operations of a transformer layer against the operations that they are made of, with the
/// same draws; widths are no multiple of a vector's.
@Suite(.serialized) struct FusedLayerTests {
    private let seed = Seed(21)

    /// The output and the gradients of all inputs, for the same cotangent.
    private func outcome(
        _ inputs: [Tensor], threads: Int = 2, _ function: ([Tensor]) -> Tensor
    ) throws -> [[Float]] {
        try withThreads(threads) {
            for input in inputs {
                input.requiresGradient = true
                input.clearGradient()
            }
            let output = function(inputs)
            let cotangent = Tensor(uniform: -1...1, shape: output.shape, seed: Seed(77))
            (output.cast(to: .float32) * cotangent).sum().backward()
            return try [output.floats] + inputs.map { try #require($0.gradient).floats }
        }
    }

    /// Checks one function against another, and that its bits don't depend on the thread count.
    private func check(
        _ inputs: [Tensor], tolerance: Double, _ fused: ([Tensor]) -> Tensor,
        against plain: ([Tensor]) -> Tensor
    ) throws {
        let found = try outcome(inputs, fused)
        for (one, other) in zip(found, try outcome(inputs, plain)) {
            #expect(relativeError(one, other) < tolerance)
        }
        #expect(try outcome(inputs, threads: 1, fused) == found, "the same bits on one thread")
    }

    private func dropped(_ x: Tensor, _ probability: Double) -> Tensor {
        probability > 0 ? x.dropout(probability: probability, seed: seed) : x
    }

    private func geluInputs(_ width: Int) -> [Tensor] {
        [normal(3, 50, width, seed: 1), normal(width, seed: 2)]
    }

    @Test(arguments: [5, 37, 64], [0, 0.3])
    func geluDropout(width: Int, probability: Double) throws {
        try check(geluInputs(width), tolerance: 1e-5) {
            $0[0].geluDropout(bias: $0[1], probability: probability, seed: seed)
        } against: {
            dropped(($0[0] + $0[1]).gelu(), probability)
        }
    }

    private func normInputs(_ width: Int) -> [Tensor] {
        [
            normal(3, 50, width, seed: 1), normal(width, seed: 2), normal(3, 50, width, seed: 3),
            normal(width, seed: 4), normal(width, seed: 5),
        ]
    }

    private func residualNorm(_ inputs: [Tensor], _ probability: Double) -> Tensor {
        inputs[0].residualNorm(
            bias: inputs[1], residual: inputs[2], weight: inputs[3], offset: inputs[4],
            epsilon: 1e-5, probability: probability, seed: seed)
    }

    @Test(arguments: [5, 37, 64], [0, 0.3])
    func residualNorm(width: Int, probability: Double) throws {
        try check(normInputs(width), tolerance: 1e-4) {
            residualNorm($0, probability)
        } against: {
            ($0[2] + dropped($0[0] + $0[1], probability))
                .layerNorm(weight: $0[3], bias: $0[4], epsilon: 1e-5)
        }
    }

    private func attention(
        _ projected: Tensor, heads: Int, padding: Tensor?, bias: Tensor?, gates: Tensor? = nil,
        probability: Double
    ) -> Tensor {
        let (B, T, D) = (projected.shape[0], projected.shape[1], projected.shape[2] / 3)
        let parts = projected.reshaped(B, T, 3, heads, D / heads).permuted(2, 0, 3, 1, 4)
        func part(_ index: Int) -> Tensor {
            parts.sliced(index..<index + 1, dimension: 0).reshaped(B, heads, T, D / heads)
        }
        var scores =
            part(0).matmul(part(1).transposed(-2, -1)) * (1 / Double(D / heads).squareRoot())
        if let bias { scores = scores + (gates.map { $0.reshaped(B, heads, T, 1) * bias } ?? bias) }
        if let padding { scores = scores.filled(where: padding, with: -.infinity) }
        return dropped(scores.softmax(dimension: -1), probability).matmul(part(2))
            .transposed(1, 2).reshaped(B, T, D)
    }

    private func padding(B: Int, T: Int) -> Tensor {
        let values = (0..<B * T).map { $0 % T < T - $0 / T ? Float(0) : 1 }
        return Tensor(values, shape: [B, 1, 1, T]).equals(Tensor(ones: [1]))
    }

    /// Frames, heads and a head's width; the last has rows of scores in several blocks.
    @Test(arguments: [(7, 2, 3), (45, 3, 8), (300, 2, 5)], [0, 0.3])
    func attention(sizes: (T: Int, heads: Int, d: Int), probability: Double) throws {
        let (T, heads) = (sizes.T, sizes.heads)
        try check([normal(3, T, 3 * heads * sizes.d, seed: 1)], tolerance: 1e-5) {
            $0[0].attention(
                headCount: heads, padding: nil, bias: nil, probability: probability, seed: seed)
        } against: {
            attention($0[0], heads: heads, padding: nil, bias: nil, probability: probability)
        }
        let inputs = [
            normal(3, T, 3 * heads * sizes.d, seed: 1), normal(heads, T, T, seed: 2),
        ]
        let padding = padding(B: 3, T: T)
        try check(inputs, tolerance: 1e-5) {
            $0[0].attention(
                headCount: heads, padding: padding, bias: $0[1], probability: probability,
                seed: seed)
        } against: {
            attention(
                $0[0], heads: heads, padding: padding, bias: $0[1], probability: probability)
        }
        try check(inputs + [normal(3, heads, T, seed: 3)], tolerance: 1e-5) {
            $0[0].attention(
                headCount: heads, padding: padding, bias: $0[1], gates: $0[2],
                probability: probability, seed: seed)
        } against: {
            attention(
                $0[0], heads: heads, padding: padding, bias: $0[1], gates: $0[2],
                probability: probability)
        }
    }

    @Test func paddedFramesHaveNoWeightAtAll() {
        let (B, T) = (2, 9)
        let projected = normal(B, T, 12, seed: 1)
        var changed = projected.floats
        // The last frame of the second recording.
        for i in (B * T - 1) * 12..<B * T * 12 { changed[i] = 1e30 }
        func first(_ frames: Tensor) -> [Float] {
            let output = frames.attention(
                headCount: 2, padding: padding(B: B, T: T), bias: nil, probability: 0, seed: seed)
            return Array(output.floats[..<((B * T - 1) * 4)])
        }
        #expect(first(Tensor(changed, shape: projected.shape)) == first(projected))
    }

    @Test func theShareIsDropped() {
        let ones = Tensor(ones: [100, 100])
        let zeros = ones.geluDropout(bias: nil, probability: 0.25, seed: seed).floats
            .filter { $0 == 0 }
        let deviation = (10_000.0 * 0.25 * 0.75).squareRoot()
        let distance = Double(zeros.count) - 2500
        #expect(abs(distance) < 5 * deviation)
    }

    @Test(arguments: [0, 0.3]) func finiteDifferences(probability: Double) {
        let errors = [
            differenceErrors([normal(4, 5, seed: 1), normal(5, seed: 2)]) {
                $0[0].geluDropout(bias: $0[1], probability: probability, seed: seed)
            },
            differenceErrors([
                normal(4, 5, seed: 1), normal(5, seed: 2), normal(4, 5, seed: 3),
                normal(5, seed: 4), normal(5, seed: 5),
            ]) { residualNorm($0, probability) },
            differenceErrors([normal(2, 5, 12, seed: 1), normal(2, 5, 5, seed: 2)]) {
                $0[0].attention(
                    headCount: 2, padding: nil, bias: $0[1], probability: probability, seed: seed)
            },
            differenceErrors([
                normal(2, 5, 12, seed: 1), normal(2, 5, 5, seed: 2), normal(2, 2, 5, seed: 3),
            ]) {
                $0[0].attention(
                    headCount: 2, padding: nil, bias: $0[1], gates: $0[2],
                    probability: probability, seed: seed)
            },
        ].flatMap { $0 }
        #expect(errors.allSatisfy { $0 < 1e-2 }, "\(errors)")
    }

    /// Against 32 bits on inputs that bfloat16 holds exactly.
    @Test(arguments: [0, 0.3]) func bfloat16(probability: Double) throws {
        func halved(_ tensor: Tensor) -> Tensor {
            Tensor(tensor.cast(to: .bfloat16).floats, shape: tensor.shape)
        }
        func check(_ inputs: [Tensor], _ function: ([Tensor]) -> Tensor) throws {
            let exact = try outcome(inputs, function)
            let half = try outcome(inputs) {
                function([$0[0].cast(to: .bfloat16)] + $0.dropFirst())
            }
            for (one, other) in zip(half, exact) { #expect(relativeError(one, other) < 2e-2) }
        }
        try check([halved(normal(70, 37, seed: 1)), normal(37, seed: 2)]) {
            $0[0].geluDropout(bias: $0[1], probability: probability, seed: seed)
        }
        try check([halved(normal(3, 50, 37, seed: 1))] + normInputs(37).dropFirst()) {
            residualNorm($0, probability)
        }
        try check([halved(normal(3, 45, 24, seed: 1)), normal(2, 45, 45, seed: 2)]) {
            $0[0].attention(
                headCount: 2, padding: padding(B: 3, T: 45), bias: $0[1],
                probability: probability, seed: seed)
        }
    }
}
