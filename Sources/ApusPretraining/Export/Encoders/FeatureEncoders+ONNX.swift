import ApusNN

/// The encoders of features that all objectives share.

extension TransformerEncoder: ONNXExportable {
    func hiddenStates(of features: ONNXGraph.Value, in graph: ONNXGraph) -> [ONNXGraph.Value] {
        let weights = exportedWeights
        let (frames, bias, rotary) = graph.positioned(
            graph.linear(features, weights.under("projection")), configuration.positions,
            width: configuration.width, headCount: configuration.headCount,
            relativeDistance: configuration.relativeDistance, weights)
        var hidden = graph.layerNorm(frames, weights.under("norm"), epsilon: 1e-12)
        var states: [ONNXGraph.Value] = []
        for index in 0..<configuration.layerCount {
            hidden = graph.transformerLayer(
                hidden, weights.under("layers.\(index)"), heads: configuration.headCount,
                normOrder: configuration.norm, epsilon: 1e-12, bias: bias, rotary: rotary)
            states.append(hidden)
        }
        if configuration.norm == .pre {
            states[states.count - 1] = graph.layerNorm(
                hidden, weights.under("final_norm"), epsilon: 1e-12)
        }
        return states
    }
}

extension ConformerEncoder: ONNXExportable {
    func hiddenStates(of features: ONNXGraph.Value, in graph: ONNXGraph) -> [ONNXGraph.Value] {
        let weights = exportedWeights
        var (hidden, bias, rotary) = graph.positioned(
            graph.linear(features, weights.under("projection")), configuration.positions,
            width: configuration.width, headCount: configuration.headCount,
            relativeDistance: configuration.relativeDistance, weights)
        var states: [ONNXGraph.Value] = []
        for index in 0..<configuration.layerCount {
            hidden = graph.conformerLayer(
                hidden, weights.under("conformer_layers.\(index)"), configuration, bias: bias,
                rotary: rotary)
            states.append(hidden)
        }
        return states
    }
}

extension ONNXGraph {
    /// `ConformerLayer`: (B, T, D) of (B, T, D).
    fileprivate func conformerLayer(
        _ input: Value, _ weights: ONNXWeights, _ configuration: ConformerEncoder.Configuration,
        bias: Value?, rotary: Rotary?
    ) -> Value {
        func halfStep(_ value: Value, _ name: String) -> Value {
            let part = weights.under("\(name).sequential")
            let mapped = silu(linear(layerNorm(value, part.under("0")), part.under("1")))
            return add(value, scale(linear(mapped, part.under("4")), by: 0.5))
        }
        var frames = halfStep(input, "ffn1")
        let normalized = layerNorm(frames, weights.under("self_attn_layer_norm"))
        frames = add(
            frames,
            attention(
                normalized, weights.under("self_attn"), heads: configuration.headCount,
                bias: bias, rotary: rotary))
        frames = add(
            frames,
            convolved(
                frames, weights.under("conv_module"), kernelSize: configuration.kernelSize,
                width: configuration.width))
        return layerNorm(halfStep(frames, "ffn2"), weights.under("final_layer_norm"))
    }

    private func convolved(
        _ frames: Value, _ weights: ONNXWeights, kernelSize: Int, width: Int
    ) -> Value {
        let part = weights.under("sequential")
        let pointwise = convolution(
            channelsAndTimeExchanged(layerNorm(frames, weights.under("layer_norm"))),
            part.under("0"))
        let halves = split(pointwise, into: 2, axis: 1)
        let depthwise = convolution(
            multiply(halves[0], sigmoid(halves[1])), part.under("2"),
            padding: (kernelSize - 1) / 2, groups: width)
        let normalized = layerNorm(channelsAndTimeExchanged(depthwise), part.under("3"))
        return channelsAndTimeExchanged(
            convolution(channelsAndTimeExchanged(silu(normalized)), part.under("5")))
    }
}

extension RecurrentEncoder: ONNXExportable {
    func hiddenStates(of features: ONNXGraph.Value, in graph: ONNXGraph) -> [ONNXGraph.Value] {
        var hidden = features
        var states: [ONNXGraph.Value] = []
        for index in 0..<configuration.layerCount {
            let weights = exportedWeights.under("layers.\(index)")
            let output =
                configuration.cell == .gru
                ? graph.gru(hidden, weights) : graph.lstm(hidden, weights)
            hidden = configuration.residual && index > 0 ? graph.add(output, hidden) : output
            states.append(hidden)
        }
        return states
    }
}

extension SubsampledEncoder: ONNXExportable {
    func hiddenStates(of features: ONNXGraph.Value, in graph: ONNXGraph) -> [ONNXGraph.Value] {
        guard let inner = inner as? any ONNXExportable else {
            preconditionFailure("an encoder of the zoo is exportable")
        }
        let weights = exportedWeights.under("subsampling")
        var frames = features
        for index in 0..<convolutionCount {
            let convolved = graph.convolution(
                graph.channelsAndTimeExchanged(frames), weights.under("convolutions.\(index)"),
                stride: 2, padding: 1)
            frames = graph.gelu(
                graph.layerNorm(
                    graph.channelsAndTimeExchanged(convolved), weights.under("norms.\(index)")))
        }
        return [frames] + inner.hiddenStates(of: frames, in: graph)
    }
}

extension MaskedConvolutionEncoder: ONNXExportable {
    func hiddenStates(of features: ONNXGraph.Value, in graph: ONNXGraph) -> [ONNXGraph.Value] {
        var frames = graph.channelsAndTimeExchanged(features)  // (B, M, T)
        var states: [ONNXGraph.Value] = []
        var representation: ONNXGraph.Value?
        for (index, masked) in maskedConvolutions.enumerated() {
            let weights = exportedWeights.under("blocks.\(index)")
            let convolved = graph.relu(
                graph.layerNorm(
                    graph.channelsAndTimeExchanged(
                        graph.convolution(frames, weights.under("conv"), padding: 1)),
                    weights.under("norm1")))
            let linear = graph.convolution(
                graph.channelsAndTimeExchanged(convolved), weights.under("linear"))
            let mapped = graph.channelsAndTimeExchanged(
                graph.layerNorm(
                    graph.channelsAndTimeExchanged(linear), weights.under("norm2")))
            let isResidual = index > 0 && configuration.residual
            frames = graph.relu(isResidual ? graph.add(mapped, frames) : mapped)  // (B, D, T)
            states.append(graph.channelsAndTimeExchanged(frames))
            let around = graph.apply(
                "Tanh",
                graph.channelsAndTimeExchanged(
                    graph.convolution(
                        frames, weight: masked.maskedWeight, bias: masked.bias,
                        padding: (configuration.kernelSize - 1) / 2)))
            representation = representation.map { graph.add($0, around) } ?? around
        }
        return states + (representation.map { [$0] } ?? [])
    }
}
