// swift-format-ignore-file: AlwaysUseLowerCamelCase

import ApusNN
import ApusTensor

/// How the frames of an encoder with attention know where they are.
///
/// Sinusoids are added to the frames; the other kinds change the scores of attention, in every layer
/// alike.
final class FramePositions: Module {
    private let kind: TransformerEncoder.Positions
    private let width: Int
    private let headCount: Int
    private let relative: RelativePositionBias?
    private var sinusoids: Tensor?

    /// - Parameters:
    ///   - kind: Which positions.
    ///   - width: D of the frames.
    ///   - headCount: The number of attention heads.
    ///   - relativeBuckets: The number of buckets that relative positions share.
    ///   - relativeDistance: The longest distance that relative positions tell apart, in frames.
    init(
        _ kind: TransformerEncoder.Positions, width: Int, headCount: Int, relativeBuckets: Int,
        relativeDistance: Int
    ) {
        self.kind = kind
        self.width = width
        self.headCount = headCount
        relative =
            kind == .relative
            ? RelativePositionBias(
                bucketCount: relativeBuckets, longestDistance: relativeDistance,
                headCount: headCount) : nil
    }

    /// `weight` where positions are learned.
    var namedParameters: [(name: String, tensor: Tensor)] { relative?.namedParameters ?? [] }

    /// What positions do to the scores of attention.
    ///
    /// - Parameter T: The number of frames.
    /// - Returns: (heads, T, T) to add to the scores, and what turns queries and keys, where there are.
    func callAsFunction(frameCount T: Int) -> (bias: Tensor?, rotary: RotaryPositions?) {
        let rotary =
            kind == .rotary
            ? RotaryPositions(frameCount: T, headWidth: width / headCount) : nil
        return (relative?(frameCount: T), rotary)
    }

    /// Frames with their positions, where these are added.
    ///
    /// - Parameter frames: (B, T, D).
    /// - Returns: (B, T, D).
    func added(to frames: Tensor) -> Tensor {
        guard kind == .sinusoidal else { return frames }
        let T = frames.shape[1]
        // Positions are made as they are needed, and kept.
        var table = sinusoids ?? sinusoidalPositions(frameCount: 512, width: width)
        if table.shape[0] < T {
            table = sinusoidalPositions(frameCount: max(T, 2 * table.shape[0]), width: width)
        }
        sinusoids = table
        return frames + table.sliced(0..<T, dimension: 0)
    }

    /// What can't be built, in words that begin with the key.
    static func problem(
        _ kind: TransformerEncoder.Positions, width: Int, headCount: Int, relativeBuckets: Int,
        relativeDistance: Int
    ) -> String? {
        if width < 2 || width % 2 != 0 { return "width is \(width), expected an even number" }
        if headCount < 1 || width % headCount != 0 {
            return "headCount is \(headCount), expected a divisor of the width \(width)"
        }
        if kind == .rotary && width / headCount % 2 != 0 {
            return "headCount is \(headCount): rotary positions need heads of an even width"
        }
        if !(4...65536).contains(relativeBuckets) || relativeBuckets % 4 != 0 {
            return "relativeBuckets is \(relativeBuckets), expected a multiple of 4 to 65536"
        }
        if relativeDistance <= relativeBuckets / 4 {
            return "relativeDistance is \(relativeDistance), expected more than a quarter of "
                + "relativeBuckets"
        }
        return nil
    }
}
