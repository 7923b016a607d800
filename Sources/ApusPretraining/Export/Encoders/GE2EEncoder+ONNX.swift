extension GE2EEncoder: ONNXExportable {
    func hiddenStates(of features: ONNXGraph.Value, in graph: ONNXGraph) -> [ONNXGraph.Value] {
        let (length, bands) = (configuration.windowLength, features)
        let windows = windowCount(frameCount: graph.dimension(1, of: features), in: graph)
        // A window reaches at most its own length beyond the end; there are zeros.
        let padded = graph.apply(
            "Pad", bands, graph.integers([0, 0, 0, 0, length, 0]), graph.number(0))
        let starts = graph.multiply(graph.range(windows), configuration.windowShift)
        let places = graph.add(
            graph.withDimension(starts, at: 1), graph.integers(Array(0..<length)))  // (P, length)
        let framed = graph.gathered(padded, places, axis: 1)  // (B, P, length, M)
        let weights = exportedWeights
        let inputWidth = weights["lstm.0.weight_ih_l0"].shape[1]
        var frames = graph.reshaped(framed, [-1, length, inputWidth])  // (B · P, length, M)
        let batch = graph.dimension(0, of: features)
        func byRecording(_ ends: ONNXGraph.Value, width: Int) -> ONNXGraph.Value {
            graph.apply(
                "Reshape", ends, graph.vector([batch, windows, graph.integer(width)]))
        }
        var states: [ONNXGraph.Value] = []
        var last = frames
        for index in 0..<configuration.layerCount {
            frames = graph.lstm(frames, weights.under("lstm.\(index)"))
            last = graph.gathered(frames, graph.integer(length - 1), axis: 1)  // (B · P, H)
            states.append(byRecording(last, width: configuration.width))
        }
        let mapped = graph.relu(graph.linear(last, weights.under("linear")))
        let norm = graph.apply(
            "ReduceL2", mapped, attributes: [.ints("axes", [1]), .int("keepdims", 1)])
        states.append(
            byRecording(
                graph.divide(mapped, graph.larger(norm, graph.number(1e-12))),
                width: configuration.embeddingWidth))
        return states
    }

    /// `Configuration.windowStarts`' count.
    private func windowCount(
        frameCount: ONNXGraph.Value, in graph: ONNXGraph
    ) -> ONNXGraph.Value {
        let (length, shift) = (configuration.windowLength, configuration.windowShift)
        let end = graph.larger(graph.add(frameCount, shift + 1 - length), graph.integer(1))
        let count = graph.divide(graph.add(end, shift - 1), graph.integer(shift))
        let lastStart = graph.multiply(graph.add(count, -1), shift)
        let inside = graph.subtract(graph.add(frameCount, -1), lastStart)
        let isShort = graph.apply(
            "Less", graph.asFloats(inside),
            graph.number(configuration.leastCoverage * Double(length)))
        let isDropped = graph.apply(
            "And", isShort, graph.apply("Greater", count, graph.integer(1)))
        return graph.subtract(count, graph.asIntegers(isDropped))
    }
}
