import ApusNN
import ApusTensor

/// A speaker's vector of each window of frames: LSTMs, and a linear map of what they end with.
///
/// Wan et al. 2018, Generalized End-to-End Loss for Speaker Verification, as Resemblyzer has it. A
/// window has 160 frames, 1.6 s; one begins every 77 frames, and the last counts if at least three
/// quarters of it lie within the recording, or if there is no other:
///
///     h₁ ... h₁₆₀ = LSTMs(x₁ ... x₁₆₀)
///     e = relu(W h₁₆₀ + b) / |relu(W h₁₆₀ + b)|
///
/// Resemblyzer's embedding of a recording is the mean over its windows, again of length 1: the layer
/// `embedding`, pooled by the mean.
///
/// Deviation: a window that reaches beyond the recording's end has zeros for frames there; Resemblyzer
/// extends the samples, so that the first of these frames may have a trace of the last 200 samples.
public final class GE2EEncoder: Encoder {
    /// How the encoder is built.
    public struct Configuration: Codable, Hashable, Sendable {
        /// H of the LSTMs.
        public var width = 256
        /// The number of LSTMs.
        public var layerCount = 3
        /// D of the vector.
        public var embeddingWidth = 256
        /// The frames of a window.
        public var windowLength = 160
        /// From one window to the next, in frames.
        public var windowShift = 77
        /// The share of the last window that has to lie within a recording.
        public var leastCoverage = 0.75

        /// Resemblyzer's model and its 1.3 windows a second: 1.4 million parameters.
        public init() {}

        func problem() -> String? {
            for (name, value, most) in [
                ("width", width, 1 << 20), ("layerCount", layerCount, 1000),
                ("embeddingWidth", embeddingWidth, 1 << 20),
                ("windowLength", windowLength, 1 << 20),
            ] where !(1...most).contains(value) {
                return "\(name) is \(value), expected 1 to \(most)"
            }
            if !(1...windowLength).contains(windowShift) {
                return "windowShift is \(windowShift), expected 1 to windowLength, \(windowLength)"
            }
            if !(0...1).contains(leastCoverage) {
                return "leastCoverage is \(leastCoverage), expected 0 to 1"
            }
            return nil
        }

        /// The number of weights in the largest matrices.
        func leastParameterCount(inputWidth: Int) -> Double {
            let width = Double(width)
            return 4 * width * (Double(inputWidth) + (2 * Double(layerCount) - 1) * width)
                + width * Double(embeddingWidth)
        }

        /// The first frame of each window of a recording.
        ///
        /// - Parameter count: T, its frames.
        /// - Returns: At least one.
        func windowStarts(frameCount count: Int) -> [Int] {
            let end = max(1, count - windowLength + windowShift + 1)
            var starts = Array(Swift.stride(from: 0, to: end, by: windowShift))
            // T - 1 frames lie between the first and the last middle of a frame.
            let inside = Double(count - 1 - starts[starts.count - 1]) / Double(windowLength)
            if starts.count > 1, inside < leastCoverage { starts.removeLast() }
            return starts
        }
    }

    private let lstms: [LSTM]
    private let linear: Linear
    let configuration: Configuration
    /// `lstm-1` and so on, each with the state after a window's last frame; then `embedding`.
    public let layerNames: [String]
    /// H for each LSTM, then D.
    public let layerWidths: [Int]
    /// Frames from one window to the next.
    public var stride: Int { configuration.windowShift }
    /// The rest of the last window, and one window before, which says that a short last one isn't alone.
    public var surroundings: Surroundings {
        Surroundings(
            before: configuration.windowShift,
            after: configuration.windowLength - configuration.windowShift)
    }

    /// An encoder with untrained weights.
    ///
    /// - Parameters:
    ///   - configuration: How it is built.
    ///   - inputWidth: M, the width of the features.
    ///   - seed: What the initial weights depend on.
    public init(_ configuration: Configuration, inputWidth: Int, seed: Seed) {
        self.configuration = configuration
        lstms = (0..<configuration.layerCount).map {
            LSTM(
                inputWidth: $0 == 0 ? inputWidth : configuration.width,
                hiddenWidth: configuration.width, seed: seed.derived("lstm.\($0)"))
        }
        linear = Linear(
            inputWidth: configuration.width, outputWidth: configuration.embeddingWidth,
            seed: seed.derived("linear"))
        layerNames = (1...configuration.layerCount).map { "lstm-\($0)" } + ["embedding"]
        layerWidths =
            [Int](repeating: configuration.width, count: configuration.layerCount)
            + [configuration.embeddingWidth]
    }

    /// The parameters with PyTorch's names.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        lstms.enumerated().flatMap { $1.namedParameters(under: "lstm.\($0)") }
            + linear.namedParameters(under: "linear")
    }

    /// What each window ends with.
    ///
    /// - Parameters:
    ///   - features: (B, T, M), zero beyond each recording's end.
    ///   - lengths: Each recording's frames, in 1...T.
    ///   - draws: Unused: nothing is dropped.
    /// - Returns: (B, P, H) for each LSTM and (B, P, D), with P windows.
    public func callAsFunction(
        _ features: Tensor, lengths: [Int], draws: TrainingDraws?
    ) -> HiddenStates {
        let (batch, count, bands) = (features.shape[0], features.shape[1], features.shape[2])
        let starts = lengths.map(configuration.windowStarts)
        let windowCounts = starts.map(\.count)
        let most = windowCounts.max() ?? 0
        // A row of zeros behind all frames stands for what lies beyond a recording's end.
        let rows = Tensor.concatenated(
            [features.reshaped(batch * count, bands), Tensor(zeros: [1, bands])], dimension: 0)
        let indices = starts.enumerated().flatMap { row, starts in
            starts.flatMap { start in
                (start..<start + configuration.windowLength).map {
                    $0 < lengths[row] ? row * count + $0 : batch * count
                }
            }
        }
        var frames = rows.selected(Tensor(integers: indices, shape: [indices.count]), dimension: 0)
            .reshaped(-1, configuration.windowLength, bands)
        let last = configuration.windowLength - 1
        var ends: [Tensor] = []
        for lstm in lstms {
            frames = lstm(frames)
            ends.append(
                frames.sliced(last..<last + 1, dimension: 1).reshaped(-1, configuration.width))
        }
        ends.append(linear(ends[ends.count - 1]).relu().normalized())
        return HiddenStates(
            layers: ends.map { Self.padded($0, counts: windowCounts, most: most) },
            lengths: windowCounts)
    }

    /// (B, P, D) of the windows of all recordings, (windows, D).
    private static func padded(_ windows: Tensor, counts: [Int], most: Int) -> Tensor {
        let width = windows.shape[1]
        let rows = Tensor.concatenated(
            [windows, Tensor(zeros: [1, width]).cast(to: windows.type)], dimension: 0)
        var (indices, first) = ([Int](), 0)
        for count in counts {
            indices += (0..<most).map { $0 < count ? first + $0 : windows.shape[0] }
            first += count
        }
        return rows.selected(Tensor(integers: indices, shape: [indices.count]), dimension: 0)
            .reshaped(counts.count, most, width)
    }
}
