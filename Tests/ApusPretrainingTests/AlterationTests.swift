import ApusPretraining
import ApusTensor
import Testing

extension Computing {
    /// What masked reconstruction does to features before the encoder sees them.
    @Suite struct AlterationTests {
        /// How a recording's masked frames were altered.
        private enum Treatment { case zeroed, replaced, kept }

        /// Features that tell their place: recording, frame and band, never zero, exact in 32 bits.
        private func place(_ recording: Int, _ frame: Int, _ band: Int) -> Float {
            Float(recording % 1000 * 10_000 + frame * 100 + band + 1)
        }

        private func features(lengths: [Int], frameCount: Int, melBandCount: Int) -> [Float] {
            lengths.enumerated().flatMap { recording, length in
                (0..<frameCount * melBandCount).map {
                    $0 / melBandCount < length
                        ? place(recording, $0 / melBandCount, $0 % melBandCount) : 0
                }
            }
        }

        private struct Altered {
            var mask: [[Bool]]
            var values: [[Float]]
            var original: [[Float]]
        }

        /// Each recording's altered (T, M) rows.
        private func alter(
            lengths: [Int], frameCount: Int, melBandCount: Int = 10, seed: UInt64 = 1,
            _ adjust: (inout MaskedReconstruction.Configuration) -> Void = { _ in }
        ) -> [Altered] {
            let model = makeMaskedReconstruction(adjust)
            let input = features(
                lengths: lengths, frameCount: frameCount, melBandCount: melBandCount)
            let result = model.alter(
                input, lengths: lengths, frameCount: frameCount, melBandCount: melBandCount,
                seed: Seed(seed))
            #expect(result.mask.allSatisfy { $0 == 0 || $0 == 1 })
            func rows<Value>(_ values: [Value], _ recording: Int) -> [[Value]] {
                (0..<frameCount).map {
                    let start = (recording * frameCount + $0) * melBandCount
                    return Array(values[start..<start + melBandCount])
                }
            }
            let mask = result.mask.map { $0 == 1 }
            return lengths.indices.map {
                Altered(
                    mask: rows(mask, $0), values: rows(result.features, $0),
                    original: rows(input, $0))
            }
        }

        private func timeOnly(_ configuration: inout MaskedReconstruction.Configuration) {
            configuration.frequencyMaskShare = 0
        }

        private func frequencyOnly(_ configuration: inout MaskedReconstruction.Configuration) {
            configuration.timeMaskShare = 0
        }

        /// Lengths of runs of masked frames, and whether frames are masked as a whole.
        private func runs(of altered: Altered) -> [Int] {
            var runs: [Int] = []
            var before = false
            #expect(
                altered.mask.allSatisfy { Set($0).count == 1 },
                "a frame is masked as a whole or not at all")
            for row in altered.mask {
                if row[0] {
                    if before { runs[runs.count - 1] += 1 } else { runs.append(1) }
                }
                before = row[0]
            }
            return runs
        }

        @Test func maskedFramesFormSpans() {
            let lengths = [Int](repeating: 100, count: 200)
            var wholeSpans = 0
            for altered in alter(lengths: lengths, frameCount: 100, timeOnly) {
                // round(0.15 · 100 / 7) = 2 spans of 7 frames, which may touch or overlap.
                let runs = runs(of: altered)
                #expect(runs == [7, 7] || (runs.count == 1 && (8...14).contains(runs[0])))
                if runs == [7, 7] { wholeSpans += 1 }
            }
            #expect(wholeSpans > 150)
        }

        /// Two spans of 7 frames among 93 starts cover 14 frames less their overlap.
        @Test func theMaskedShareIsTheExpectedOne() {
            let recordings = alter(
                lengths: [Int](repeating: 100, count: 2000), frameCount: 100, timeOnly)
            let shares = recordings.map { altered in
                Double(altered.mask.filter { $0[0] }.count) / 100
            }
            let starts = 93
            // The overlap of two different starts at a distance d below 7 is 7 - d frames.
            let overlap = (1..<7).reduce(0.0) {
                $0 + Double((7 - $1) * (starts - $1)) / Double(starts * (starts - 1) / 2)
            }
            let mean = shares.reduce(0, +) / Double(shares.count)
            #expect(abs(mean - (14 - overlap) / 100) < 0.002)
        }

        @Test func eightOfTenAreZeroedOneReplacedOneKept() {
            let count = 3000
            let recordings = alter(
                lengths: [Int](repeating: 60, count: count), frameCount: 60, timeOnly)
            var treatments: [Treatment: Int] = [:]
            for (index, altered) in recordings.enumerated() {
                let masked = (0..<60).filter { altered.mask[$0][0] }
                #expect(!masked.isEmpty)
                let values = masked.map { altered.values[$0] }
                let treatment: Treatment
                if values.allSatisfy({ $0.allSatisfy { $0 == 0 } }) {
                    treatment = .zeroed
                } else if masked.allSatisfy({ altered.values[$0] == altered.original[$0] }) {
                    treatment = .kept
                } else {
                    treatment = .replaced
                    // What stands there instead are other frames of the same recording, as they were.
                    for row in values {
                        let frame = (Int(row[0]) - 1 - index % 1000 * 10_000) / 100
                        #expect((0..<60).contains(frame) && row == altered.original[frame])
                    }
                }
                treatments[treatment, default: 0] += 1
                #expect(
                    (0..<60).allSatisfy {
                        altered.mask[$0][0] || altered.values[$0] == altered.original[$0]
                    })
            }
            for (treatment, share) in [(Treatment.zeroed, 0.8), (.replaced, 0.1), (.kept, 0.1)] {
                let found = Double(treatments[treatment] ?? 0) / Double(count)
                let deviation = (share * (1 - share) / Double(count)).squareRoot()
                // A recording replaced by the very same span counts as kept: a share of about 1 in 500.
                #expect(abs(found - share) < 4 * deviation + 0.001, "\(treatment): \(found)")
            }
        }

        /// A replaced span is one stretch of the recording, frame after frame.
        @Test func aReplacedSpanIsOneStretch() {
            let recordings = alter(
                lengths: [Int](repeating: 40, count: 400), frameCount: 40
            ) {
                $0.frequencyMaskShare = 0
                $0.timeMaskShare = 0.15  // round(0.15 · 40 / 7) = 1 span
            }
            var replaced = 0
            for (index, altered) in recordings.enumerated() {
                let masked = (0..<40).filter { altered.mask[$0][0] }
                #expect(masked.count == 7)
                let sources = masked.map {
                    (Int(altered.values[$0][0]) - 1 - index % 1000 * 10_000) / 100
                }
                guard altered.values[masked[0]][0] != 0, sources[0] != masked[0] else { continue }
                replaced += 1
                #expect(sources == Array(sources[0]..<sources[0] + 7))
            }
            #expect(replaced > 15)
        }

        @Test func frequencyBandsAreUpToAFifthWide() {
            let melBandCount = 23
            let widest = 4  // ⌊0.2 · 23⌋
            let recordings = alter(
                lengths: [Int](repeating: 12, count: 3000), frameCount: 12,
                melBandCount: melBandCount,
                frequencyOnly)
            var widths = [Int](repeating: 0, count: widest + 1)
            var bands = [Int](repeating: 0, count: melBandCount)
            for altered in recordings {
                let masked = (0..<melBandCount).filter { altered.mask[0][$0] }
                #expect(masked.count <= widest)
                if let first = masked.first {
                    #expect(masked == Array(first..<first + masked.count))
                }
                widths[masked.count] += 1
                for band in masked { bands[band] += 1 }
                let expected = altered.original.map { row in
                    zip(row, altered.mask[0]).map { $1 ? 0 : $0 }
                }
                #expect(altered.values == expected)
                #expect(altered.mask == [[Bool]](repeating: altered.mask[0], count: 12))
            }
            let expected = 3000.0 / Double(widest + 1)
            for count in widths {
                #expect(abs(Double(count) - expected) < 5 * expected.squareRoot())
            }
            #expect(bands.allSatisfy { $0 > 0 })
        }

        /// Noise lies on the whole of some recordings and never changes what counts in the loss.
        @Test func magnitudeIsAlteredWithAProbability() {
            let lengths = [Int](repeating: 30, count: 1000)
            let plain = alter(lengths: lengths, frameCount: 32)
            let noisy = alter(lengths: lengths, frameCount: 32) {
                $0.noiseProbability = 0.15
                $0.noiseDeviation = 1000
            }
            var (changed, sum, squares, cells) = (0, 0.0, 0.0, 0.0)
            for (one, other) in zip(plain, noisy) {
                #expect(one.mask == other.mask)
                let noise = zip(one.values, other.values).map { rows in
                    zip(rows.0, rows.1).map { Double($1 - $0) }
                }
                #expect(noise[30...].allSatisfy { $0.allSatisfy { $0 == 0 } })
                guard noise[0][0] != 0 else {
                    #expect(one.values == other.values)
                    continue
                }
                changed += 1
                for value in noise[..<30].joined() {
                    sum += value
                    squares += value * value
                    cells += 1
                }
            }
            #expect(abs(Double(changed) / 1000 - 0.15) < 4 * (0.15 * 0.85 / 1000).squareRoot())
            #expect(abs(sum / cells) < 20)
            #expect(abs((squares / cells).squareRoot() - 1000) < 20)
        }

        @Test func nothingBeyondARecordingsEndIsTouched() {
            let lengths = [40, 3, 17, 1]
            for seed in 1...50 {
                for (altered, length) in zip(
                    alter(lengths: lengths, frameCount: 40, seed: UInt64(seed)), lengths)
                {
                    #expect(altered.mask[length...].allSatisfy { !$0.contains(true) })
                    #expect(altered.values[length...] == altered.original[length...])
                    #expect(altered.mask[..<length].contains { $0.contains(true) })
                }
            }
        }

        /// A recording shorter than a span is altered over its whole length.
        @Test(arguments: [1, 2, 6, 7])
        func shortRecordingsAreMaskedAsAWhole(length: Int) {
            let altered = alter(lengths: [length], frameCount: 9, timeOnly)[0]
            #expect(altered.mask.map { $0[0] } == (0..<9).map { $0 < length })
        }

        @Test func theDrawDependsOnTheSeedAlone() {
            let model = makeMaskedReconstruction()
            func draw(_ lengths: [Int], _ frameCount: Int, _ seed: UInt64)
                -> MaskedReconstruction.Alteration
            {
                model.alter(
                    features(lengths: lengths, frameCount: frameCount, melBandCount: 10),
                    lengths: lengths,
                    frameCount: frameCount, melBandCount: 10, seed: Seed(seed))
            }
            let first = draw([30, 20], 30, 1)
            #expect(draw([30, 20], 30, 2) != first)
            #expect(draw([30, 20], 30, 1) == first)
            // Neither padding nor what else is in the batch moves a recording's draw.
            let longer = draw([30, 25], 40, 1)
            #expect(longer.features[..<300] == first.features[..<300])
            #expect(longer.mask[..<300] == first.mask[..<300])
        }
    }
}
