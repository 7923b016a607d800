import ApusTensor

/// What the layers' formulas are written with.
extension ONNXGraph {
    func add(_ a: Value, _ b: Value) -> Value { apply("Add", a, b) }
    func subtract(_ a: Value, _ b: Value) -> Value { apply("Sub", a, b) }
    func multiply(_ a: Value, _ b: Value) -> Value { apply("Mul", a, b) }
    func divide(_ a: Value, _ b: Value) -> Value { apply("Div", a, b) }
    func add(_ a: Value, _ b: Int) -> Value { add(a, integer(b)) }
    func multiply(_ a: Value, _ b: Int) -> Value { multiply(a, integer(b)) }
    func scale(_ a: Value, by factor: Double) -> Value { multiply(a, number(factor)) }
    func smaller(_ a: Value, _ b: Value) -> Value { apply("Min", a, b) }
    func larger(_ a: Value, _ b: Value) -> Value { apply("Max", a, b) }

    func transposed(_ value: Value, _ order: [Int]) -> Value {
        apply("Transpose", value, attributes: [.ints("perm", order)])
    }

    /// The value in another shape; 0 keeps the dimension of that place, one -1 takes what is left.
    func reshaped(_ value: Value, _ shape: [Int]) -> Value {
        apply("Reshape", value, integers(shape))
    }

    func withDimension(_ value: Value, at axis: Int) -> Value {
        apply("Unsqueeze", value, integers([axis]))
    }

    func concatenated(_ values: [Value], axis: Int) -> Value {
        guard values.count > 1 else { return values[0] }
        return applyAll("Concat", values, [.int("axis", axis)])
    }

    /// Equal parts along a dimension.
    func split(_ value: Value, into count: Int, axis: Int) -> [Value] {
        applyMany("Split", value, outputCount: count, attributes: [.int("axis", axis)])
    }

    /// The places from `start` up to `end` of a dimension; negative ones count from its end.
    func sliced(_ value: Value, from start: Int, to end: Int, axis: Int) -> Value {
        apply("Slice", value, integers([start]), integers([end]), integers([axis]))
    }

    /// The value in the opposite order of a dimension.
    func reversed(_ value: Value, axis: Int) -> Value {
        apply(
            "Slice", value, integers([-1]), integers([Int(Int64.min)]), integers([axis]),
            integers([-1]))
    }

    func gathered(_ value: Value, _ places: Value, axis: Int) -> Value {
        apply("Gather", value, places, attributes: [.int("axis", axis)])
    }

    /// A dimension of a value, a single integer.
    func dimension(_ axis: Int, of value: Value) -> Value {
        gathered(apply("Shape", value), integer(axis), axis: 0)
    }

    /// 0 up to a single integer.
    func range(_ end: Value) -> Value { apply("Range", integer(0), end, integer(1)) }

    /// Means over dimensions that stay, of size 1.
    func mean(_ value: Value, axis: Int) -> Value {
        apply(
            "ReduceMean", value, attributes: [.ints("axes", [axis]), .int("keepdims", 1)])
    }

    /// Sums over a dimension.
    func sum(_ value: Value, axis: Int, keeping: Bool = true) -> Value {
        apply(
            "ReduceSum", value, integers([axis]), attributes: [.int("keepdims", keeping ? 1 : 0)])
    }

    func asFloats(_ value: Value) -> Value { cast(value, .float) }
    func asDoubles(_ value: Value) -> Value { cast(value, .double) }
    func asIntegers(_ value: Value) -> Value { cast(value, .int64) }

    private func cast(_ value: Value, _ type: Onnx_TensorProto.DataType) -> Value {
        apply("Cast", value, attributes: [.int("to", type.rawValue)])
    }

    /// An integer vector of a fixed and of computed sizes, such as what `Pad` reads.
    func vector(_ sizes: [Value]) -> Value {
        concatenated(sizes.map { withDimension($0, at: 0) }, axis: 0)
    }
}

/// Layers without weights.
extension ONNXGraph {
    func relu(_ value: Value) -> Value { apply("Relu", value) }
    func sigmoid(_ value: Value) -> Value { apply("Sigmoid", value) }
    func silu(_ value: Value) -> Value { multiply(value, sigmoid(value)) }

    /// x (1 + erf(x / √2)) / 2.
    func gelu(_ value: Value) -> Value {
        let error = apply("Erf", scale(value, by: 0.5.squareRoot()))
        return multiply(scale(value, by: 0.5), add(error, number(1)))
    }
}

/// Layers with weights, which are read by PyTorch's names.
extension ONNXGraph {
    /// x Wᵀ + b over the last dimension.
    func linear(_ input: Value, _ weights: ONNXWeights) -> Value {
        linear(input, weight: weights["weight"], bias: weights.optional("bias"))
    }

    /// x Wᵀ + b over the last dimension, with W (D out, D in).
    func linear(_ input: Value, weight: Tensor, bias: Tensor?) -> Value {
        let product = apply("MatMul", input, constant(weight.transposed(0, 1)))
        return bias.map { add(product, constant($0)) } ?? product
    }

    /// Normalisation over the last dimension.
    func layerNorm(_ input: Value, _ weights: ONNXWeights, epsilon: Double = 1e-5) -> Value {
        layerNorm(input, weight: weights["weight"], bias: weights["bias"], epsilon: epsilon)
    }

    /// Normalisation over the last dimension.
    func layerNorm(
        _ input: Value, weight: Tensor, bias: Tensor, epsilon: Double
    ) -> Value {
        apply(
            "LayerNormalization", input, constant(weight), constant(bias),
            attributes: [.int("axis", -1), .float("epsilon", epsilon)])
    }

    /// A convolution over time of (B, C, T).
    func convolution(
        _ input: Value, _ weights: ONNXWeights, stride: Int = 1, padding: Int = 0,
        groups: Int = 1
    ) -> Value {
        convolution(
            input, weight: weights["weight"], bias: weights.optional("bias"), stride: stride,
            padding: padding, groups: groups)
    }

    /// A convolution over time of (B, C, T), with a weight (C out, C in / groups, kernel).
    func convolution(
        _ input: Value, weight: Tensor, bias: Tensor?, stride: Int = 1, padding: Int = 0,
        groups: Int = 1
    ) -> Value {
        apply(
            "Conv", input, constant(weight), bias.map { constant($0) },
            attributes: [
                .ints("kernel_shape", [weight.shape[2]]), .ints("strides", [stride]),
                .ints("pads", [padding, padding]), .int("group", groups),
            ])
    }

    /// (B, C, T) of (B, T, C), and back.
    func channelsAndTimeExchanged(_ value: Value) -> Value { transposed(value, [0, 2, 1]) }
}

/// Parameters by name, within a module or one of its parts.
struct ONNXWeights {
    private let tensors: [String: Tensor]
    private let prefix: String

    /// A module's parameters.
    init(_ named: [(name: String, tensor: Tensor)]) {
        tensors = Dictionary(uniqueKeysWithValues: named.map { ($0.name, $0.tensor) })
        prefix = ""
    }

    private init(tensors: [String: Tensor], prefix: String) {
        self.tensors = tensors
        self.prefix = prefix
    }

    /// The parameters of a part.
    func under(_ name: String) -> ONNXWeights {
        ONNXWeights(tensors: tensors, prefix: "\(prefix)\(name).")
    }

    /// A parameter that may be missing.
    func optional(_ name: String) -> Tensor? { tensors[prefix + name] }

    /// A parameter.
    subscript(name: String) -> Tensor {
        guard let tensor = optional(name) else {
            preconditionFailure("the model has no parameter \(prefix)\(name)")
        }
        return tensor
    }
}
