import ApusSignal
import Testing

/// Features of a stream are those of the whole, whatever the pieces.
@Suite struct FeatureStreamTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        var sampleRate = 16000
        var seed: UInt64?
        let change: @Sendable (inout FrontEnd) -> Void
        var testDescription: String { name }

        var frontEnd: FrontEnd {
            var frontEnd = FrontEnd.kaldi
            change(&frontEnd)
            return frontEnd
        }
    }

    static let cases = [
        Case(name: "kaldi") { _ in },
        Case(name: "resampled from 44.1 kHz", sampleRate: 44100) { _ in },
        Case(name: "resampled from 8 kHz", sampleRate: 8000) { _ in },
        Case(name: "mirrored, dithered", seed: 5) {
            $0.edges = .mirror
            $0.dither = 1
        },
        Case(name: "centred, reflected, last frame left out") {
            $0.edges = .centeredReflect
            $0.omitsLastFrame = true
        },
        Case(name: "centred, zeros, short frames, long shifts") {
            $0.edges = .centeredZero
            $0.frameLength = 5
            $0.frameShift = 20
            $0.fftLength = 256
        },
        Case(name: "whole transforms of odd length") {
            $0.edges = .wholeTransforms
            $0.fftLength = 513
        },
        Case(name: "MFCC with energy and deltas") {
            $0.kind = .mfcc
            $0.energy = .raw
            $0.deltaOrder = 2
        },
        Case(name: "stepwise deltas, centred sliding normalization") {
            $0.deltaOrder = 2
            $0.deltaMethod = .stepwise
            var window = SlidingWindow()
            window.frameCount = 30
            window.minimumFrameCount = 10
            $0.normalization = .sliding(window, variance: true)
        },
        Case(name: "Savitzky-Golay deltas, stacked with repeated ends") {
            $0.deltaOrder = 2
            $0.deltaMethod = .savitzkyGolay
            $0.stacking.left = 3
            $0.stacking.right = 3
            $0.stacking.shift = 6
            $0.stacking.edges = .replicate
        },
        Case(name: "PCEN, sliding normalization before the frame, stacks cut at the ends") {
            $0.log = .none
            $0.pcen = PCEN()
            var window = SlidingWindow()
            window.frameCount = 30
            window.minimumFrameCount = 10
            window.isCentered = false
            $0.normalization = .sliding(window, variance: false)
            $0.stacking.right = 3
            $0.stacking.shift = 4
        },
        Case(name: "the samples themselves, dithered", seed: 5) {
            $0 = .waveform
            $0.dither = 1e-3
        },
        Case(name: "the samples themselves, resampled from 44.1 kHz", sampleRate: 44100) {
            $0 = .waveform
        },
        Case(name: "log energy in a spectrogram, stacked with zeros") {
            $0.kind = .spectrogram
            $0.energy = .windowed
            $0.stacking.left = 1
            $0.stacking.right = 1
            $0.stacking.edges = .zero
        },
    ]

    @Test(arguments: cases, [1, 37, 160, 1000, 4096, 9999])
    func piecesGiveWhatTheWholeGives(of test: Case, pieceLength: Int) throws {
        let samples = noise(count: 12345)
        let frontEnd = test.frontEnd
        let whole = try FeatureExtractor(frontEnd)(
            Waveform(samples: samples, sampleRate: test.sampleRate), ditherSeed: test.seed)
        let stream = try FeatureStream(
            frontEnd, sampleRate: test.sampleRate, ditherSeed: test.seed)
        for round in 0..<2 {
            var values: [Float] = []
            for start in stride(from: 0, to: samples.count, by: pieceLength) {
                let piece = samples[start..<min(start + pieceLength, samples.count)]
                values += try stream.push(Array(piece)).values
            }
            values += try stream.finish().values
            // The second recording shows that nothing of the first is left.
            #expect(values == whole.values, "round \(round)")
        }
    }

    @Test(arguments: cases, [1, 2, 79, 80, 200, 400, 401, 600, 1700])
    func shortRecordingsToo(of test: Case, count: Int) throws {
        let samples = noise(count: count)
        let frontEnd = test.frontEnd
        let stream = try FeatureStream(
            frontEnd, sampleRate: test.sampleRate, ditherSeed: test.seed)
        let whole = Result {
            try FeatureExtractor(frontEnd)(
                Waveform(samples: samples, sampleRate: test.sampleRate), ditherSeed: test.seed)
        }
        var values: [Float] = []
        for sample in samples { values += try stream.push([sample]).values }
        switch whole {
        case .success(let matrix):
            values += try stream.finish().values
            #expect(values == matrix.values)
            #expect(matrix.values.allSatisfy { $0.isFinite })
        case .failure(let error):
            let expected = try #require(error as? SignalError)
            #expect(throws: expected) { try stream.finish() }
            #expect(values.isEmpty)
        }
    }

    @Test func aFrameWaitsNoLongerThanTheLatency() throws {
        for test in Self.cases {
            let stream = try FeatureStream(test.frontEnd, sampleRate: test.sampleRate)
            let latency = try stream.latency
            let frontEnd = test.frontEnd
            let samples = noise(count: 4 * test.sampleRate)
            let pieceLength = 10
            var given = 0
            for start in stride(from: 0, to: samples.count, by: pieceLength) {
                given += try stream.push(Array(samples[start..<start + pieceLength])).frameCount
                let seconds = Double(start + pieceLength) / Double(test.sampleRate) - latency
                // The frames that end this long ago are all there.
                let ended = max(0, Int(seconds * Double(frontEnd.sampleRate)))
                var inside = frontEnd
                inside.edges = .snip
                #expect(given >= inside.frameCount(sampleCount: ended) - 1, "\(test.name)")
            }
        }
    }

    @Test func whatNeedsTheWholeIsRefused() throws {
        for change: (inout FrontEnd) -> Void in [
            { $0.dynamicRange = 80 }, { $0.logReference = .maximum },
            { $0.normalization = .perRecording(variance: false) },
        ] {
            var frontEnd = FrontEnd.kaldi
            change(&frontEnd)
            #expect(frontEnd.needsWholeRecording)
            #expect(throws: SignalError.self) { try FeatureStream(frontEnd) }
        }
    }

    @Test func aSampleThatIsNoNumberIsNamed() throws {
        let stream = try FeatureStream(.kaldi, source: "a.wav")
        _ = try stream.push(noise(count: 500))
        #expect(throws: SignalError.nonFinite(path: "a.wav", index: 502)) {
            try stream.push([0, 0, .nan])
        }
    }
}
