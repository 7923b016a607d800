// swift-format-ignore-file: AlwaysUseLowerCamelCase

import ApusTensor
import Testing

/// The ends of a contrastive loss against the operations that they are made of; sizes are no multiple
/// of a vector's.
@Suite(.serialized) struct ContrastiveScoreTests {
    private let B = 3
    private let W = 9
    private let K = 4
    private let D = 37
    private let N = 21

    private func inputs() -> [Tensor] {
        [normal(B, W, K, D, seed: 1), normal(B, W + K, D, seed: 2), normal(B, N, D, seed: 3)]
    }

    private func plain(_ queries: Tensor, _ frames: Tensor, _ candidates: Tensor) -> Tensor {
        let positives = (0..<K).map { k in
            let step = queries.sliced(k..<k + 1, dimension: 2).reshaped(B, W, D)
            return (step * frames.sliced(k + 1..<k + 1 + W, dimension: 1))
                .sum(dimension: 2, keepsDimension: true)
        }
        let others = queries.reshaped(B, W * K, D).matmul(candidates.transposed(1, 2))
        return .concatenated(
            [
                Tensor.concatenated(positives, dimension: 2).reshaped(B, W, K, 1),
                others.reshaped(B, W, K, N),
            ], dimension: 3)
    }

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
            (output * cotangent).sum().backward()
            return try [output.floats] + inputs.map { try #require($0.gradient).floats }
        }
    }

    @Test func scoresAreProducts() throws {
        let found = try outcome(inputs()) {
            $0[0].contrastiveScores(with: $0[1], candidates: $0[2])
        }
        let expected = try outcome(inputs()) { plain($0[0], $0[1], $0[2]) }
        for (one, other) in zip(found, expected) { #expect(relativeError(one, other) < 1e-5) }
        let single = try outcome(inputs(), threads: 1) {
            $0[0].contrastiveScores(with: $0[1], candidates: $0[2])
        }
        #expect(single == found, "the same bits on one thread")
    }

    @Test func scoresInBFloat16AreClose() throws {
        let found = try outcome(inputs()) {
            $0[0].cast(to: .bfloat16).contrastiveScores(with: $0[1], candidates: $0[2])
        }
        let expected = try outcome(inputs()) { plain($0[0], $0[1], $0[2]) }
        for (one, other) in zip(found, expected) { #expect(relativeError(one, other) < 2e-2) }
    }

    @Test func lossIsMinusTheLogOfTheFirstShare() throws {
        let scores = [normal(70, 37, seed: 4) * 3]
        let found = try outcome([scores[0].detached()]) { $0[0].firstClassLoss() }
        let expected = try outcome([scores[0].detached()]) {
            ($0[0].logSoftmax(dimension: 1).sliced(0..<1, dimension: 1) * -1).reshaped(70)
        }
        for (one, other) in zip(found, expected) { #expect(relativeError(one, other) < 1e-5) }
        let single = try outcome([scores[0].detached()], threads: 1) { $0[0].firstClassLoss() }
        #expect(single == found, "the same bits on one thread")
    }

    @Test func classesLeftOutHaveNoPart() throws {
        let scores = Tensor([1, -.infinity, 2, 1, 0, 2], shape: [2, 3])
        scores.requiresGradient = true
        let losses = scores.firstClassLoss()
        losses.sum().backward()
        #expect(abs(losses.floats[0] - 1.3132617) < 1e-5, "log(1 + e)")
        #expect(try #require(scores.gradient).floats[1] == 0)
    }

    @Test func finiteDifferences() {
        let errors = [
            differenceErrors([
                normal(2, 3, 2, 5, seed: 1), normal(2, 5, 5, seed: 2), normal(2, 4, 5, seed: 3),
            ]) { $0[0].contrastiveScores(with: $0[1], candidates: $0[2]) },
            differenceErrors([normal(6, 5, seed: 4)]) { $0[0].firstClassLoss() },
        ].flatMap { $0 }
        #expect(errors.allSatisfy { $0 < 1e-2 }, "\(errors)")
    }
}
