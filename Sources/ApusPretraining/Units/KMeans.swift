// swift-format-ignore-file: AlwaysUseLowerCamelCase

import ApusCorpus
import ApusNN
import ApusTensor
import Foundation

/// Mini-batch k-means: K centroids of frames.
///
/// Sculley 2010, Web-Scale K-Means Clustering: each step assigns drawn frames to the nearest
/// centroids, and moves each centroid to the mean of all frames that it was ever given. The start
/// is greedy k-means++ (Arthur and Vassilvitskii 2007): each centroid is the best of 2 + ⌊ln K⌋
/// frames drawn with probabilities in proportion to their squared distances from the centroids so
/// far. A centroid that no frame was given after an eighth of the steps is put on a drawn frame.
public struct KMeans: Hashable, Sendable {
    /// How centroids are found.
    public struct Options: Codable, Hashable, Sendable {
        /// K, the number of centroids.
        public var clusterCount = 100
        /// The frames drawn for a step.
        public var batchSize = 4096
        /// The number of steps.
        public var steps = 200
        /// What the draws depend on.
        public var seed: UInt64 = 1

        /// A hundred clusters.
        public init() {}
    }

    /// (K, D), row-major.
    public let centroids: [Float]
    /// D.
    public let width: Int
    /// K.
    public var clusterCount: Int { centroids.count / width }

    /// Known centroids.
    ///
    /// - Parameters:
    ///   - centroids: (K, D), row-major, at least one.
    ///   - width: D.
    public init(centroids: [Float], width: Int) {
        precondition(
            width > 0 && !centroids.isEmpty && centroids.count % width == 0,
            "\(centroids.count) numbers are no centroids of width \(width)")
        self.centroids = centroids
        self.width = width
    }

    /// Finds centroids.
    ///
    /// - Parameters:
    ///   - frames: (N, D), row-major.
    ///   - width: D.
    ///   - options: How they are found.
    /// - Throws: `PretrainingError.tooFewFrames` where N is below K.
    public init(fitting frames: [Float], width: Int, _ options: Options) throws {
        precondition(width > 0 && frames.count % width == 0, "frames of width \(width)")
        precondition(frames.allSatisfy(\.isFinite), "frames of finite numbers")
        let count = frames.count / width
        let K = options.clusterCount
        guard count >= K else {
            throw PretrainingError.tooFewFrames(found: count, wanted: K)
        }
        func drawn(_ wanted: Int, _ stream: String, _ step: Int) -> [Float] {
            var generator = SeededGenerator(seed: options.seed, stream: stream, step)
            return (0..<wanted).flatMap { _ in
                let start = generator.integer(below: count) * width
                return frames[start..<start + width]
            }
        }
        // Where there are few frames, all of them stand for the start.
        let startCount = max(3 * options.batchSize, 10 * K)
        let sample = count <= startCount ? frames : drawn(startCount, "start", 0)
        var centroids = Self.plusPlus(
            sample, width: width, clusterCount: K, seed: options.seed)
        var weights = [Double](repeating: 0, count: K)
        let patience = max(1, options.steps / 8)
        for step in 1...max(1, options.steps) {
            let batch = drawn(options.batchSize, "step", step)
            let labels = KMeans(centroids: centroids, width: width).labels(of: batch)
            var sums = [Double](repeating: 0, count: K * width)
            var counts = [Double](repeating: 0, count: K)
            for (row, label) in labels.enumerated() {
                counts[label] += 1
                for column in 0..<width {
                    sums[label * width + column] += Double(batch[row * width + column])
                }
            }
            for cluster in 0..<K where counts[cluster] > 0 {
                let total = weights[cluster] + counts[cluster]
                for column in cluster * width..<(cluster + 1) * width {
                    let moved = Double(centroids[column]) * weights[cluster] + sums[column]
                    centroids[column] = Float(moved / total)
                }
                weights[cluster] = total
            }
            if step == patience {
                for cluster in 0..<K where weights[cluster] == 0 {
                    let row = cluster % options.batchSize * width
                    centroids.replaceSubrange(
                        cluster * width..<(cluster + 1) * width, with: batch[row..<row + width])
                }
            }
        }
        self.init(centroids: centroids, width: width)
    }

    /// The nearest centroid of each frame.
    ///
    /// - Parameter frames: (N, D), row-major.
    /// - Returns: N numbers in 0..<K.
    public func labels(of frames: [Float]) -> [Int] {
        let table = Tensor(centroids, shape: [clusterCount, width])
        return Self.chunks(of: frames, width: width).flatMap { chunk in
            Self.labels(of: chunk, centroids: table).integers
        }
    }

    /// The sum of the frames' squared distances from their centroids.
    ///
    /// - Parameter frames: (N, D), row-major.
    /// - Returns: The inertia.
    public func inertia(of frames: [Float]) -> Double {
        var total = 0.0
        for (row, label) in labels(of: frames).enumerated() {
            for column in 0..<width {
                let difference =
                    Double(frames[row * width + column])
                    - Double(centroids[label * width + column])
                total += difference * difference
            }
        }
        return total
    }

    /// The nearest centroid of each frame: the one with the largest x·c - ‖c‖²/2.
    ///
    /// - Parameters:
    ///   - frames: (N, D).
    ///   - centroids: (K, D).
    /// - Returns: (N) integers.
    static func labels(of frames: Tensor, centroids: Tensor) -> Tensor {
        withoutGradients {
            withPrecision(.float32) {
                let halves = (centroids * centroids).sum(dimension: 1) * 0.5
                return (frames.matmul(centroids.transposed(0, 1)) - halves).argmax(dimension: 1)
            }
        }
    }

    /// Frames in parts, so that their products with the centroids fit the memory.
    private static func chunks(of frames: [Float], width: Int) -> [Tensor] {
        let size = 16384 * width
        return stride(from: 0, to: frames.count, by: size).map { start in
            let part = Array(frames[start..<min(start + size, frames.count)])
            return Tensor(part, shape: [part.count / width, width])
        }
    }

    private static func plusPlus(
        _ frames: [Float], width: Int, clusterCount: Int, seed: UInt64
    ) -> [Float] {
        let count = frames.count / width
        let table = Tensor(frames, shape: [count, width])
        let squares = (table * table).sum(dimension: 1, keepsDimension: true)  // (N, 1)
        /// Squared distances from some frames: one row for each of them.
        func distances(from rows: [Int]) -> [[Float]] {
            withoutGradients {
                let chosen = table.selected(
                    Tensor(integers: rows, shape: [rows.count]), dimension: 0)
                let own = (chosen * chosen).sum(dimension: 1)
                let values = (squares - table.matmul(chosen.transposed(0, 1)) * 2 + own)
                    .transposed(0, 1).relu().floats
                return rows.indices.map { Array(values[$0 * count..<($0 + 1) * count]) }
            }
        }
        var generator = SeededGenerator(seed: seed, stream: "plusPlus")
        var chosen = [generator.integer(below: count)]
        var nearest = distances(from: chosen)[0]
        let trials = 2 + Int(log(Double(clusterCount)))
        while chosen.count < clusterCount {
            var cumulated: [Double] = []
            cumulated.reserveCapacity(count)
            var total = 0.0
            for distance in nearest {
                total += Double(distance)
                cumulated.append(total)
            }
            let candidates = (0..<trials).map { _ in
                let place = generator.unitInterval() * total
                return total > 0
                    ? firstIndex(in: cumulated, above: place) : generator.integer(below: count)
            }
            var best: (total: Double, row: Int, distances: [Float])?
            for (row, own) in zip(candidates, distances(from: candidates)) {
                let together = zip(nearest, own).map { min($0, $1) }
                let sum = together.reduce(0.0) { $0 + Double($1) }
                if sum < best?.total ?? .infinity { best = (sum, row, together) }
            }
            guard let best else { break }
            chosen.append(best.row)
            nearest = best.distances
        }
        return chosen.flatMap { frames[$0 * width..<($0 + 1) * width] }
    }

    /// The first place of rising numbers that lies above a number.
    private static func firstIndex(in cumulated: [Double], above value: Double) -> Int {
        var (low, high) = (0, cumulated.count - 1)
        while low < high {
            let middle = (low + high) / 2
            if cumulated[middle] > value { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
