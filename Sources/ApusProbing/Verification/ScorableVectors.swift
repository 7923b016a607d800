import ApusMetrics
import ApusTensor
import Dispatch

/// Recordings in a form in which a pair's score is an inner product and a term of each side.
struct ScorableVectors: Sendable {
    /// D.
    let width: Int
    /// N x D values.
    let vectors: [Float]
    /// What each recording adds to the scores of its trials, (N).
    let terms: [Float]
    /// What is added to all scores.
    let constant: Float

    var count: Int { terms.count }

    /// The score of two of the recordings.
    func score(_ first: Int, _ second: Int) -> Float {
        vectors.withUnsafeBufferPointer {
            innerProduct($0, first * width, second * width, width)
        } + terms[first] + terms[second] + constant
    }

    /// The scores of trials.
    ///
    /// - Parameters:
    ///   - first: Each trial's first recording.
    ///   - second: Each trial's second recording.
    ///   - workers: How many threads compute.
    /// - Returns: A score for each trial.
    func scores(_ first: [Int32], _ second: [Int32], workers: Int) -> [Float] {
        let blockSize = 1 << 16
        let blocks = (first.count + blockSize - 1) / blockSize
        return [Float](unsafeUninitializedCapacity: first.count) { buffer, written in
            nonisolated(unsafe) let scores = buffer
            vectors.withUnsafeBufferPointer { vectors in
                nonisolated(unsafe) let vectors = vectors
                // Threads that take a block each in turn.
                let lanes = max(1, min(workers, blocks))
                DispatchQueue.concurrentPerform(iterations: lanes) { lane in
                    for block in stride(from: lane, to: blocks, by: lanes) {
                        let end = min((block + 1) * blockSize, first.count)
                        for trial in block * blockSize..<end {
                            let (one, other) = (Int(first[trial]), Int(second[trial]))
                            let inner = innerProduct(vectors, one * width, other * width, width)
                            scores[trial] = inner + terms[one] + terms[other] + constant
                        }
                    }
                }
            }
            written = first.count
        }
    }

    /// The statistics of each recording's scores against a cohort, each recording once.
    ///
    /// - Parameters:
    ///   - cohort: The cohort's recordings, by the same model.
    ///   - top: How many of the highest scores count; nil for all.
    /// - Returns: The statistics of each recording.
    /// - Throws: `MetricsError` where the cohort is too small or all scores are equal.
    func statistics(against cohort: ScorableVectors, top: Int?) throws -> [CohortStatistics] {
        var statistics: [CohortStatistics] = []
        let others = Tensor(cohort.vectors, shape: [cohort.count, width]).transposed(0, 1)
        let blockSize = max(1, (1 << 22) / max(1, cohort.count))
        for start in stride(from: 0, to: count, by: blockSize) {
            let rows = start..<min(start + blockSize, count)
            let own = Tensor(
                Array(vectors[rows.lowerBound * width..<rows.upperBound * width]),
                shape: [rows.count, width])
            let products = withoutGradients { own.matmul(others).floats }
            for row in rows {
                let first = (row - start) * cohort.count
                let scores = cohort.terms.indices.map {
                    products[first + $0] + terms[row] + cohort.terms[$0] + constant
                }
                statistics.append(try CohortStatistics(scores: scores, top: top))
            }
        }
        return statistics
    }
}

/// The inner product of two stretches, eight values at a time.
private func innerProduct(
    _ values: UnsafeBufferPointer<Float>, _ first: Int, _ second: Int, _ width: Int
) -> Float {
    var sums = SIMD8<Float>()
    let raw = UnsafeRawBufferPointer(values)
    let whole = width / 8 * 8
    for offset in stride(from: 0, to: whole, by: 8) {
        let a = raw.loadUnaligned(fromByteOffset: 4 * (first + offset), as: SIMD8<Float>.self)
        let b = raw.loadUnaligned(fromByteOffset: 4 * (second + offset), as: SIMD8<Float>.self)
        sums += a * b
    }
    var sum = sums.sum()
    for offset in whole..<width { sum += values[first + offset] * values[second + offset] }
    return sum
}

/// The products of rows with directions.
///
/// - Parameters:
///   - rows: N x D values.
///   - directions: d x D values.
///   - width: D.
/// - Returns: N x d values.
func projected(_ rows: [Float], directions: [Float], width: Int) -> [Float] {
    let axes = Tensor(directions, shape: [directions.count / width, width]).transposed(0, 1)
    return withoutGradients {
        Tensor(rows, shape: [rows.count / width, width]).matmul(axes).floats
    }
}
