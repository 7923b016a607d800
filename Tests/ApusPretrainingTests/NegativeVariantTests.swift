import ApusPretraining
import ApusTensor
import Testing

extension Computing {
    /// Negatives of each context, of speakers, and mixed ones.
    @Suite struct NegativeVariantTests {
        private let lengths = [30, 12, 2, 18]
        private let frameCount = 32
        private let steps = 3

        private typealias Frame = (recording: Int, frame: Int)

        /// The negatives of each recording, context by context where there are such: (B, 1 or W, N).
        private func draw(
            count: Int, groups: [Int]? = nil, seed: UInt64 = 1,
            _ change: (inout CPC.Configuration) -> Void
        ) -> [[[Frame]]] {
            var configuration = smallCPC(negativeCount: count)
            change(&configuration)
            let model = CPC(configuration, melBandCount: 8, seed: Seed(1))
            let drawn = model.drawNegatives(
                lengths: lengths, frameCount: frameCount, groups: groups, seed: Seed(seed))
            let contexts = configuration.drawing == .perFrame ? frameCount - steps : 1
            #expect(drawn.count == lengths.count * contexts * count)
            return lengths.indices.map { recording in
                (0..<contexts).map { context in
                    let start = (recording * contexts + context) * count
                    return drawn[start..<start + count].map {
                        ($0 / frameCount, $0 % frameCount)
                    }
                }
            }
        }

        @Test(arguments: CPC.NegativeSource.allCases, CPC.NegativeDrawing.allCases)
        func noneLiesBeyondARecordingsEnd(
            source: CPC.NegativeSource, drawing: CPC.NegativeDrawing
        ) {
            let drawn = draw(count: 50, groups: [0, 1, 1, 0]) {
                $0.negatives = source
                $0.drawing = drawing
            }
            for each in drawn.joined().joined() {
                #expect(lengths.indices.contains(each.recording))
                #expect(each.frame < lengths[each.recording])
            }
        }

        /// Only the frame at the context's own time is never drawn: from every recording the others are
        /// as likely as each other, within six deviations of Pearson's χ².
        @Test func contextsDrawAsCPCAudioDoes() throws {
            let count = 20_000
            let drawn = draw(count: count) {
                $0.negatives = .batch
                $0.drawing = .perFrame
            }
            for (own, t) in [(0, 0), (0, 26), (1, 5), (3, 14)] {
                let negatives = drawn[own][t]
                for (recording, length) in lengths.enumerated() {
                    let frames = negatives.filter { $0.recording == recording }.map(\.frame)
                    // The recordings are as likely as each other, whatever their lengths.
                    // 6 deviations, √(20000 · 1/4 · 3/4) each.
                    #expect(abs(frames.count - 5000) < 368)
                    #expect(!frames.contains(t % length))
                    let counts = Dictionary(grouping: frames, by: \.self).mapValues(\.count)
                    #expect(counts.count == length - 1)
                    let expected = Double(frames.count) / Double(length - 1)
                    let statistic = counts.values.reduce(0.0) { sum, found in
                        let difference = Double(found) - expected
                        return sum + difference * difference / expected
                    }
                    let freedom = Double(length - 2)
                    let bound = 6 * (2 * freedom).squareRoot() + 1e-9
                    #expect(abs(statistic - freedom) <= bound)
                }
            }
        }

        @Test(arguments: CPC.NegativeDrawing.allCases)
        func sourcesAreKept(drawing: CPC.NegativeDrawing) {
            func recordings(
                of own: Int, _ source: CPC.NegativeSource, includingOwn: Bool = true
            ) -> Set<Int> {
                let drawn = draw(count: 60, groups: [0, 1, 1, 0]) {
                    $0.negatives = source
                    $0.drawing = drawing
                    $0.includesOwnRecording = includingOwn
                }
                // Contexts beyond the recording's end count for nothing.
                let contexts = drawing == .perFrame ? max(0, lengths[own] - steps) : 1
                return Set(drawn[own].prefix(contexts).joined().map(\.recording))
            }
            #expect(recordings(of: 0, .otherRecordings) == [1, 2, 3])
            #expect(recordings(of: 0, .sameRecording) == [0])
            #expect(recordings(of: 0, .batch) == [0, 1, 2, 3])
            #expect(recordings(of: 0, .batch, includingOwn: false) == [1, 2, 3])
            #expect(recordings(of: 0, .sameSpeaker) == [0, 3])
            #expect(recordings(of: 1, .sameSpeaker) == [1, 2])
            #expect(recordings(of: 0, .sameSpeaker, includingOwn: false) == [3])
            #expect(recordings(of: 0, .mixed) == [0, 1, 2, 3])
        }

        /// Who isn't known has no other recording of the same speaker.
        @Test(arguments: [true, false])
        func unknownSpeakersAreAlone(includingOwn: Bool) {
            for (own, contexts) in draw(
                count: 40,
                {
                    $0.negatives = .sameSpeaker
                    $0.includesOwnRecording = includingOwn
                }
            ).enumerated() {
                #expect(contexts.joined().allSatisfy { $0.recording == own })
            }
        }

        @Test(arguments: CPC.NegativeDrawing.allCases, [0, 0.25, 0.5, 1])
        func mixedNegativesHaveTheirShare(drawing: CPC.NegativeDrawing, share: Double) {
            let drawn = draw(count: 40) {
                $0.negatives = .mixed
                $0.ownShare = share
                $0.drawing = drawing
            }
            for context in drawn[0].prefix(27) {
                #expect(context.filter { $0.recording == 0 }.count == Int(40 * share))
            }
        }

        @Test func drawsDependOnTheSeed() {
            func frames(_ seed: UInt64) -> [Int] {
                draw(count: 20, seed: seed) {
                    $0.negatives = .batch
                    $0.drawing = .perFrame
                }[0].joined().map { $0.recording * frameCount + $0.frame }
            }
            #expect(frames(1) == frames(1))
            #expect(frames(1) != frames(2))
        }

        /// The share of negatives that are the positive, counted one by one.
        @Test(arguments: CPC.NegativeDrawing.allCases, [true, false])
        func positivesAmongNegativesAreCounted(
            drawing: CPC.NegativeDrawing, excludes: Bool
        ) throws {
            var configuration = smallCPC(.sameRecording, negativeCount: 7)
            configuration.drawing = drawing
            configuration.strides = [1]
            configuration.excludesPositives = excludes
            let model = CPC(configuration, melBandCount: 8, seed: Seed(1))
            let lengths = [12, 7, 3]
            let negatives = model.drawNegatives(lengths: lengths, frameCount: 12, seed: Seed(2))
            let states = model.encoder(
                batch(lengths: lengths, melBandCount: 8), lengths: lengths, draws: nil)
            let result = model.contrast(
                encoded: states.layers[0], context: states.layers[1], lengths: lengths,
                negatives: [negatives])
            var (hits, total) = (0, 0)
            for (b, length) in lengths.enumerated() where length > 3 {
                for t in 0..<length - 3 {
                    let start = (drawing == .perFrame ? b * 9 + t : b) * 7
                    for k in 1...3 {
                        total += 7
                        hits += negatives[start..<start + 7].filter { $0 == b * 12 + t + k }.count
                    }
                }
            }
            #expect(hits > 0)
            let figures = Dictionary(uniqueKeysWithValues: result.figures())
            let share = try #require(figures["positiveShare"])
            #expect(abs(share - Double(hits) / Double(total)) < 1e-12)
        }

        /// Without a prediction all scores are alike: each context is at log of what it chooses from,
        /// and leaving a positive out is one fewer.
        @Test func positivesLeftOutMakeTheChoiceSmaller() throws {
            func loss(excludes: Bool) throws -> Double {
                var configuration = smallCPC(.sameRecording, negativeCount: 1)
                configuration.drawing = .perFrame
                configuration.strides = [1]
                configuration.predictionSteps = 1
                configuration.excludesPositives = excludes
                let model = CPC(configuration, melBandCount: 8, seed: Seed(1))
                for (name, tensor) in model.namedParameters where name == "predictors.weight" {
                    tensor.assign([Float](repeating: 0, count: tensor.count))
                }
                let states = model.encoder(
                    batch(lengths: [3], melBandCount: 8), lengths: [3], draws: nil)
                // The positives are frames 1 and 2; the first context's negative is frame 1.
                return Double(
                    model.contrast(
                        encoded: states.layers[0], context: states.layers[1], lengths: [3],
                        negatives: [[1, 0]]
                    ).value.item)
            }
            let chance = 0.693_147_18
            #expect(abs(try loss(excludes: false) - chance) < 1e-6)
            #expect(abs(try loss(excludes: true) - chance / 2) < 1e-6)
        }
    }
}
