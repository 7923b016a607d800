import ApusNN
import ApusTensor

/// A layer that replaces each frame by one of K learned codes.
///
/// Jang, Gu and Poole 2017, Categorical Reparameterization with Gumbel-Softmax, with the
/// straight-through estimator, as in VQ-APC (Chung, Tang and Glass 2020, section 2.2):
///
///     l = A h + a,  s = softmax((l + g) / τ),  g = -log(-log u),  u ~ U(0, 1)
///     code = E onehot(argmax s), whose gradient is that of E s
///
/// In evaluation there is no noise: the code is that of the largest l.
public final class GumbelQuantizer: Module {
    private let logits: Linear
    private let codebook: Linear
    private let temperature: Double
    /// K.
    public let codeCount: Int

    /// A quantiser with untrained weights.
    ///
    /// - Parameters:
    ///   - width: D of the frames and of the codes.
    ///   - codeCount: K.
    ///   - temperature: τ.
    ///   - seed: What the initial weights depend on.
    public init(width: Int, codeCount: Int, temperature: Double, seed: Seed) {
        logits = Linear(inputWidth: width, outputWidth: codeCount, seed: seed.derived("logits"))
        codebook = Linear(
            inputWidth: codeCount, outputWidth: width, hasBias: false,
            seed: seed.derived("codebook"))
        self.codeCount = codeCount
        self.temperature = temperature
    }

    /// The parameters with PyTorch's names; `codebook.weight` has a column for each code.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        logits.namedParameters(under: "logits") + codebook.namedParameters(under: "codebook")
    }

    /// Gumbel noise g.
    ///
    /// - Parameters:
    ///   - shape: The size of each dimension.
    ///   - seed: What the draw depends on.
    /// - Returns: A tensor of independent draws.
    public static func noise(shape: [Int], seed: Seed) -> Tensor {
        // The ends of the range, whose logarithms are infinite, are left out.
        let uniform = Tensor(uniform: 1e-7...(1 - 1e-7), shape: shape, seed: seed)
        return (uniform.logarithm() * -1).logarithm() * -1
    }

    /// Gumbel noise of a batch: a recording's depends on its place there, and not on its padding.
    ///
    /// - Parameters:
    ///   - rows: The place of each of the B recordings.
    ///   - frameCount: T.
    ///   - width: How many numbers a frame has.
    ///   - seed: What the draw depends on.
    /// - Returns: (B, T, width).
    static func noise(rows: [Int], frameCount: Int, width: Int, seed: Seed) -> Tensor {
        .concatenated(
            rows.map { noise(shape: [1, frameCount, width], seed: seed.derived($0)) },
            dimension: 0)
    }

    /// The codes of frames.
    ///
    /// - Parameters:
    ///   - frames: (B, T, D).
    ///   - noise: g, (B, T, K), or `nil` in evaluation.
    /// - Returns: The codes (B, T, D), and their numbers (B, T).
    public func callAsFunction(
        _ frames: Tensor, noise: Tensor?
    ) -> (codes: Tensor, indices: Tensor) {
        let scores = logits(frames).cast(to: .float32)  // (B, T, K)
        let noisy = noise.map { scores + $0 } ?? scores
        let indices = noisy.argmax(dimension: 2)
        let (B, T) = (frames.shape[0], frames.shape[1])
        let numbers = Tensor(integers: Array(0..<codeCount), shape: [codeCount])
        let chosen = indices.reshaped(B, T, 1).equals(numbers).cast(to: .float32)
        guard noise != nil else { return (codebook(chosen), indices) }
        let soft = (noisy * (1 / temperature)).softmax(dimension: 2)
        return (codebook(chosen - soft.detached() + soft), indices)
    }
}
