import ApusNN
import ApusTensor

/// ECAPA-TDNN: Res2 blocks with squeeze-excitation, features of all blocks together, and attentive
/// statistics that depend on channel and context.
///
///     x_0 = TDNN(x; 5 frames)                                             C
///     x_i = x_{i-1} + SE(TDNN(Res2(TDNN(x_{i-1}); 3 frames, dilation i + 1)))  i = 1, 2, 3
///     h   = relu(W [x_1; x_2; x_3] + b)                                   3C
///     z   = F BN(pool_t(h)) + f                                           192
///     Res2: the channels in s groups, y_1 = x_1, y_2 = K_2 x_2, y_i = K_i (x_i + y_{i-1})
///     SE: x · σ(V relu(U mean_t(x) + u) + v)
///
/// TDNN is a convolution, ReLU and batch normalisation. C is 512 or 1024, s is 8, the bottlenecks of
/// SE and of the attention are 128 wide.
///
/// Deviations: a block's input is the block before alone, as in SpeechBrain and WeSpeaker; the paper
/// adds the outputs of all blocks before. Edges are padded with zeros, where SpeechBrain reflects. All
/// means leave padding out, those of squeeze-excitation and batch normalisation included. The layer h
/// has no batch normalisation, as in WeSpeaker.
///
/// ## Reference
/// Desplanques, Thienpondt and Demuynck 2020, ECAPA-TDNN: Emphasized Channel Attention, Propagation and
/// Aggregation in TDNN Based Speaker Verification.
public final class ECAPA: EmbeddingHead {
    /// One block, x_{i-1} to x_i.
    private final class Block: Module {
        private let first: TimeDelayLayer
        private let kernels: [TimeDelayLayer]
        private let last: TimeDelayLayer
        private let squeeze: Linear
        private let excite: Linear
        private let groupWidth: Int

        init(width: Int, dilation: Int, scale: Int, bottleneck: Int, seed: Seed) {
            groupWidth = width / scale
            first = TimeDelayLayer(
                inputWidth: width, outputWidth: width, seed: seed.derived("first"))
            let group = groupWidth
            kernels = (1..<scale).map {
                TimeDelayLayer(
                    inputWidth: group, outputWidth: group, kernelSize: 3, dilation: dilation,
                    seed: seed.derived("kernel").derived($0))
            }
            last = TimeDelayLayer(
                inputWidth: width, outputWidth: width, seed: seed.derived("last"))
            squeeze = Linear(
                inputWidth: width, outputWidth: bottleneck, seed: seed.derived("squeeze"))
            excite = Linear(
                inputWidth: bottleneck, outputWidth: width, seed: seed.derived("excite"))
        }

        private var layers: [(name: String, layer: any Module)] {
            [("tdnn1", first)] + kernels.enumerated().map { ("res2.\($0)", $1) }
                + [("tdnn2", last), ("se.squeeze", squeeze), ("se.excite", excite)]
        }
        var namedParameters: [(name: String, tensor: Tensor)] {
            layers.flatMap { $0.layer.namedParameters(under: $0.name) }
        }
        var namedBuffers: [(name: String, tensor: Tensor)] {
            layers.flatMap { $0.layer.namedBuffers(under: $0.name) }
        }

        func callAsFunction(_ input: Tensor, lengths: [Int], draws: TrainingDraws?) -> Tensor {
            let entered = first(input, lengths: lengths, draws: draws)
            func group(_ index: Int) -> Tensor {
                entered.sliced(
                    index * groupWidth..<(index + 1) * groupWidth, dimension: 2)
            }
            var outputs = [group(0)]
            for (index, kernel) in kernels.enumerated() {
                let own = group(index + 1)
                outputs.append(
                    kernel(
                        index == 0 ? own : own + outputs[index], lengths: lengths, draws: draws))
            }
            let left = last(
                Tensor.concatenated(outputs, dimension: 2), lengths: lengths, draws: draws)
            let gates = excite(squeeze(left.frameMeans(lengths: lengths)).relu())
            // σ(g) = (1 + tanh(g / 2)) / 2; (B, C) -> (B, 1, C)
            let shares = (gates * 0.5).hyperbolicTangent().scaled(by: 0.5, plus: 0.5)
                .reshaped(input.shape[0], 1, -1)
            return input + left * shares
        }
    }

    private let entry: TimeDelayLayer
    private let blocks: [Block]
    private let aggregation: Linear
    private let pooling: AttentiveStatisticsPooling
    private let norm: BatchNorm
    private let projection: Linear
    /// The width of the embedding, 192 in the paper.
    public let embeddingWidth: Int

    /// An ECAPA-TDNN.
    ///
    /// - Parameters:
    ///   - inputWidth: D.
    ///   - width: C, a multiple of `scale`.
    ///   - scale: s, at least 2.
    ///   - bottleneck: The width inside squeeze-excitation and attention.
    ///   - embeddingWidth: The width of the embedding.
    ///   - seed: What the initial values depend on.
    public init(
        inputWidth: Int, width: Int = 512, scale: Int = 8, bottleneck: Int = 128,
        embeddingWidth: Int = 192, seed: Seed
    ) {
        precondition(scale > 1 && width % scale == 0, "\(width) channels in \(scale) groups")
        entry = TimeDelayLayer(
            inputWidth: inputWidth, outputWidth: width, kernelSize: 5, seed: seed.derived("entry"))
        blocks = (1...3).map {
            Block(
                width: width, dilation: $0 + 1, scale: scale, bottleneck: bottleneck,
                seed: seed.derived("block").derived($0))
        }
        aggregation = Linear(
            inputWidth: 3 * width, outputWidth: 3 * width, seed: seed.derived("aggregation"))
        pooling = AttentiveStatisticsPooling(
            width: 3 * width, attentionWidth: bottleneck, hasShareForEachChannel: true,
            seesRecording: true, seed: seed.derived("pooling"))
        norm = BatchNorm(width: 6 * width)
        projection = Linear(
            inputWidth: 6 * width, outputWidth: embeddingWidth, seed: seed.derived("projection"))
        self.embeddingWidth = embeddingWidth
    }

    private var layers: [(name: String, layer: any Module)] {
        [("entry", entry)] + blocks.enumerated().map { ("blocks.\($0)", $1) } + [
            ("aggregation", aggregation), ("pooling", pooling), ("norm", norm),
            ("projection", projection),
        ]
    }

    /// The parameters.
    public var namedParameters: [(name: String, tensor: Tensor)] {
        layers.flatMap { $0.layer.namedParameters(under: $0.name) }
    }

    /// The batch normalisations' running figures.
    public var namedBuffers: [(name: String, tensor: Tensor)] {
        layers.flatMap { $0.layer.namedBuffers(under: $0.name) }
    }

    /// The embedding of recordings.
    ///
    /// - Parameters:
    ///   - frames: (B, T, D).
    ///   - lengths: Each recording's frames, at least 1.
    ///   - draws: The training step's draws, or `nil` in evaluation.
    /// - Returns: (B, `embeddingWidth`).
    public func embedding(_ frames: Tensor, lengths: [Int], draws: TrainingDraws?) -> Tensor {
        var state = entry(frames, lengths: lengths, draws: draws)
        let outputs = blocks.map { block in
            state = block(state, lengths: lengths, draws: draws)
            return state
        }
        let together = aggregation(Tensor.concatenated(outputs, dimension: 2)).relu()
        return projection(norm(pooling(together, lengths: lengths), draws: draws))
    }
}
