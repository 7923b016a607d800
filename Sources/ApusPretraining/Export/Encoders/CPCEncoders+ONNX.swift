import ApusNN
import ApusTensor

/// CPC's encoders: convolutions, and contexts of what they encode.

extension ConvolutionalRecurrentEncoder: ONNXExportable {
    func hiddenStates(of features: ONNXGraph.Value, in graph: ONNXGraph) -> [ONNXGraph.Value] {
        var frames = features
        for (index, stride) in configuration.strides.enumerated() {
            let convolved = graph.convolution(
                graph.channelsAndTimeExchanged(frames),
                exportedWeights.under("convolutions.\(index)"), stride: stride, padding: 1)
            frames = graph.relu(
                graph.layerNorm(
                    graph.channelsAndTimeExchanged(convolved),
                    exportedWeights.under("norms.\(index)")))
        }
        return [frames, graph.contexts(of: frames, configuration, exportedWeights)]
    }
}

extension RawWaveformEncoder: ONNXExportable {
    func hiddenStates(of features: ONNXGraph.Value, in graph: ONNXGraph) -> [ONNXGraph.Value] {
        // (B, T, 160) -> (B, 1, N)
        var channels = graph.apply(
            "Reshape", features,
            graph.vector([
                graph.dimension(0, of: features), graph.integer(1), graph.integer(-1),
            ]))
        var frames = channels
        for (index, shape) in Self.shapes.enumerated() {
            let norm = exportedWeights.under("norms.\(index)")
            let (share, epsilon) = ChannelNorm.asLayerNorm(width: norm["weight"].shape[0])
            let convolved = graph.convolution(
                channels, exportedWeights.under("convolutions.\(index)"), stride: shape.stride,
                padding: shape.padding)
            frames = graph.relu(
                graph.layerNorm(
                    graph.channelsAndTimeExchanged(convolved), weight: norm["weight"] * share,
                    bias: norm["bias"], epsilon: epsilon))
            channels = graph.channelsAndTimeExchanged(frames)
        }
        return [frames, graph.contexts(of: frames, configuration, exportedWeights)]
    }
}

extension ONNXGraph {
    /// `Contexts`: (B, S, C) of (B, S, D), or (B, S, 2C) with two directions.
    fileprivate func contexts(
        of frames: Value, _ configuration: CPC.Configuration, _ weights: ONNXWeights
    ) -> Value {
        func network(_ frames: Value, _ weights: ONNXWeights) -> Value {
            switch configuration.context {
            case .gru: return gru(frames, weights)
            case .lstm: return lstm(frames, weights)
            case .transformer:
                let isProjected = weights.optional("projection.weight") != nil
                var hidden =
                    isProjected ? linear(frames, weights.under("projection")) : frames
                for index in 0..<configuration.contextLayerCount {
                    hidden = causalLayer(
                        hidden, weights.under("layers.\(index)"), configuration.transformer)
                }
                return hidden
            }
        }
        let past = network(frames, weights.under("context"))
        guard configuration.isBidirectional else { return past }
        let future = reversed(
            network(reversed(frames, axis: 1), weights.under("backwardContext")), axis: 1)
        return concatenated([past, future], axis: 2)
    }
}
