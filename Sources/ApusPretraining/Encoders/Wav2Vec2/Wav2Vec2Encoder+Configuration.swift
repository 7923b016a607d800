import ApusNN

extension Wav2Vec2Encoder {
    /// Where the convolutions over samples normalise.
    public enum ConvolutionNorm: String, Codable, Sendable, CaseIterable {
        /// The first, each channel over the frames of its recording.
        case group
        /// Every one, over channels.
        case layer
    }

    /// How the encoder is built.
    public struct Configuration: Codable, Hashable, Sendable {
        /// Whether samples get mean 0 and variance 1 over their recording.
        public var normalizesSamples = false
        /// C of each convolution.
        public var convolutionWidths = [512, 512, 512, 512, 512, 512, 512]
        /// The length of each convolution, in its own input frames.
        public var convolutionKernels = [10, 3, 3, 3, 3, 2, 2]
        /// The stride of each convolution, in its own input frames.
        public var convolutionStrides = [5, 2, 2, 2, 2, 2, 2]
        /// Whether convolutions have a bias.
        public var convolutionBias = false
        /// Whether every convolution normalises over channels, or the first over frames.
        public var convolutionNorm = ConvolutionNorm.group
        /// Whether frames are normalised before they are projected to D.
        public var hasProjectionNorm = true
        /// D.
        public var width = 768
        /// The number of layers.
        public var layerCount = 12
        /// The number of attention heads; it divides D.
        public var headCount = 12
        /// The width between a layer's two linear maps.
        public var feedForwardWidth = 3072
        /// Where the layers normalise.
        public var norm = NormOrder.post
        /// What layer normalisation adds to the variance.
        public var normEpsilon = 1e-5
        /// The length of each positional convolution in frames.
        public var positionKernelSize = 128
        /// Into how many groups the channels of positional convolutions fall.
        public var positionGroups = 16
        /// The number of positional convolutions.
        public var positionLayerCount = 1
        /// Whether positional convolutions are normalised, as data2vec has it.
        public var normalizesPositions = false
        /// The number of buckets of relative positions, as WavLM has them; 0 for none.
        public var relativeBuckets = 0
        /// The longest distance that relative positions tell apart, in frames.
        public var relativeDistance = 800
        /// The dropout probability everywhere.
        public var dropout = 0.1

        /// HuBERT's base model.
        public init() {}

        /// The fewest samples that give a frame.
        var receptiveField: Int {
            zip(convolutionKernels, convolutionStrides).reversed().reduce(1) {
                ($0 - 1) * $1.1 + $1.0
            }
        }

        func problem() -> String? {
            let count = convolutionWidths.count
            if !(1...16).contains(count) || convolutionKernels.count != count
                || convolutionStrides.count != count
            {
                return "convolutionWidths, convolutionKernels and convolutionStrides have "
                    + "\(count), \(convolutionKernels.count) and \(convolutionStrides.count) "
                    + "numbers, expected 1 to 16, as many of each"
            }
            if let wrong = convolutionWidths.first(where: { !(1...65536).contains($0) }) {
                return "convolutionWidths has \(wrong), expected 1 to 65536"
            }
            for (kernel, stride) in zip(convolutionKernels, convolutionStrides)
            where !(1...1024).contains(kernel) || !(1...kernel).contains(stride) {
                return "a convolution has the kernel \(kernel) and the stride \(stride), expected "
                    + "1 to 1024, and a stride of at most the kernel"
            }
            if !(1...1 << 24).contains(receptiveFieldBound) {
                return "the convolutions see more than \(1 << 24) samples"
            }
            if !(1...1 << 20).contains(width) { return "width is \(width), expected 1 to 1048576" }
            if headCount < 1 || width % headCount != 0 {
                return "headCount is \(headCount), expected a divisor of the width \(width)"
            }
            if !(1...1000).contains(layerCount) {
                return "layerCount is \(layerCount), expected 1 to 1000"
            }
            if !(1...1 << 24).contains(feedForwardWidth) {
                return "feedForwardWidth is \(feedForwardWidth), expected at least 1"
            }
            if !(normEpsilon >= 0 && normEpsilon < 1) {
                return "normEpsilon is \(normEpsilon), expected 0 up to 1"
            }
            if !(0..<1).contains(dropout) { return "dropout is \(dropout), expected 0 up to 1" }
            return positionProblem()
        }

        private func positionProblem() -> String? {
            if !(1...65536).contains(positionKernelSize) {
                return "positionKernelSize is \(positionKernelSize), expected 1 to 65536"
            }
            if positionGroups < 1 || width % positionGroups != 0 {
                return "positionGroups is \(positionGroups), expected a divisor of the width "
                    + "\(width)"
            }
            if !(1...64).contains(positionLayerCount) {
                return "positionLayerCount is \(positionLayerCount), expected 1 to 64"
            }
            guard relativeBuckets != 0 else { return nil }
            if !(4...65536).contains(relativeBuckets) || relativeBuckets % 4 != 0 {
                return "relativeBuckets is \(relativeBuckets), expected 0 or a multiple of 4"
            }
            if relativeDistance <= relativeBuckets / 4 {
                return "relativeDistance is \(relativeDistance), expected more than a quarter of "
                    + "relativeBuckets"
            }
            return nil
        }

        /// At least the receptive field, as a number that can't overflow.
        private var receptiveFieldBound: Int {
            var field = 1.0
            for (kernel, stride) in zip(convolutionKernels, convolutionStrides).reversed() {
                field = (field - 1) * Double(stride) + Double(kernel)
            }
            return field < 1e15 ? Int(field) : .max
        }

        /// The number of weights in the largest matrices.
        func leastParameterCount() -> Double {
            var sum = 0.0
            var channels = 1.0
            for (width, kernel) in zip(convolutionWidths, convolutionKernels) {
                sum += channels * Double(width) * Double(kernel)
                channels = Double(width)
            }
            let (D, hidden) = (Double(width), Double(feedForwardWidth))
            return sum + channels * D
                + Double(positionLayerCount) * D * D / Double(positionGroups)
                * Double(positionKernelSize)
                + Double(relativeBuckets) * Double(headCount)
                + Double(layerCount) * D * (4 * D + 2 * hidden)
        }
    }
}
