import ApusCorpus
import ApusSignal

/// Single frames of recordings, for each layer the same frames.
public struct FrameSet: Sendable {
    /// A name for each layer.
    public let layerNames: [String]
    /// D of each layer.
    public let layerWidths: [Int]
    /// The recording that each frame comes from, as a position in `labels`.
    public private(set) var recordings: [Int] = []
    /// The label of each recording.
    public let labels: [String]

    private var matrices: [[Float]]

    /// A set without frames.
    ///
    /// - Parameters:
    ///   - layerNames: A name for each layer.
    ///   - layerWidths: D of each layer.
    ///   - labels: The label of each recording.
    ///   - capacity: The number of frames to make room for.
    public init(layerNames: [String], layerWidths: [Int], labels: [String], capacity: Int = 0) {
        precondition(layerNames.count == layerWidths.count, "a width for each layer")
        self.layerNames = layerNames
        self.layerWidths = layerWidths
        self.labels = labels
        recordings.reserveCapacity(capacity)
        matrices = layerWidths.map { width in
            var matrix: [Float] = []
            matrix.reserveCapacity(capacity * width)
            return matrix
        }
    }

    /// The number of frames.
    public var count: Int { recordings.count }

    /// Adds frames of a recording.
    ///
    /// - Parameters:
    ///   - frames: Which frames, ascending.
    ///   - layers: T x D frames for each layer.
    ///   - recording: The recording's position in `labels`.
    public mutating func add(_ frames: [Int], of layers: [FeatureMatrix], recording: Int) {
        precondition(layers.count == matrices.count, "\(matrices.count) layers are expected")
        for (index, layer) in layers.enumerated() {
            let width = layer.featureCount
            precondition(width == layerWidths[index], "\(layerWidths[index]) values a frame")
            for frame in frames {
                matrices[index] += layer.values[frame * width..<(frame + 1) * width]
            }
        }
        recordings += repeatElement(recording, count: frames.count)
    }

    /// Takes a layer's frames out of the set, which frees their memory with the result.
    ///
    /// - Parameter index: The layer's position.
    /// - Returns: `count` x D values.
    mutating func takeLayer(_ index: Int) -> [Float] {
        var matrix: [Float] = []
        swap(&matrix, &matrices[index])
        return matrix
    }
}

/// Which frames of recordings are drawn: up to a limit over all of them, in proportion to their
/// lengths, and evenly at random within each.
struct FrameDraw {
    private let quotas: [Int]
    private let seed: UInt64

    /// The number of frames drawn, at most the limit.
    let total: Int

    init(frameCounts: [Int], limit: Int, seed: UInt64) {
        let available = frameCounts.reduce(0, +)
        if available <= limit {
            quotas = frameCounts
        } else {
            // The running total is rounded, not each share: no recording's share is lost for good.
            var before = 0
            quotas = frameCounts.map { count in
                let low = Int(Double(limit) * Double(before) / Double(available))
                before += count
                return Int(Double(limit) * Double(before) / Double(available)) - low
            }
        }
        total = quotas.reduce(0, +)
        self.seed = seed
    }

    /// The frames drawn from a recording, ascending.
    func frames(ofRecording index: Int, id: String, frameCount: Int) -> [Int] {
        let count = min(quotas[index], frameCount)
        guard count < frameCount else { return Array(0..<frameCount) }
        var generator = SeededGenerator(seed: seed, stream: "frames/" + id)
        var frames = Array(0..<frameCount)
        for position in 0..<count {
            frames.swapAt(position, position + generator.integer(below: frameCount - position))
        }
        return frames.prefix(count).sorted()
    }
}
