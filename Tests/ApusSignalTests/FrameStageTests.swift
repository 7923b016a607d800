import ApusSignal
import Foundation
import Testing

/// The stages after the spectrum, in closed form: on features whose values are known.
@Suite struct FrameStageTests {
    /// A front end whose two features a frame are the power of two bins of single samples: the sample
    /// at the frame's start, squared, so that any sequence of features can be made.
    static let probe: FrontEnd = {
        var frontEnd = FrontEnd()
        frontEnd.sampleRate = 100
        frontEnd.waveformScale = 1
        frontEnd.frameLength = .samples(2)
        frontEnd.frameShift = .samples(2)
        frontEnd.fftLength = 2
        frontEnd.window = .rectangular
        frontEnd.removesDCOffset = false
        frontEnd.preEmphasis = 0
        frontEnd.kind = .spectrogram
        frontEnd.spectrum = .magnitude
        frontEnd.log = .none
        return frontEnd
    }()

    /// A waveform whose frames under ``probe`` are (value, 0) with non-negative values.
    static func waveform(_ values: [Float]) -> Waveform {
        Waveform(samples: values.flatMap { [$0 / 2, $0 / 2] }, sampleRate: 100)
    }

    /// The first feature of every frame, of `step` features each, from `offset` on.
    func column(_ matrix: FeatureMatrix, _ feature: Int) -> [Float] {
        (0..<matrix.frameCount).map { matrix[$0, feature] }
    }

    func features(
        _ values: [Float], _ change: (inout FrontEnd) -> Void
    ) throws -> FeatureMatrix {
        var frontEnd = Self.probe
        change(&frontEnd)
        return try FeatureExtractor(frontEnd)(Self.waveform(values))
    }

    @Test func theProbeGivesTheValues() throws {
        let matrix = try features([3, 0, 7]) { _ in }
        #expect(column(matrix, 0) == [3, 0, 7])
        #expect(column(matrix, 1) == [0, 0, 0])
    }

    @Test func deltasOfALineAreItsSlope() throws {
        let line = (0..<10).map { 3 * Float($0) }
        for method in DeltaMethod.allCases {
            let matrix = try features(line) {
                $0.deltaOrder = 2
                $0.deltaMethod = method
            }
            #expect(matrix.featureCount == 6)
            #expect(column(matrix, 0) == line)
            for frame in 4..<6 {
                #expect(abs(matrix[frame, 2] - 3) < 1e-5)
                #expect(abs(matrix[frame, 4]) < 1e-5)
            }
        }
        // With the ends repeated, frame 0 sees 0, 0, 0, 3, 6: (1 * 3 + 2 * 6) / 10.
        let kaldi = try features(line) { $0.deltaOrder = 1 }
        #expect(abs(kaldi[0, 2] - 1.5) < 1e-6)
        // A fitted line has its slope at the ends too.
        let fitted = try features(line) {
            $0.deltaOrder = 1
            $0.deltaMethod = .savitzkyGolay
        }
        #expect(column(fitted, 2).allSatisfy { abs($0 - 3) < 1e-5 })
    }

    @Test func secondDeltasOfAParabola() throws {
        let parabola = (0..<12).map { Float($0 * $0) }
        for method in DeltaMethod.allCases {
            let matrix = try features(parabola) {
                $0.deltaOrder = 2
                $0.deltaMethod = method
            }
            // d/dt t^2 = 2 t, and its derivative is 2.
            for frame in 4..<8 {
                #expect(abs(matrix[frame, 2] - 2 * Float(frame)) < 1e-4)
                #expect(abs(matrix[frame, 4] - 2) < 1e-4)
            }
        }
    }

    @Test func stacksAreNeighbours() throws {
        let values: [Float] = [1, 2, 3, 4, 5, 6, 7]
        let cut = try features(values) {
            $0.stacking.right = 3
            $0.stacking.shift = 2
        }
        #expect(cut.frameCount == 2 && cut.featureCount == 8)
        #expect(stride(from: 0, to: 8, by: 2).map { cut[1, $0] } == [3, 4, 5, 6])
        let repeated = try features(values) {
            $0.stacking.left = 1
            $0.stacking.right = 1
            $0.stacking.shift = 3
            $0.stacking.edges = .replicate
        }
        #expect(repeated.frameCount == 3)
        #expect(stride(from: 0, to: 6, by: 2).map { repeated[0, $0] } == [1, 1, 2])
        #expect(stride(from: 0, to: 6, by: 2).map { repeated[2, $0] } == [6, 7, 7])
        let zeros = try features(values) {
            $0.stacking.left = 1
            $0.stacking.shift = 6
            $0.stacking.edges = .zero
        }
        #expect(stride(from: 0, to: 4, by: 2).map { zeros[0, $0] } == [0, 1])
        #expect(zeros.frameCount == 2)
    }

    @Test func frameCountsSayWhatStacksGive() throws {
        for count in 1..<20 {
            for edges in FrameStacking.Edges.allCases {
                var frontEnd = Self.probe
                frontEnd.stacking.left = 2
                frontEnd.stacking.right = 1
                frontEnd.stacking.shift = 3
                frontEnd.stacking.edges = edges
                let values = [Float](repeating: 1, count: count)
                let promised = frontEnd.frameCount(sampleCount: 2 * count)
                guard promised > 0 else {
                    #expect(edges == .snip && count < 4)
                    continue
                }
                let matrix = try FeatureExtractor(frontEnd)(Self.waveform(values))
                #expect(matrix.frameCount == promised)
                #expect(frontEnd.frameRate == 100.0 / 6)
            }
        }
    }

    @Test func slidingMeansAreThoseOfTheWindow() throws {
        let values = (0..<9).map { Float($0 * $0) }
        var window = SlidingWindow()
        window.frameCount = 3
        window.minimumFrameCount = 2
        let centered = try features(values) {
            $0.normalization = .sliding(window, variance: false)
        }
        // At the ends the window is moved inwards.
        let places = [0, 0, 1, 2, 3, 4, 5, 6, 6]
        for (frame, start) in places.enumerated() {
            let mean = values[start..<start + 3].reduce(0, +) / 3
            #expect(abs(centered[frame, 0] - (values[frame] - mean)) < 1e-4)
        }
        window.isCentered = false
        let trailing = try features(values) {
            $0.normalization = .sliding(window, variance: true)
        }
        // Kaldi's window ends with the frame, has one frame more than asked, and two at the start.
        for frame in 0..<9 {
            let range = max(0, frame - 3)..<max(2, frame + 1)
            let part = values[range].map { Double($0) }
            let mean = part.reduce(0, +) / Double(part.count)
            let variance = part.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(part.count)
            let expected = (Double(values[frame]) - mean) / variance.squareRoot()
            #expect(abs(Double(trailing[frame, 0]) - expected) < 1e-4)
        }
    }

    @Test func steadyEnergyHasAClosedForm() throws {
        // Where the energy stays 1, so does its smoothed copy: (1 / (eps + 1)^gain + bias)^r - bias^r.
        let matrix = try features([Float](repeating: 1, count: 50)) { $0.pcen = PCEN() }
        let expected = Float(pow(1 / pow(1 + 1e-6, 0.98) + 2, 0.5) - pow(2, 0.5))
        #expect(column(matrix, 0).allSatisfy { abs($0 - expected) < 1e-5 })
        // A gain of 1 takes out any steady loudness in the long run.
        func last(_ loudness: Float) throws -> Float {
            let matrix = try features([Float](repeating: loudness, count: 2000)) {
                var pcen = PCEN()
                pcen.gain = 1
                $0.pcen = pcen
            }
            return matrix[1999, 0]
        }
        #expect(abs(try last(1) - last(100)) < 1e-4)
    }

    @Test func energyIsThatOfTheFrame() throws {
        var frontEnd = FrontEnd.kaldi
        frontEnd.waveformScale = 1
        frontEnd.removesDCOffset = false
        frontEnd.energy = .raw
        let tone = Waveform(
            samples: sine(frequency: 400, amplitude: 0.5, count: 1000), sampleRate: 16000)
        // 400 samples are ten periods: a mean square of 1/8.
        let expected = log(Float(400 * 0.125))
        let first = try FeatureExtractor(frontEnd)(tone)
        #expect(first.featureCount == 81)
        #expect(column(first, 0).allSatisfy { abs($0 - expected) < 1e-4 })
        frontEnd.htkOrder = true
        let last = try FeatureExtractor(frontEnd)(tone)
        #expect(column(last, 80) == column(first, 0))
        #expect(column(last, 0) == column(first, 1))
        frontEnd.kind = .mfcc
        let cepstra = try FeatureExtractor(frontEnd)(tone)
        #expect(cepstra.featureCount == 13)
        #expect(column(cepstra, 12) == column(first, 0))
        frontEnd.energyFloor = 1000
        let floored = try FeatureExtractor(frontEnd)(tone)
        #expect(column(floored, 12).allSatisfy { abs($0 - log(Float(1000))) < 1e-4 })
    }

    @Test func theCosineTransformKeepsTheNorm() throws {
        var frontEnd = FrontEnd.kaldi
        frontEnd.melBandCount = 23
        let waveform = Waveform(samples: noise(count: 2000), sampleRate: 16000)
        let bands = try FeatureExtractor(frontEnd)(waveform)
        frontEnd.kind = .mfcc
        frontEnd.cepstrumCount = 23
        frontEnd.cepstralLifter = 0
        let cepstra = try FeatureExtractor(frontEnd)(waveform)
        for frame in 0..<bands.frameCount {
            let one = bands.rows(in: frame..<frame + 1).values.reduce(0) { $0 + $1 * $1 }
            let other = cepstra.rows(in: frame..<frame + 1).values.reduce(0) { $0 + $1 * $1 }
            #expect(abs(one - other) < 1e-4 * one)
            // C0 is the sum of the bands over sqrt(M).
            let sum = bands.rows(in: frame..<frame + 1).values.reduce(0, +)
            #expect(abs(cepstra[frame, 0] - sum / Float(23).squareRoot()) < 1e-3)
        }
    }

    @Test func theRangeBelowTheMaximumIsBounded() throws {
        let samples = noise(count: 4000).enumerated().map {
            $0.element * ($0.offset < 2000 ? 1 : 1e-6)
        }
        let waveform = Waveform(samples: samples, sampleRate: 16000)
        for (log, range) in [
            (LogarithmKind.decibel, Float(50)), (.log10, 5), (.natural, 5 * 2.302585),
        ] {
            var frontEnd = FrontEnd.speechbrain
            frontEnd.log = log
            frontEnd.dynamicRange = 50
            frontEnd.logReference = .maximum
            let values = try FeatureExtractor(frontEnd)(waveform).values
            #expect(values.max() == 0)
            #expect(abs((values.min() ?? 0) + range) < 1e-4)
        }
    }

    @Test func floorsClampOrAdd() throws {
        var frontEnd = Self.probe
        frontEnd.spectrum = .power
        frontEnd.log = .natural
        frontEnd.logFloor = 4
        let clamped = try FeatureExtractor(frontEnd)(Self.waveform([0, 1, 10]))
        #expect(zip(column(clamped, 0), [4, 4, 100]).allSatisfy { abs($0 - log($1)) < 1e-6 })
        frontEnd.logFloorMode = .add
        let added = try FeatureExtractor(frontEnd)(Self.waveform([0, 1, 10]))
        #expect(zip(column(added, 0), [4, 5, 104]).allSatisfy { abs($0 - log($1)) < 1e-6 })
    }

    @Test func logarithmsAreExactToAUnitInTheLastPlace() throws {
        var frontEnd = Self.probe
        frontEnd.spectrum = .magnitude
        frontEnd.log = .natural
        frontEnd.logFloor = 1e-30
        // Many magnitudes, and the hard place around 1.
        var values: [Float] = (0..<3000).map { Float(exp(Double($0 - 1500) / 40)) }
        values += (0..<2000).map { 0.9 + Float($0) * 1e-4 }
        let logs = try column(FeatureExtractor(frontEnd)(Self.waveform(values)), 0)
        for (value, found) in zip(values, logs) {
            let exact = log(Double(value))
            let unit = Double(Float(exact).ulp)
            #expect(abs(Double(found) - exact) <= 2 * max(unit, 1e-9))
        }
    }

    @Test func denormalSamplesAreSilence() throws {
        let values = try FeatureExtractor(.kaldi)(
            Waveform(
                samples: [Float](repeating: .leastNonzeroMagnitude, count: 1000), sampleRate: 16000)
        ).values
        #expect(values.allSatisfy { abs($0 - log(Float(1.1920929e-07))) < 1e-5 })
    }
}
