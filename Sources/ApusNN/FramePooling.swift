import ApusTensor

// Statistics over a recording's own frames; what lies beyond its end counts for nothing.
extension Tensor {
    /// The frames with zeros beyond each recording's end.
    ///
    /// - Parameter lengths: Each recording's frames.
    /// - Returns: (B, T, D) of a tensor (B, T, D).
    public func masked(lengths: [Int]) -> Tensor {
        guard let mask = frameMask(lengths: lengths, frameCount: shape[1]) else { return self }
        return self * mask
    }

    /// The mean over each recording's frames.
    ///
    /// - Parameter lengths: Each recording's frames, at least 1.
    /// - Returns: (B, D) of a tensor (B, T, D).
    public func frameMeans(lengths: [Int]) -> Tensor {
        let counts = Tensor(lengths.map { 1 / Float($0) }, shape: [lengths.count, 1])
        return masked(lengths: lengths).sum(dimension: 1) * counts
    }

    /// The mean and the standard deviation over each recording's frames: statistics pooling.
    ///
    /// σ = √(Σ_t (x_t - μ)² / T + ε), ε = 1e-7: with none, a constant has no gradient.
    ///
    /// ## Reference
    /// Snyder et al. 2017, Deep Neural Network Embeddings for Text-Independent Speaker Verification.
    ///
    /// - Parameter lengths: Each recording's frames, at least 1.
    /// - Returns: (B, 2D) of a tensor (B, T, D), means first.
    public func frameStatistics(lengths: [Int]) -> Tensor {
        let means = frameMeans(lengths: lengths)
        let (batch, width) = (shape[0], shape[2])
        // (B, D) -> (B, 1, D)
        let differences = self - means.reshaped(batch, 1, width)
        let variances = (differences * differences).frameMeans(lengths: lengths)
        return Tensor.concatenated(
            [means, (variances + smallestVariance).squareRoot()], dimension: 1)
    }
}

/// What is added to variances over frames before their roots are taken.
let smallestVariance = 1e-7
