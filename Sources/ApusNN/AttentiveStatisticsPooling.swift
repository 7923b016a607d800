import ApusTensor

/// Attentive statistics pooling: the mean and deviation of frames that count by learned shares.
///
///     e_t = V tanh(W [x_t; μ; σ] + g) + k,  α = softmax_t(e)
///     μ̃ = Σ_t α_t x_t,  σ̃ = √(Σ_t α_t (x_t - μ̃)² + ε)
///
/// As Okabe et al. define it one share goes with all channels of a frame and the attention sees the
/// frame alone. ECAPA-TDNN gives each channel a share of its own and lets the attention see the mean
/// and deviation over the whole recording too (Desplanques et al., section 3.1); both are options.
///
/// Deviation: W is a plain affine map before the tanh as in the papers and in WeSpeaker; SpeechBrain
/// puts a ReLU and a batch normalisation between.
///
/// ## References
/// Okabe, Koshinaka and Shinoda 2018, Attentive Statistics Pooling for Deep Speaker Embedding;
/// Desplanques, Thienpondt and Demuynck 2020, ECAPA-TDNN.
public final class AttentiveStatisticsPooling: Module {
    /// W and g.
    private let attention: Linear
    /// V and k.
    private let scores: Linear
    private let seesRecording: Bool

    /// A pooling.
    ///
    /// - Parameters:
    ///   - width: C.
    ///   - attentionWidth: The width of W's output.
    ///   - hasShareForEachChannel: Whether each channel has its own shares.
    ///   - seesRecording: Whether the attention sees the recording's mean and deviation.
    ///   - seed: What the initial values depend on.
    public init(
        width: Int, attentionWidth: Int = 128, hasShareForEachChannel: Bool = false,
        seesRecording: Bool = false, seed: Seed
    ) {
        attention = Linear(
            inputWidth: seesRecording ? 3 * width : width, outputWidth: attentionWidth,
            seed: seed.derived("attention"))
        scores = Linear(
            inputWidth: attentionWidth, outputWidth: hasShareForEachChannel ? width : 1,
            seed: seed.derived("scores"))
        self.seesRecording = seesRecording
    }

    /// The parameters.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        attention.namedParameters(under: "attention") + scores.namedParameters(under: "scores")
    }

    /// The weighted statistics.
    ///
    /// - Parameters:
    ///   - frames: (B, T, C).
    ///   - lengths: Each recording's frames.
    /// - Returns: (B, 2C), means first.
    public func callAsFunction(_ frames: Tensor, lengths: [Int]) -> Tensor {
        let (batch, frameCount, width) = (frames.shape[0], frames.shape[1], frames.shape[2])
        var seen = frames
        if seesRecording {
            // (B, 2C) -> (B, T, 2C)
            let context =
                frames.frameStatistics(lengths: lengths).reshaped(batch, 1, 2 * width)
                + Tensor(zeros: [1, frameCount, 1])
            seen = Tensor.concatenated([frames, context], dimension: 2)
        }
        var scores = scores(attention(seen).hyperbolicTangent())
        if let mask = frameMask(lengths: lengths, frameCount: frameCount) {
            // Far below any score: the share is zero exactly.
            scores = scores.filled(where: mask.equals(Tensor(zeros: [1])), with: -1e30)
        }
        let shares = scores.softmax(dimension: 1)
        let means = (shares * frames).sum(dimension: 1)
        let differences = frames - means.reshaped(batch, 1, width)
        let variances = (shares * differences * differences).sum(dimension: 1)
        return Tensor.concatenated(
            [means, (variances + smallestVariance).squareRoot()], dimension: 1)
    }
}
