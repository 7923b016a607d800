import ApusCorpus
import ApusTensor

/// Draws the negatives of contrastive predictive coding.
///
/// A recording's draws depend on the seed and on the recordings' lengths and speakers alone, not on
/// how the batch is padded.
struct NegativeSampler {
    private let configuration: CPC.Configuration
    private let lengths: [Int]
    private let frameCount: Int
    private let groups: [Int]?

    /// The draws of one batch.
    ///
    /// - Parameters:
    ///   - configuration: Where negatives come from, and how many.
    ///   - lengths: Each recording's encoded frames, 1 or more.
    ///   - frameCount: S, the padded number of encoded frames.
    ///   - groups: A number for each recording, the same for the same speaker; `nil` where no speaker
    ///     is known.
    init(_ configuration: CPC.Configuration, lengths: [Int], frameCount: Int, groups: [Int]?) {
        precondition(groups.map { $0.count == lengths.count } ?? true, "each recording has a group")
        self.configuration = configuration
        self.lengths = lengths
        self.frameCount = frameCount
        self.groups = groups
    }

    /// The frames drawn, each numbered b · S + t: N for each recording, or N for each of the S - K
    /// contexts of each recording.
    ///
    /// - Parameters:
    ///   - seed: What the draw depends on.
    ///   - own: The recordings that negatives are drawn for; `nil` for all.
    ///   - rows: The places of these in the whole batch; `nil` where this is all of it.
    /// - Returns: The frames.
    func callAsFunction(seed: Seed, own: [Int]? = nil, rows: [Int]? = nil) -> [Int] {
        (own ?? Array(lengths.indices)).enumerated().flatMap { index, recording in
            var generator = SeededGenerator(
                seed: seed.value, stream: "negatives", rows?[index] ?? recording)
            let sources = sources(of: recording)
            return configuration.drawing == .perRecording
                ? shared(from: sources, &generator)
                : perFrame(recording, from: sources, &generator)
        }
    }

    /// The recordings that each of the N negatives is drawn from.
    private func sources(of recording: Int) -> [(candidates: [Int], count: Int)] {
        let own = [recording]
        // A batch of one recording has no other to draw from.
        func orOwn(_ candidates: [Int]) -> [Int] { candidates.isEmpty ? own : candidates }
        let others = lengths.indices.filter { $0 != recording }
        let all = configuration.includesOwnRecording ? Array(lengths.indices) : others
        let count = configuration.negativeCount
        switch configuration.negatives {
        case .otherRecordings: return [(orOwn(others), count)]
        case .sameRecording: return [(own, count)]
        case .batch: return [(orOwn(all), count)]
        case .sameSpeaker:
            let candidates = all.filter { other in
                other == recording || groups.map { $0[other] == $0[recording] } ?? false
            }
            return [(orOwn(candidates), count)]
        case .mixed:
            let ownCount = Int((Double(count) * configuration.ownShare).rounded())
            return [(own, ownCount), (orOwn(others), count - ownCount)]
        }
    }

    /// N frames, each of a source's frames as likely as any other.
    private func shared(
        from sources: [(candidates: [Int], count: Int)], _ generator: inout SeededGenerator
    ) -> [Int] {
        var drawn: [Int] = []
        for (candidates, count) in sources {
            let ends = candidates.reduce(into: [0]) { $0.append($0[$0.count - 1] + lengths[$1]) }
            for _ in 0..<count {
                let number = generator.integer(below: ends[candidates.count])
                var (low, high) = (0, candidates.count)
                while high - low > 1 {
                    let middle = (low + high) / 2
                    if ends[middle] <= number { low = middle } else { high = middle }
                }
                drawn.append(candidates[low] * frameCount + number - ends[low])
            }
        }
        return drawn
    }

    /// N frames for each context, as CPC_audio draws them: a recording b' of the source, a shift j in
    /// 1..<S', and the frame (t + j) mod S' of its S' frames.
    private func perFrame(
        _ recording: Int, from sources: [(candidates: [Int], count: Int)],
        _ generator: inout SeededGenerator
    ) -> [Int] {
        let steps = configuration.predictionSteps
        let contextCount = max(0, frameCount - steps)
        var drawn: [Int] = []
        drawn.reserveCapacity(contextCount * configuration.negativeCount)
        for t in 0..<max(0, lengths[recording] - steps) {
            for (candidates, count) in sources {
                for _ in 0..<count {
                    let other = candidates[generator.integer(below: candidates.count)]
                    let length = lengths[other]
                    let shift = length > 1 ? 1 + generator.integer(below: length - 1) : 0
                    drawn.append(other * frameCount + (t + shift) % length)
                }
            }
        }
        // Contexts without K successors have no part in the loss; any frame will do.
        let rest = contextCount * configuration.negativeCount - drawn.count
        return drawn + repeatElement(recording * frameCount, count: rest)
    }
}

/// How many of drawn negatives are the positive, over all contexts and steps that count.
///
/// - Parameters:
///   - negatives: Frames as `NegativeSampler` numbers them.
///   - lengths: Each recording's encoded frames.
///   - own: The recordings' numbers in those of the frames; `nil` where they are the same.
///   - frameCount: S, the padded number of encoded frames.
///   - configuration: How they were drawn.
/// - Returns: The share, 0 to 1.
func positiveShare(
    of negatives: [Int], lengths: [Int], own: [Int]?, frameCount: Int,
    _ configuration: CPC.Configuration
) -> Double {
    let (steps, count) = (configuration.predictionSteps, configuration.negativeCount)
    let contextCount = max(0, frameCount - steps)
    var (hits, total) = (0, 0)
    for (recording, length) in lengths.enumerated() {
        let contexts = max(0, length - steps)
        total += contexts * steps * count
        /// Frame f is the positive of the contexts from f - K to f - 1.
        func frame(_ negative: Int) -> Int? {
            negative / frameCount == own?[recording] ?? recording ? negative % frameCount : nil
        }
        switch configuration.drawing {
        case .perRecording:
            for negative in negatives[recording * count..<(recording + 1) * count] {
                guard let frame = frame(negative) else { continue }
                hits += max(0, min(frame, contexts) - max(0, frame - steps))
            }
        case .perFrame:
            let start = recording * contextCount * count
            for t in 0..<contexts {
                for negative in negatives[start + t * count..<start + (t + 1) * count] {
                    guard let frame = frame(negative) else { continue }
                    if (t + 1...t + steps).contains(frame) { hits += 1 }
                }
            }
        }
    }
    return total > 0 ? Double(hits) / Double(total) : 0
}
