import ApusSignal
import Testing

/// Masks and warps of features.
@Suite struct SpecAugmentTests {
    /// Frame t has the features 10 t, 10 t + 1 and 10 t + 2.
    private let features = FeatureMatrix(
        values: (0..<5).flatMap { t in (0..<3).map { Float(10 * t + $0) } }, frameCount: 5,
        featureCount: 3)

    @Test func masksAreZero() {
        let masked = features.masking(frames: [1..<3], features: [2..<3])
        #expect(
            masked.values == [0, 1, 0, 0, 0, 0, 0, 0, 0, 30, 31, 0, 40, 41, 0])
        #expect(masked.frameCount == 5 && masked.featureCount == 3)
    }

    @Test func masksAreTheMean() {
        let masked = features.masking(frames: [0..<1], features: [0..<1, 1..<2], with: .mean)
        // (0 + 10 + 20 + 30 + 40) / 5 + (0 + 1 + 2) / 3
        #expect(
            masked.values == [21, 21, 21, 21, 21, 12, 21, 21, 22, 21, 21, 32, 21, 21, 42])
    }

    @Test func masksMayReachOverTheEnds() {
        #expect(features.masking(frames: [], features: []) == features)
        #expect(features.masking(frames: [5..<9, -4..<0], features: [3..<4]) == features)
        #expect(
            features.masking(frames: [-2..<99], features: []).values
                == [Float](repeating: 0, count: 15))
        let none = FeatureMatrix(values: [], frameCount: 0, featureCount: 3)
        #expect(none.masking(frames: [0..<1], features: [0..<1], with: .mean) == none)
    }

    @Test func warpingMovesAFrame() {
        let warped = features.timeWarped(movingFrame: 2, by: 1)
        // Frames 0, 2/3, 4/3, 2, 4 of the original.
        let expected: [Float] = [0, 20 / 3, 40 / 3, 20, 40]
        for (frame, value) in expected.enumerated() {
            for feature in 0..<3 {
                #expect(abs(warped[frame, feature] - value - Float(feature)) < 1e-5)
            }
        }
        #expect(features.timeWarped(movingFrame: 2, by: 0) == features)
        let back = features.timeWarped(movingFrame: 3, by: -2)
        #expect((0..<5).map { back[$0, 0].rounded() } == [0, 30, 33, 37, 40])
    }

    @Test func warpingTheEndsTraps() async {
        await #expect(processExitsWith: .failure) {
            let two = FeatureMatrix(values: [1, 2], frameCount: 2, featureCount: 1)
            _ = two.timeWarped(movingFrame: 1, by: 0)
        }
    }
}
