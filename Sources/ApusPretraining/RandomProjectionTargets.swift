// swift-format-ignore-file: AlwaysUseLowerCamelCase

import ApusNN
import ApusTensor

/// BEST-RQ's targets: frames projected at random, and the nearest of random codes.
///
/// Chiu et al. 2022, section 3.1: v = argmin_v ‖ norm(e_v) - norm(P x) ‖ with P drawn from Xavier's
/// uniform distribution and e_v from N(0, 1), neither ever trained. x is a stack of feature frames.
/// Both vectors have length 1, so that the nearest code is that of the largest product.
public final class RandomProjectionTargets: PredictionTargets {
    /// How frames become codes.
    public struct Configuration: Codable, Hashable, Sendable {
        /// Feature frames stacked for a target, around those that the encoder frame stands for.
        public var stackedFrames = 4
        /// C, the number of codebooks, each with a projection of its own.
        public var codebookCount = 1
        /// V, the codes of a codebook.
        public var codeCount = 8192
        /// The width of a code.
        public var codeWidth = 16

        /// The codebook of the paper.
        public init() {}

        /// The number of codes of all codebooks, which may be absurd.
        var codeCountInAll: Double { Double(codebookCount) * Double(codeCount) }

        func problem(stride: Int) -> String? {
            if stackedFrames < stride || stackedFrames > 64 {
                return "stackedFrames is \(stackedFrames), expected at least encoder.subsampling, "
                    + "\(stride), and at most 64"
            }
            if !(1...16).contains(codebookCount) {
                return "codebookCount is \(codebookCount), expected 1 to 16"
            }
            if codeCount < 2 { return "codeCount is \(codeCount), expected at least 2" }
            if !(1...1024).contains(codeWidth) {
                return "codeWidth is \(codeWidth), expected 1 to 1024"
            }
            return nil
        }
    }

    private let configuration: Configuration
    private let stride: Int
    /// (C, stack · M, W).
    private let projection: Tensor
    /// (C, V, W), rows of length 1.
    private let codebook: Tensor

    var codebookCount: Int { configuration.codebookCount }
    var codeCount: Int { configuration.codeCount }

    init(_ configuration: Configuration, melBandCount: Int, stride: Int, seed: Seed) {
        self.configuration = configuration
        self.stride = stride
        let (C, V, W) = (
            configuration.codebookCount, configuration.codeCount, configuration.codeWidth
        )
        let width = configuration.stackedFrames * melBandCount
        let bound = (6 / Double(width + W)).squareRoot()
        projection = Tensor(
            uniform: -bound...bound, shape: [C, width, W], seed: seed.derived("projection"))
        let drawn = Tensor(
            normal: 0, standardDeviation: 1, shape: [C, V, W], seed: seed.derived("codebook"))
        codebook = drawn / (drawn * drawn).sum(dimension: 2, keepsDimension: true).squareRoot()
    }

    var namedBuffers: [(name: String, tensor: Tensor)] {
        [("projection", projection), ("codebook", codebook)]
    }

    /// The codes of each encoder frame: (B · S, C) integers.
    ///
    /// The stack of encoder frame s is centred on the feature frames s r ..< (s + 1) r; beyond a
    /// recording's ends there are zeros.
    func codes(of features: Tensor, lengths: [Int], frameCount S: Int) -> Tensor {
        let (B, T, M) = (features.shape[0], features.shape[1], features.shape[2])
        let stack = configuration.stackedFrames
        let front = (stack - stride) / 2
        let back = (S - 1) * stride + stack - front - T
        let framed = Tensor.concatenated(
            [Tensor(zeros: [B, front, M]), features, Tensor(zeros: [B, back, M])], dimension: 1)
        let stacks = framed.windows(dimension: 1, size: stack, step: stride)  // (B, S, M, stack)
            .permuted(0, 1, 3, 2).reshaped(1, B * S, stack * M).cast(to: .float32)
        // In 32 bits whatever the training's precision: the targets are what they are.
        return withPrecision(.float32) {
            // One codebook after the other: the products of all of them take much memory.
            let codes = (0..<codebookCount).map { codebook in
                let own = codebook..<codebook + 1
                let codes = self.codebook.sliced(own, dimension: 0).transposed(1, 2)
                return stacks.matmul(projection.sliced(own, dimension: 0))  // (1, B · S, W)
                    .matmul(codes).argmax(dimension: 2)  // (1, B · S)
            }
            return Tensor.concatenated(codes, dimension: 0).transposed(0, 1)
        }
    }
}
