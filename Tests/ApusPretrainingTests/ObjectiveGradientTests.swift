import ApusNN
import ApusPretraining
import ApusTensor
import Testing

extension Computing {
    /// Gradients of whole objectives, draws included, against differences of the loss.
    @Suite struct ObjectiveGradientTests {
        /// Moves one parameter along its gradient: the loss has to change by the gradient's length.
        private func check(_ objective: any Objective, _ loss: () -> Tensor) throws {
            redraw(objective)
            let found = try gradients(of: objective, loss)
            let step = 2e-3
            for ((name, tensor), gradient) in zip(objective.namedParameters, found) {
                let length = gradient.values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
                #expect(length > 1e-4, "\(name) has a gradient")
                let start = tensor.floats
                func moved(_ distance: Double) -> Double {
                    tensor.assign(
                        zip(start, gradient.values).map { $0 + Float(distance / length) * $1 })
                    return withoutGradients { Double(loss().item) }
                }
                // Richardson: differences at two steps, the error of second order taken out.
                let wide = (moved(2 * step) - moved(-2 * step)) / (4 * step)
                let narrow = (moved(step) - moved(-step)) / (2 * step)
                let slope = (4 * narrow - wide) / 3
                tensor.assign(start)
                #expect(abs(slope - length) < 0.02 * length + 2e-4, "\(name): \(slope), \(length)")
            }
        }

        @Test(arguments: CPC.NegativeSource.allCases)
        func cpc(source: CPC.NegativeSource) throws {
            let model = makeCPC(source)
            let lengths = [24, 17, 9]
            let features = batch(lengths: lengths, melBandCount: 8)
            try check(model) {
                model.loss(features: features, lengths: lengths, seed: Seed(3)).value
            }
        }

        @Test(arguments: variantNames)
        func variantOfCPC(name: String) throws {
            let (model, featureCount) = makeVariant(name)
            let lengths = [14, 9, 6]
            let features = batch(lengths: lengths, melBandCount: featureCount)
            try check(model) {
                model.loss(features: features, lengths: lengths, seed: Seed(3)).value
            }
        }

        @Test(arguments: [0, 0.1])
        func autoregressivePrediction(dropout: Double) throws {
            let model = makeAutoregressivePrediction(dropout: dropout)
            let lengths = [24, 17, 9]
            let features = batch(lengths: lengths, melBandCount: 8)
            try check(model) {
                model.loss(features: features, lengths: lengths, seed: Seed(3)).value
            }
        }

        /// Not quantised: the straight-through gradient isn't that of the codes.
        ///
        /// In this batch neither a ReLU's input nor an error lies so near to zero that a difference
        /// steps over the bend.
        @Test(arguments: [0, 0.1])
        func nonAutoregressivePrediction(dropout: Double) throws {
            let model = makeNonAutoregressivePrediction(dropout: dropout) {
                $0.isQuantized = false
            }
            let lengths = [24, 17, 9]
            let features = batch(lengths: lengths, melBandCount: 8, seed: 2)
            try check(model) {
                model.loss(features: features, lengths: lengths, seed: Seed(3)).value
            }
        }

        @Test(arguments: [0, 0.1])
        func maskedPrediction(dropout: Double) throws {
            let model = makeMaskedPrediction(dropout: dropout)
            let lengths = [24, 17, 9]
            let features = batch(lengths: lengths, melBandCount: 8)
            try check(model) {
                model.loss(features: features, lengths: lengths, seed: Seed(3)).value
            }
        }

        @Test(arguments: [1, 2, 4])
        func conformer(subsampling: Int) throws {
            let model = makeMaskedPrediction {
                $0.encoder = smallEncoder(.conformer) { $0.subsampling = subsampling }
                $0.maskSpan = 8
            }
            let lengths = [24, 17, 9]
            let features = batch(lengths: lengths, melBandCount: 8)
            try check(model) {
                model.loss(features: features, lengths: lengths, seed: Seed(3)).value
            }
        }

        @Test(arguments: [0, 0.1])
        func maskedReconstruction(dropout: Double) throws {
            let model = makeMaskedReconstruction(dropout: dropout)
            let lengths = [24, 17, 9]
            let features = batch(lengths: lengths, melBandCount: 8)
            try check(model) {
                model.loss(features: features, lengths: lengths, seed: Seed(3)).value
            }
        }
    }
}
