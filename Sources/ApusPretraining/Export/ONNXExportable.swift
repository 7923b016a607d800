/// An encoder that can say what it does in ONNX's operators.
protocol ONNXExportable: Encoder {
    /// The hidden states of recordings of one length, in evaluation.
    ///
    /// - Parameters:
    ///   - features: (B, T, M), without padding.
    ///   - graph: Where the operators go.
    /// - Returns: (B, T', D) for each layer.
    func hiddenStates(of features: ONNXGraph.Value, in graph: ONNXGraph) -> [ONNXGraph.Value]
}

extension ONNXExportable {
    /// The encoder's parameters by name.
    var exportedWeights: ONNXWeights { ONNXWeights(namedParameters) }
}
