import ApusNN

extension VerificationBackend {
    /// The tensors that a file keeps a backend as: `mean` and `scale` (D), where there is LDA
    /// `directions` (d, D), where there is PLDA `plda.mean` (d), `plda.transform` (d, d) and
    /// `plda.between` (d).
    var tensors: [String: TensorValues] {
        var tensors: [String: TensorValues] = [:]
        func put(_ name: String, _ values: [Float], width: Int? = nil) {
            let shape = width.map { [values.count / $0, $0] } ?? [values.count]
            tensors[name] = TensorValues(shape: shape, values: values)
        }
        put("mean", scaling.mean)
        put("scale", scaling.scale)
        if let discriminants {
            put("directions", discriminants.directions, width: discriminants.width)
        }
        if let probabilistic {
            put("plda.mean", probabilistic.mean)
            put("plda.transform", probabilistic.transform, width: probabilistic.width)
            put("plda.between", probabilistic.between)
        }
        return tensors
    }

    /// A backend from a file's tensors.
    ///
    /// - Parameters:
    ///   - tensors: The tensors by the names above; others are passed over.
    ///   - damaged: Makes the error for what is wrong.
    /// - Throws: What `damaged` makes.
    init(tensors: [String: TensorValues], damaged: (String) -> ProbingError) throws {
        func rows(_ name: String, width: Int) throws -> [Float]? {
            try Self.rows(name, width: width, of: tensors, damaged: damaged)
        }
        let width = tensors["mean"]?.values.count ?? 0
        guard let mean = try rows("mean", width: width),
            let scale = try rows("scale", width: width), scale.count == width,
            !scale.contains(0)
        else { throw damaged("no mean and scale of one length") }
        self.init(scaling: FeatureScaling(mean: mean, scale: scale))
        discriminants = try rows("directions", width: width).map {
            LinearDiscriminants(directions: $0, width: width)
        }
        let kept = discriminants?.count ?? width
        if let mean = try rows("plda.mean", width: kept) {
            guard let transform = try rows("plda.transform", width: kept),
                let between = try rows("plda.between", width: kept), mean.count == kept,
                between.count == kept, transform.count == kept * kept
            else { throw damaged("PLDA of several sizes") }
            probabilistic = ProbabilisticDiscriminants(
                mean: mean, transform: transform, between: between)
        }
    }

    /// The values of a tensor of finite rows, each as wide as told; nil where there is none.
    static func rows(
        _ name: String, width: Int, of tensors: [String: TensorValues],
        damaged: (String) -> ProbingError
    ) throws -> [Float]? {
        guard let tensor = tensors[name] else { return nil }
        guard width > 0, tensor.shape.last == width, !tensor.values.isEmpty else {
            throw damaged("\(name) has the shape \(tensor.shape)")
        }
        guard tensor.values.allSatisfy(\.isFinite) else { throw damaged("\(name) is not finite") }
        return tensor.values
    }
}
