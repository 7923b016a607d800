import ApusTensor

/// Initial weights whose variance is 2 / (D in + D out) (Glorot and Bengio, Understanding the Difficulty of Training
/// Deep Feedforward Neural Networks, 2010).
public enum XavierInitialization: String, Codable, Hashable, Sendable, CaseIterable {
    /// Uniform within ±√(6 / (D in + D out)).
    case uniform
    /// Normal.
    case normal

    /// A weight to be learned.
    ///
    /// - Parameters:
    ///   - inputWidth: D in.
    ///   - outputWidth: D out.
    ///   - seed: What the values depend on.
    /// - Returns: (D out, D in).
    public func weight(inputWidth: Int, outputWidth: Int, seed: Seed) -> Tensor {
        let width = Double(inputWidth + outputWidth)
        let bound = (6 / width).squareRoot()
        return parameter(
            self == .uniform
                ? Tensor(uniform: -bound...bound, shape: [outputWidth, inputWidth], seed: seed)
                : Tensor(
                    normal: 0, standardDeviation: (2 / width).squareRoot(),
                    shape: [outputWidth, inputWidth], seed: seed))
    }
}
