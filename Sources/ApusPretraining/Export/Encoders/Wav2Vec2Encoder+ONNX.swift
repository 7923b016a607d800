import ApusNN
import ApusTensor

extension Wav2Vec2Encoder: ONNXExportable {
    func hiddenStates(of features: ONNXGraph.Value, in graph: ONNXGraph) -> [ONNXGraph.Value] {
        let weights = exportedWeights
        let epsilon = configuration.normEpsilon
        var frames = convolved(samples(of: features, in: graph), in: graph)  // (B, T, C)
        let projection = weights.under("feature_projection")
        if configuration.hasProjectionNorm {
            frames = graph.layerNorm(frames, projection.under("layer_norm"), epsilon: epsilon)
        }
        var hidden = graph.linear(frames, projection.under("projection"))
        let bias =
            configuration.relativeBuckets > 0
            ? graph.relativeBias(
                frames: hidden, weight: weights["encoder.rel_attn_embed.weight"],
                longestDistance: configuration.relativeDistance) : nil
        hidden = graph.add(hidden, positions(of: hidden, in: graph))
        func norm(_ value: ONNXGraph.Value) -> ONNXGraph.Value {
            graph.layerNorm(value, weights.under("encoder.layer_norm"), epsilon: epsilon)
        }
        if configuration.norm == .post { hidden = norm(hidden) }
        var states = [hidden]
        for index in 0..<configuration.layerCount {
            hidden = graph.transformerLayer(
                hidden, weights.under("encoder.layers.\(index)"),
                heads: configuration.headCount, normOrder: configuration.norm, epsilon: epsilon,
                bias: bias, rotary: nil)
            states.append(hidden)
        }
        if configuration.norm == .pre { states[states.count - 1] = norm(hidden) }
        return states
    }

    /// (B, 1, N) of (B, N, 1): as many samples as give a frame, or more.
    private func samples(
        of features: ONNXGraph.Value, in graph: ONNXGraph
    ) -> ONNXGraph.Value {
        var samples = graph.channelsAndTimeExchanged(features)
        if configuration.normalizesSamples {
            let centred = graph.subtract(samples, graph.mean(samples, axis: 2))
            let variance = graph.mean(graph.multiply(centred, centred), axis: 2)
            samples = graph.divide(
                centred, graph.apply("Sqrt", graph.add(variance, graph.number(1e-7))))
        }
        let missing = graph.larger(
            graph.subtract(
                graph.integer(configuration.receptiveField), graph.dimension(2, of: samples)),
            graph.integer(0))
        return graph.apply(
            "Pad", samples,
            graph.concatenated(
                [graph.integers([0, 0, 0, 0, 0]), graph.withDimension(missing, at: 0)], axis: 0),
            graph.number(0))
    }

    /// `SampleConvolutions`: (B, T, C) of (B, 1, N).
    private func convolved(
        _ samples: ONNXGraph.Value, in graph: ONNXGraph
    ) -> ONNXGraph.Value {
        var channels = samples
        for index in configuration.convolutionWidths.indices {
            let weights = exportedWeights.under("feature_extractor.conv_layers.\(index)")
            let norm = weights.under("layer_norm")
            channels = graph.convolution(
                channels, weights.under("conv"),
                stride: configuration.convolutionStrides[index])
            switch configuration.convolutionNorm {
            case .layer:
                channels = graph.channelsAndTimeExchanged(
                    graph.layerNorm(graph.channelsAndTimeExchanged(channels), norm))
            case .group where index == 0:
                channels = graph.apply(
                    "InstanceNormalization", channels, graph.constant(norm["weight"]),
                    graph.constant(norm["bias"]), attributes: [.float("epsilon", 1e-5)])
            case .group: break
            }
            channels = graph.gelu(channels)
        }
        return graph.channelsAndTimeExchanged(channels)
    }

    /// `ConvolutionalPositions`: (B, T, D) of (B, T, D).
    private func positions(
        of frames: ONNXGraph.Value, in graph: ONNXGraph
    ) -> ONNXGraph.Value {
        let kernelSize = configuration.positionKernelSize
        var hidden = frames
        for index in 0..<configuration.positionLayerCount {
            var convolved = graph.convolution(
                graph.channelsAndTimeExchanged(hidden),
                exportedWeights.under("encoder.pos_conv_embed.layers.\(index).conv"),
                padding: kernelSize / 2, groups: configuration.positionGroups)
            if kernelSize % 2 == 0 {
                convolved = graph.sliced(convolved, from: 0, to: -1, axis: 2)
            }
            hidden = graph.channelsAndTimeExchanged(convolved)
            if configuration.normalizesPositions {
                hidden = graph.layerNorm(
                    hidden, weight: Tensor(ones: [configuration.width]),
                    bias: Tensor(zeros: [configuration.width]), epsilon: 1e-5)
            }
            hidden = graph.gelu(hidden)
        }
        return hidden
    }
}
