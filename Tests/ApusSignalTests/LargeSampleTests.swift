import ApusSignal
import Foundation
import TestSupport
import Testing

@Suite struct LargeSampleTests {
    private static let frontEnds = FrontEnd.presetNames.compactMap(FrontEnd.preset)

    private func features(of samples: [Float], _ frontEnd: FrontEnd) throws -> FeatureMatrix {
        try FeatureExtractor(frontEnd)(Waveform(samples: samples, sampleRate: frontEnd.sampleRate))
    }

    // The powers of such samples are infinite, their sums no numbers, and a floor would hide it.
    @Test(arguments: frontEnds)
    func powersThatNoFloatHoldsAreAnError(frontEnd: FrontEnd) throws {
        var samples = noise(count: 40000)
        samples[20011] = .greatestFiniteMagnitude
        guard
            case .samplesTooLarge(SignalError.inMemory, let limit)? = #expect(
                throws: SignalError.self, performing: { try features(of: samples, frontEnd) })
        else {
            Issue.record("samples too large have an error of their own")
            return
        }
        #expect(limit > 1e9)
        try withTemporaryFolder { folder in
            let path = "\(folder)/loud.wav"
            try Waveform(samples: samples, sampleRate: frontEnd.sampleRate)
                .write(to: path, format: .wavFloat)
            let error = #expect(throws: SignalError.samplesTooLarge(path: path, limit: limit)) {
                let reader = try FeatureReader(SoundFile(path: path), frontEnd)
                while try reader.next() != nil {}
            }
            #expect(error?.description.hasPrefix(path) == true)
        }
    }

    @Test func aStreamSaysSoToo() throws {
        let stream = try FeatureStream(.kaldi)
        _ = try stream.push(noise(count: 1000))
        #expect(throws: SignalError.self) { try stream.push([1, 1e38, 1]) }
        let other = try FeatureStream(.kaldi)
        _ = try other.push(noise(count: 1000))
        #expect(throws: SignalError.nonFinite(path: SignalError.inMemory, index: 1002)) {
            try other.push([1, 2, .infinity])
        }
    }

    @Test(arguments: frontEnds)
    func upToTheLimitFeaturesAreFinite(frontEnd: FrontEnd) throws {
        let error = #expect(throws: SignalError.self) {
            try features(of: [Float](repeating: 3e38, count: 40000), frontEnd)
        }
        guard case .samplesTooLarge(_, let limit)? = error else {
            Issue.record("samples too large have an error of their own")
            return
        }
        // As loud as can be at any frequency: constant, alternating, noise.
        let alternating = (0..<40000).map { $0 % 2 == 0 ? limit : -limit }
        let loudNoise = noise(count: 40000).map { $0 < 0 ? -limit : limit }
        for samples in [[Float](repeating: limit, count: 40000), alternating, loudNoise] {
            var linear = frontEnd
            linear.log = .none
            linear.dynamicRange = nil
            let values = try features(of: samples, linear).values
            #expect(values.allSatisfy { $0.isFinite && $0 < .greatestFiniteMagnitude })
        }
    }

    @Test func optionsThatMakeInfinityAreAnError() {
        var frontEnd = FrontEnd.kaldi
        frontEnd.outputScale = .greatestFiniteMagnitude
        let samples = noise(count: 4000)
        #expect(throws: SignalError.nonFiniteFeatures(path: SignalError.inMemory, frame: 0)) {
            try features(of: samples, frontEnd)
        }
        #expect(throws: SignalError.nonFiniteFeatures(path: SignalError.inMemory, frame: 0)) {
            try FeatureStream(frontEnd).push(samples)
        }
    }

    @Test func resamplingGivesNumbersOrAnError() throws {
        let samples = noise(count: 4000).map { $0 < 0 ? -Float.greatestFiniteMagnitude : 3e38 }
        let loud = Waveform(samples: samples, sampleRate: 22050)
        #expect(throws: SignalError.self) { try FeatureExtractor(.kaldi)(loud) }
        try withTemporaryFolder { folder in
            let path = "\(folder)/loud.wav"
            try loud.write(to: path, format: .wavFloat)
            let error = #expect(throws: SignalError.self) {
                try Waveform(contentsOf: path, sampleRate: 16000)
            }
            guard case .resamplingFailed(path, _)? = error else {
                Issue.record("another error: \(String(describing: error))")
                return
            }
        }
    }
}
