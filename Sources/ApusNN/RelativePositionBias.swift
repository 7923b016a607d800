// swift-format-ignore-file: AlwaysUseLowerCamelCase

import ApusTensor
import Foundation

/// A learned number for each head and distance, added to the scores of attention.
///
/// Raffel et al. 2020, Exploring the Limits of Transfer Learning with a Unified Text-to-Text
/// Transformer, section 2.1. The distances share n buckets: those after a frame have the upper half,
/// and of the h = n / 2 of each half the first h / 2 are one distance each, while distance d beyond
/// them falls in bucket
/// min(h - 1, h/2 + ⌊(h/2) log(d / (h/2)) / log(m / (h/2))⌋), with m the longest distance told apart.
public final class RelativePositionBias: Module {
    /// (n, heads), zero at first.
    public let weight: Tensor
    private let longestDistance: Int

    /// A bias that is zero everywhere at first.
    ///
    /// - Parameters:
    ///   - bucketCount: n, a multiple of 4.
    ///   - longestDistance: m, more than n / 4 frames.
    ///   - headCount: The number of heads.
    public init(bucketCount: Int, longestDistance: Int, headCount: Int) {
        precondition(
            bucketCount >= 4 && bucketCount % 4 == 0 && longestDistance > bucketCount / 4,
            "\(bucketCount) buckets for distances up to \(longestDistance)")
        weight = parameter(Tensor(zeros: [bucketCount, headCount]))
        self.longestDistance = longestDistance
    }

    /// The parameters with PyTorch's names.
    public var namedParameters: [(name: String, tensor: Tensor)] { [("weight", weight)] }

    /// The bucket of a distance.
    ///
    /// - Parameter offset: From the frame that gathers to the frame that is gathered, in frames.
    /// - Returns: A number from 0 up to n.
    public func bucket(_ offset: Int) -> Int {
        Self.bucket(offset, bucketCount: weight.shape[0], longestDistance: longestDistance)
    }

    /// The bucket of a distance, of n with m the longest distance told apart.
    package static func bucket(
        _ offset: Int, bucketCount: Int, longestDistance: Int
    ) -> Int {
        let half = bucketCount / 2
        let exact = half / 2
        let start = offset > 0 ? half : 0
        let distance = abs(offset)
        guard distance >= exact else { return start + distance }
        let ratio =
            log(Double(distance) / Double(exact)) / log(Double(longestDistance) / Double(exact))
        return start + min(half - 1, exact + Int(Double(exact) * ratio))
    }

    /// What is added to the scores of a batch.
    ///
    /// - Parameter T: The number of frames.
    /// - Returns: (heads, T, T), the frame that gathers before the frame that is gathered.
    public func callAsFunction(frameCount T: Int) -> Tensor {
        let buckets = ((1 - T)...(T - 1)).map(bucket)
        let byOffset = weight.selected(
            Tensor(integers: buckets, shape: [2 * T - 1]), dimension: 0)  // (2T - 1, heads)
        // Window w holds the offsets from w + 1 - T: those of the frame T - 1 - w.
        let order = Tensor(integers: Array((0..<T).reversed()), shape: [T])
        return byOffset.transposed(0, 1).windows(dimension: 1, size: T)  // (heads, T, T)
            .selected(order, dimension: 1)
    }
}
