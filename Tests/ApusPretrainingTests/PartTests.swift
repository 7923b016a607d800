import ApusNN
import ApusPretraining
import ApusTensor
import Testing

extension Computing {
    /// A recording in parts has the hidden states of the whole.
    @Suite struct PartTests {
        private let frameCount = 101

        /// The states of all parts one after another; each part sees `before` and `after` frames around.
        private func inParts(
            _ encoder: any Encoder, _ features: Tensor, before: Int, after: Int, size: Int = 24
        ) -> [[Float]] {
            let (stride, frameCount) = (encoder.stride, features.shape[1])
            #expect(size % stride == 0 && before % stride == 0)
            let states = RecurrentStates()
            var layers = [[Float]](repeating: [], count: encoder.layerNames.count)
            for start in Swift.stride(from: 0, to: frameCount, by: size) {
                let end = min(start + size, frameCount)
                let first = max(0, start - before)
                let own = (start - first) / stride..<(end - first + stride - 1) / stride
                states.beginPart()
                let parts = withoutGradients {
                    encoder.part(
                        features.sliced(first..<min(end + after, frameCount), dimension: 1),
                        own: own, states: states)
                }
                for (index, part) in parts.enumerated() {
                    // Windows that reach beyond the end may have too few frames to count.
                    #expect(part.shape[1] == own.count || end + after > frameCount)
                    #expect(part.shape[2] == encoder.layerWidths[index])
                    layers[index] += part.floats
                }
            }
            return layers
        }

        private func check(_ encoder: any Encoder, featureCount: Int = 8) {
            redraw(encoder)
            let features = batch(lengths: [frameCount], melBandCount: featureCount)
            let whole = withoutGradients {
                encoder(features, lengths: [frameCount], draws: nil).layers.map(\.floats)
            }
            let reach = encoder.surroundings
            let stride = encoder.stride
            let before = (reach.before + stride - 1) / stride * stride
            if reach.isWholeRecording {
                // What sees everything around a part gives it as the whole does.
                let far = (frameCount + stride - 1) / stride * stride
                compare(inParts(encoder, features, before: far, after: far), whole, encoder)
            } else {
                compare(
                    inParts(encoder, features, before: before, after: reach.after), whole, encoder)
                // And with a step less it differs; samples are counted in whole frames.
                let less = reach.after - stride
                if less >= 0, featureCount == 8 {
                    let less = inParts(encoder, features, before: before, after: less)
                    #expect(zip(less, whole).contains { relativeError($0, $1) > 1e-4 })
                }
            }
        }

        private func compare(
            _ parts: [[Float]], _ whole: [[Float]], _ encoder: any Encoder
        ) {
            for (index, (part, layer)) in zip(parts, whole).enumerated() {
                #expect(part.count == layer.count)
                #expect(relativeError(part, layer) < 1e-5, "\(encoder.layerNames[index])")
            }
        }

        @Test(arguments: [[1, 2, 1], [2, 2], [1], [4, 3, 1]])
        func convolutionalRecurrent(strides: [Int]) {
            var configuration = smallCPC()
            configuration.strides = strides
            check(
                ConvolutionalRecurrentEncoder(configuration, inputWidth: 8, seed: Seed(1)))
        }

        @Test(arguments: variantNames)
        func variantOfCPC(name: String) {
            let (model, featureCount) = makeVariant(name)
            // A context of the past alone is carried; one of the future begins anew in each part.
            if model.encoder.surroundings.isWholeRecording, name == "bidirectional" { return }
            check(model.encoder, featureCount: featureCount)
        }

        @Test(
            arguments: EncoderConfiguration.Kind.allCases, [1, 2, 4])
        func encoder(kind: EncoderConfiguration.Kind, subsampling: Int) {
            check(
                smallEncoder(kind) { $0.subsampling = subsampling }
                    .makeEncoder(inputWidth: 8, seed: Seed(1)))
        }

        @Test func longShortTermMemory() {
            check(
                smallEncoder(.recurrent) { $0.recurrent.cell = .lstm }
                    .makeEncoder(inputWidth: 8, seed: Seed(1)))
        }

        /// Windows overlap, and whether the last one counts depends on how much of it there is.
        @Test(arguments: [90, 160, 237, 300, 308, 309, 345, 400, 424, 1000])
        func windowsOfGE2E(frameCount: Int) {
            var configuration = GE2EEncoder.Configuration()
            (configuration.width, configuration.embeddingWidth) = (6, 5)
            let encoder = GE2EEncoder(configuration, inputWidth: 8, seed: Seed(1))
            redraw(encoder)
            let features = batch(lengths: [frameCount], melBandCount: 8)
            let whole = withoutGradients {
                encoder(features, lengths: [frameCount], draws: nil).layers.map(\.floats)
            }
            let reach = encoder.surroundings
            compare(
                inParts(
                    encoder, features, before: reach.before, after: reach.after,
                    size: 2 * encoder.stride), whole, encoder)
        }

        @Test(arguments: [1, 3])
        func nonAutoregressivePrediction(blockCount: Int) {
            check(makeNonAutoregressivePrediction { $0.blockCount = blockCount }.encoder)
        }

        /// Without the kernels the layers carry their states too.
        @Test(arguments: RecurrentEncoder.Cell.allCases)
        func compositionsCarryStates(cell: RecurrentEncoder.Cell) {
            Engine.withoutKernels {
                check(
                    smallEncoder(.recurrent) { $0.recurrent.cell = cell }
                        .makeEncoder(inputWidth: 8, seed: Seed(1)))
            }
        }
    }
}
