import ApusNN
import ApusPretraining
import ApusTensor
import Testing

extension Computing {
    /// A recording's hidden states are the same alone and in a batch with longer ones.
    @Suite struct BatchInvarianceTests {
        private let lengths = [1, 2, 3, 7, 50, 64]

        private func check(_ encoder: any Encoder, featureCount: Int = 8) {
            let together = encoder(
                batch(lengths: lengths, melBandCount: featureCount), lengths: lengths, draws: nil)
            #expect(together.layers.count == encoder.layerNames.count)
            for (recording, length) in lengths.enumerated() {
                let own = batch(lengths: lengths, melBandCount: featureCount)
                    .sliced(recording..<recording + 1, dimension: 0)
                    .sliced(0..<length, dimension: 1)
                let alone = encoder(own, lengths: [length], draws: nil)
                let frames = together.lengths[recording]
                #expect(alone.lengths == [frames])
                for (index, layer) in alone.layers.enumerated() {
                    #expect(layer.shape == [1, frames, encoder.layerWidths[index]])
                    let shared = together.layers[index]
                        .sliced(recording..<recording + 1, dimension: 0)
                        .sliced(0..<frames, dimension: 1)
                    let error = relativeError(shared.floats, layer.floats)
                    #expect(error < 1e-5, "\(encoder.layerNames[index]), \(length) frames")
                }
            }
        }

        @Test(arguments: [[1, 2, 1], [2, 2], [1], [5, 3, 1]])
        func convolutionalRecurrent(strides: [Int]) {
            var configuration = smallCPC()
            configuration.strides = strides
            let encoder = ConvolutionalRecurrentEncoder(
                configuration, inputWidth: 8, seed: Seed(1))
            redraw(encoder)
            check(encoder)
            #expect(encoder.stride == strides.reduce(1, *))
        }

        @Test(arguments: variantNames)
        func variantOfCPC(name: String) {
            let (model, featureCount) = makeVariant(name)
            redraw(model)
            check(model.encoder, featureCount: featureCount)
        }

        @Test(arguments: EncoderConfiguration.Kind.allCases, [1, 2, 4])
        func encoder(kind: EncoderConfiguration.Kind, subsampling: Int) {
            let encoder = smallEncoder(kind, dropout: 0.1) { $0.subsampling = subsampling }
                .makeEncoder(inputWidth: 8, seed: Seed(1))
            redraw(encoder)
            check(encoder)
            #expect(encoder.stride == subsampling)
        }

        @Test(arguments: NormOrder.allCases, TransformerEncoder.Positions.allCases)
        func transformer(norm: NormOrder, positions: TransformerEncoder.Positions) {
            let configuration = smallEncoder(dropout: 0.1) {
                $0.transformer.norm = norm
                $0.transformer.positions = positions
            }
            let encoder = configuration.makeEncoder(inputWidth: 8, seed: Seed(1))
            redraw(encoder)
            check(encoder)
        }

        @Test(arguments: RecurrentEncoder.Cell.allCases, [true, false])
        func recurrent(cell: RecurrentEncoder.Cell, residual: Bool) {
            let configuration = smallEncoder(.recurrent, dropout: 0.1) {
                $0.recurrent.cell = cell
                $0.recurrent.residual = residual
            }
            let encoder = configuration.makeEncoder(inputWidth: 8, seed: Seed(1))
            redraw(encoder)
            check(encoder)
        }

        /// A kernel that is longer than most of the recordings sees the same zeros around them.
        @Test(arguments: TransformerEncoder.Positions.allCases, [1, 5, 31])
        func conformer(positions: TransformerEncoder.Positions, kernelSize: Int) {
            let configuration = smallEncoder(.conformer, dropout: 0.1) {
                $0.conformer.positions = positions
                $0.conformer.kernelSize = kernelSize
            }
            let encoder = configuration.makeEncoder(inputWidth: 8, seed: Seed(1))
            redraw(encoder)
            check(encoder)
        }

        @Test(arguments: [1, 2, 3])
        func nonAutoregressivePrediction(blockCount: Int) {
            let model = makeNonAutoregressivePrediction(dropout: 0.1) {
                $0.blockCount = blockCount
            }
            redraw(model)
            check(model.encoder)
        }

        /// Positions are made as they are needed, beyond those that an encoder begins with.
        @Test func recordingsOfAnyLength() {
            let encoder = makeMaskedReconstruction().encoder
            let long = batch(lengths: [1300], melBandCount: 8)
            let states = encoder(long, lengths: [1300], draws: nil)
            #expect(states.layers[0].shape == [1, 1300, 16])
            let start = encoder(
                long.sliced(0..<40, dimension: 1), lengths: [40], draws: nil)
            #expect(start.layers[0].shape == [1, 40, 16])
        }
    }
}
