import ApusNN
import ApusTensor
import Testing

@Suite struct PaddingTests {
    @Test func masksMarkTheRecordingsFrames() throws {
        let mask = try #require(frameMask(lengths: [3, 1, 0], frameCount: 3))
        #expect(mask.shape == [3, 3, 1])
        #expect(mask.floats == [1, 1, 1, 1, 0, 0, 0, 0, 0])
        let padding = try #require(attentionPadding(lengths: [3, 1], frameCount: 3))
        #expect(padding.shape == [2, 1, 1, 3])
        #expect(padding.type == .bool)
        #expect(padding.integers == [0, 0, 0, 0, 1, 1])
    }

    @Test func nothingIsMaskedWhereNothingIsPadded() {
        #expect(frameMask(lengths: [3, 3], frameCount: 3) == nil)
        #expect(attentionPadding(lengths: [3, 4], frameCount: 3) == nil)
    }

    /// A recording's frames do not depend on what lies in its padding or shares its batch.
    @Test func paddedFramesDoNotReachTheRecording() throws {
        let layer = TransformerEncoderLayer(
            width: 8, headCount: 2, feedForwardWidth: 16, dropout: 0.1, seed: Seed(1))
        try layer.load(
            layer.weights().mapValues { old in
                TensorValues(shape: old.shape, values: old.values.map { $0 * 10 })
            }, from: "scaled")
        let (long, short) = (normal(1, 9, 8, seed: 1), normal(1, 4, 8, seed: 2))
        let alone = layer(short, padding: nil, draws: nil)
        for filler in [0.0, 1e3] {
            let padded = Tensor.concatenated(
                [short, Tensor(repeating: filler, shape: [1, 5, 8])], dimension: 1)
            let output = layer(
                .concatenated([long, padded], dimension: 0),
                padding: attentionPadding(lengths: [9, 4], frameCount: 9), draws: nil)
            let own = output.sliced(1..<2, dimension: 0).sliced(0..<4, dimension: 1)
            #expect(relativeError(own.floats, alone.floats) < 1e-5)
        }
    }

    @Test func sinusoidsInClosedForm() {
        let positions = sinusoidalPositions(frameCount: 3, width: 2).floats
        #expect(
            relativeError(positions, [0, 1, 0.841_470_98, 0.540_302_3, 0.909_297_4, -0.416_146_84])
                < 1e-6)
    }
}
