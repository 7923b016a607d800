import ApusTensor

/// Recurrent layers. ONNX has PyTorch's formulas with the gates in another order.
extension ONNXGraph {
    /// A GRU.
    ///
    /// - Parameters:
    ///   - input: (B, T, D).
    ///   - weights: The layer's, `weight_ih_l0` and so on.
    /// - Returns: (B, T, H).
    func gru(_ input: Value, _ weights: ONNXWeights) -> Value {
        // PyTorch: reset, update, new. ONNX: update, reset, new.
        recurrence(
            "GRU", input, weights, layer: 0, gates: [1, 0, 2],
            attributes: [.int("linear_before_reset", 1)])
    }

    /// A stack of LSTMs: (B, T, H) of (B, T, D).
    func lstm(_ input: Value, _ weights: ONNXWeights) -> Value {
        var (frames, layer) = (input, 0)
        while weights.optional("weight_ih_l\(layer)") != nil {
            // PyTorch: input, forget, cell, output. ONNX: input, output, forget, cell.
            frames = recurrence(
                "LSTM", frames, weights, layer: layer, gates: [0, 3, 1, 2], attributes: [])
            layer += 1
        }
        return frames
    }

    private func recurrence(
        _ operation: String, _ input: Value, _ weights: ONNXWeights, layer: Int, gates: [Int],
        attributes: [Attribute]
    ) -> Value {
        let hiddenWeight = weights["weight_hh_l\(layer)"]
        let width = hiddenWeight.shape[1]
        func ordered(_ tensor: Tensor) -> Tensor {
            .concatenated(
                gates.map { tensor.sliced($0 * width..<($0 + 1) * width, dimension: 0) },
                dimension: 0)
        }
        func withDirection(_ tensor: Tensor) -> Value {
            constant(tensor.reshaped([1] + tensor.shape))
        }
        let bias = Tensor.concatenated(
            [ordered(weights["bias_ih_l\(layer)"]), ordered(weights["bias_hh_l\(layer)"])],
            dimension: 0)
        let states = apply(
            operation, transposed(input, [1, 0, 2]),
            withDirection(ordered(weights["weight_ih_l\(layer)"])),
            withDirection(ordered(hiddenWeight)), withDirection(bias),
            attributes: [.int("hidden_size", width)] + attributes)  // (T, 1, B, H)
        return transposed(apply("Squeeze", states, integers([1])), [1, 0, 2])
    }
}
