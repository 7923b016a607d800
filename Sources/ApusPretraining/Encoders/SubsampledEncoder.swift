import ApusNN
import ApusTensor

/// An encoder over fewer frames: strided convolutions before it halve their number once or twice.
///
/// Each convolution has width 3, stride 2 and a zero before and after, and is followed by layer
/// normalisation over channels and GELU. Frame s of n sees nothing after the n frames from s n on,
/// which it stands for.
final class SubsampledEncoder: Encoder {
    private let convolutions: [Conv1d]
    private let norms: [LayerNorm]
    let inner: any Encoder
    var convolutionCount: Int { convolutions.count }
    let stride: Int
    let surroundings: Surroundings
    /// `convolution`, then the inner encoder's.
    var layerNames: [String] { ["convolution"] + inner.layerNames }
    let layerWidths: [Int]

    /// - Parameters:
    ///   - inputWidth: M, the width of the features.
    ///   - width: D of the convolutions, which the inner encoder reads.
    ///   - factor: 2 or 4.
    ///   - seed: What the convolutions' initial weights depend on.
    ///   - inner: The encoder of what the convolutions leave.
    init(inputWidth: Int, width: Int, factor: Int, seed: Seed, inner: any Encoder) {
        let count = factor.trailingZeroBitCount
        convolutions = (0..<count).map {
            Conv1d(
                inputChannels: $0 == 0 ? inputWidth : width, outputChannels: width, kernelSize: 3,
                stride: 2, padding: 1, seed: seed.derived("convolutions.\($0)"))
        }
        norms = (0..<count).map { _ in LayerNorm(width: width) }
        self.inner = inner
        layerWidths = [width] + inner.layerWidths
        stride = factor * inner.stride
        // Kernels of three frames, each twice as far apart as those before.
        let reach = (1 << count) - 1
        surroundings = Surroundings(
            before: factor * inner.surroundings.before + reach,
            after: factor * inner.surroundings.after + reach,
            isWholeRecording: inner.surroundings.isWholeRecording)
    }

    /// The parameters with PyTorch's names.
    var namedParameters: [(name: String, tensor: Tensor)] {
        zip(convolutions, norms).enumerated().flatMap { index, pair in
            pair.0.namedParameters(under: "subsampling.convolutions.\(index)")
                + pair.1.namedParameters(under: "subsampling.norms.\(index)")
        } + inner.namedParameters
    }

    func callAsFunction(
        _ features: Tensor, lengths: [Int], draws: TrainingDraws?
    ) -> HiddenStates {
        let (frames, lengths) = convolved(features, lengths: lengths)
        var states = inner(frames, lengths: lengths, draws: draws)
        states.layers.insert(frames, at: 0)
        return states
    }

    func part(_ features: Tensor, own: Range<Int>, states: RecurrentStates) -> [Tensor] {
        let frames = convolved(features, lengths: [features.shape[1]]).frames
        return [frames.sliced(own, dimension: 1)] + inner.part(frames, own: own, states: states)
    }

    /// What the convolutions make of a padded batch.
    ///
    /// - Parameters:
    ///   - features: (B, T, M), zero beyond each recording's end.
    ///   - lengths: Each recording's frames, in 1...T.
    /// - Returns: (B, S, D), and each recording's frames in it.
    func convolved(_ features: Tensor, lengths: [Int]) -> (frames: Tensor, lengths: [Int]) {
        var frames = features  // (B, T, M)
        var lengths = lengths
        for (convolution, norm) in zip(convolutions, norms) {
            let convolved = convolution(frames.transposed(1, 2)).transposed(1, 2)
            frames = norm(convolved).gelu()  // (B, T', D)
            lengths = lengths.map(convolution.outputLength)
            // A recording's last frames see zeros beyond its end, alone or in a batch.
            if let mask = frameMask(lengths: lengths, frameCount: frames.shape[1]) {
                frames = frames * mask
            }
        }
        return (frames, lengths)
    }
}
