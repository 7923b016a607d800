import ApusPretraining
import ApusTensor
import Testing

extension Computing {
    /// Where CPC's negatives come from.
    @Suite struct NegativeTests {
        private let lengths = [30, 7, 1, 18]
        private let frameCount = 32

        /// (recording, frame) of each negative, recording by recording.
        private func draw(
            _ source: CPC.NegativeSource, count: Int, lengths: [Int], seed: UInt64 = 1
        ) -> [[(recording: Int, frame: Int)]] {
            let model = makeCPC(source, negativeCount: count)
            let drawn = model.drawNegatives(
                lengths: lengths, frameCount: frameCount, seed: Seed(seed))
            #expect(drawn.count == lengths.count * count)
            return lengths.indices.map { recording in
                drawn[recording * count..<(recording + 1) * count].map {
                    ($0 / frameCount, $0 % frameCount)
                }
            }
        }

        @Test(arguments: CPC.NegativeSource.allCases)
        func noneLiesBeyondARecordingsEnd(source: CPC.NegativeSource) {
            for negatives in draw(source, count: 500, lengths: lengths) {
                for each in negatives {
                    #expect(lengths.indices.contains(each.recording))
                    #expect(each.frame < lengths[each.recording])
                }
            }
        }

        @Test func otherRecordingsAreNeverTheOwn() {
            for (own, negatives) in draw(.otherRecordings, count: 500, lengths: lengths)
                .enumerated()
            {
                #expect(negatives.allSatisfy { $0.recording != own })
            }
        }

        @Test func theSameRecordingIsAlwaysTheOwn() {
            for (own, negatives) in draw(.sameRecording, count: 500, lengths: lengths).enumerated()
            {
                #expect(negatives.allSatisfy { $0.recording == own })
            }
        }

        /// A batch of one recording has no other; its own frames stand in.
        @Test func oneRecordingIsContrastedWithItself() {
            let negatives = draw(.otherRecordings, count: 200, lengths: [9])[0]
            #expect(negatives.allSatisfy { $0.recording == 0 && $0.frame < 9 })
            #expect(Set(negatives.map(\.frame)).count == 9)
        }

        @Test(arguments: CPC.NegativeSource.allCases)
        func drawsDependOnTheSeedAlone(source: CPC.NegativeSource) {
            let lengths = [30, 7, 18]
            func numbers(_ model: CPC, _ seed: UInt64) -> [Int] {
                model.drawNegatives(lengths: lengths, frameCount: frameCount, seed: Seed(seed))
            }
            let model = makeCPC(source, negativeCount: 50)
            let first = numbers(model, 1)
            #expect(numbers(model, 2) != first)
            #expect(numbers(model, 1) == first)
            #expect(numbers(makeCPC(source, negativeCount: 50, seed: 9), 1) == first)
            // Each recording has a draw of its own.
            #expect(
                first[0..<50].map { $0 % frameCount } != first[100..<150].map { $0 % frameCount })
        }

        /// Pearson's χ² of the counts of each possible frame stays within six deviations of its mean.
        @Test(arguments: [CPC.NegativeSource.otherRecordings, .sameRecording, .batch])
        func everyFrameIsDrawnAlike(source: CPC.NegativeSource) {
            let count = 20_000
            for (own, negatives) in draw(source, count: count, lengths: lengths).enumerated() {
                var counts: [Int: Int] = [:]
                for each in negatives {
                    counts[each.recording * frameCount + each.frame, default: 0] += 1
                }
                let possible =
                    switch source {
                    case .otherRecordings: lengths.reduce(0, +) - lengths[own]
                    case .sameRecording: lengths[own]
                    case .batch, .sameSpeaker, .mixed: lengths.reduce(0, +)
                    }
                #expect(counts.count == possible)
                let expected = Double(count) / Double(possible)
                let statistic = counts.values.reduce(0) {
                    $0 + (Double($1) - expected) * (Double($1) - expected) / expected
                }
                let freedom = Double(possible - 1)
                #expect(abs(statistic - freedom) <= 6 * (2 * freedom).squareRoot())
            }
        }
    }
}
