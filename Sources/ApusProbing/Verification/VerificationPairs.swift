import ApusMetrics
import ApusTensor

/// The trials of a verification probe on one part: pairs of its recordings.
struct VerificationPairs {
    /// Two of the part's recordings.
    struct Pair {
        var first: Int32
        var second: Int32
        var isTarget: Bool
    }

    let pairs: [Pair]
    let targetCount: Int
    let classCount: Int
    /// The class of each of the part's recordings, as a number below `classCount`.
    private let classes: [Int]

    /// - Parameters:
    ///   - recordings: The part's recordings that take part.
    ///   - part: The part.
    ///   - impostors: Which pairs of different classes are trials.
    ///   - name: The part's name, for the error.
    /// - Throws: `ProbingError.nothingLeft` where there are no trials of one of the kinds.
    init(
        _ recordings: [Int], of part: VerificationProbe.Part,
        impostors: VerificationProbe.Impostors, name: String
    ) throws {
        let names = ClassList(labels: part.classes)
        classes = part.classes.map { names.number(of: $0) ?? 0 }
        classCount = names.names.count
        let languages = part.languages
        var pairs: [Pair] = []
        for (position, first) in recordings.enumerated() {
            for second in recordings[(position + 1)...] {
                let isTarget = classes[first] == classes[second]
                let isTrial =
                    isTarget || impostors == .all
                    || (impostors == .sameLanguage && languages[first] != nil
                        && languages[first] == languages[second])
                if isTrial {
                    pairs.append(
                        Pair(first: Int32(first), second: Int32(second), isTarget: isTarget))
                }
            }
        }
        self.pairs = pairs
        targetCount = pairs.count { $0.isTarget }
        for (kind, count) in [
            ("one class", targetCount), ("different classes", pairs.count - targetCount),
        ] where count == 0 {
            throw ProbingError.nothingLeft(
                path: name,
                reason: "verification (impostors: \(impostors.rawValue)) finds no pair of \(kind)")
        }
    }

    /// The trials with the inner products of vectors as scores.
    ///
    /// Most pairs of recordings are trials, so that whole products are the fastest.
    ///
    /// - Parameter vectors: Those of the part's recordings, of which only inner products count.
    /// - Returns: The trials, in the order of the pairs.
    /// - Throws: `MetricsError` for vectors that aren't finite.
    func scored(_ vectors: ScorableVectors) throws -> DetectionTrials {
        let count = vectors.count
        let matrix = Tensor(vectors.vectors, shape: [count, vectors.width])
        var scores: [Float] = []
        scores.reserveCapacity(pairs.count)
        var next = 0
        // Some rows at a time: pairs are in the order of their first recording.
        let blockSize = max(1, (1 << 22) / count)
        for start in stride(from: 0, to: count, by: blockSize) {
            let end = min(start + blockSize, count)
            let products = withoutGradients {
                matrix.sliced(start..<end, dimension: 0).matmul(matrix.transposed(0, 1)).floats
            }
            while next < pairs.count, Int(pairs[next].first) < end {
                let pair = pairs[next]
                scores.append(products[(Int(pair.first) - start) * count + Int(pair.second)])
                next += 1
            }
        }
        return try DetectionTrials(scores: scores, isTarget: pairs.map(\.isTarget))
    }

    /// The equal error rate with its 95 % interval, by a bootstrap over classes.
    ///
    /// - Parameters:
    ///   - trials: The trials of these pairs.
    ///   - resamples: How often the classes are drawn again.
    ///   - seed: The seed of the draws.
    /// - Returns: The interval.
    /// - Throws: `MetricsError.tooFew` where the classes are too few for one.
    func interval(
        of trials: DetectionTrials, resamples: Int, seed: UInt64
    ) throws -> ConfidenceInterval {
        func sides(_ side: (Pair) -> Int32) -> [Int32] {
            pairs.map { Int32(classes[Int(side($0))]) }
        }
        return try trials.bootstrapInterval(
            enrolmentSpeakers: sides(\.first), testSpeakers: sides(\.second),
            speakerCount: classCount, resamples: resamples, seed: seed
        ) { $0.equalErrorRate().rate }
    }
}
