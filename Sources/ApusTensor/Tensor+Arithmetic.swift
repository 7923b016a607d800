import CTorch

extension Tensor {
    /// The element-wise sum, with broadcasting.
    public static func + (a: Tensor, b: Tensor) -> Tensor {
        make("+", [a, b]) { apus_add(a.handle, b.handle, $0) }
    }

    /// The element-wise difference, with broadcasting.
    public static func - (a: Tensor, b: Tensor) -> Tensor {
        make("-", [a, b]) { apus_subtract(a.handle, b.handle, $0) }
    }

    /// The element-wise product, with broadcasting.
    public static func * (a: Tensor, b: Tensor) -> Tensor {
        make("*", [a, b]) { apus_multiply(a.handle, b.handle, $0) }
    }

    /// The element-wise quotient, with broadcasting.
    public static func / (a: Tensor, b: Tensor) -> Tensor {
        make("/", [a, b]) { apus_divide(a.handle, b.handle, $0) }
    }

    /// Each element times a number.
    public static func * (a: Tensor, scale: Double) -> Tensor { a.scaled(by: scale, plus: 0) }

    /// Each element plus a number.
    public static func + (a: Tensor, offset: Double) -> Tensor { a.scaled(by: 1, plus: offset) }

    /// Each element times `scale`, plus `offset`.
    ///
    /// - Parameters:
    ///   - scale: The factor.
    ///   - offset: What is added after it.
    /// - Returns: A new tensor.
    public func scaled(by scale: Double, plus offset: Double) -> Tensor {
        make("scaled", [self]) { apus_affine(handle, scale, offset, $0) }
    }

    /// The matrix product over the last two dimensions, batched over those before.
    ///
    /// - Parameter other: The right operand.
    /// - Returns: A new tensor.
    public func matmul(_ other: Tensor) -> Tensor {
        make("matmul", [self, other]) { apus_matmul(handle, other.handle, $0) }
    }

    /// Where two tensors' elements are equal.
    ///
    /// - Parameter other: The tensor to compare with, broadcasting.
    /// - Returns: Booleans.
    public func equals(_ other: Tensor) -> Tensor {
        make("equals", [self, other]) { apus_equal(handle, other.handle, $0) }
    }

    /// Each element's absolute value.
    ///
    /// - Returns: A new tensor.
    public func absolute() -> Tensor { make("absolute", [self]) { apus_absolute(handle, $0) } }

    /// Each element's square root.
    ///
    /// - Returns: A new tensor.
    public func squareRoot() -> Tensor {
        make("squareRoot", [self]) { apus_square_root(handle, $0) }
    }

    /// Each element's natural logarithm.
    ///
    /// - Returns: A new tensor.
    public func logarithm() -> Tensor { make("logarithm", [self]) { apus_logarithm(handle, $0) } }

    /// max(x, 0) of each element.
    ///
    /// - Returns: A new tensor.
    public func relu() -> Tensor { make("relu", [self]) { apus_relu(handle, $0) } }

    /// x Φ(x) of each element (Hendrycks and Gimpel 2016, the exact form).
    ///
    /// - Returns: A new tensor.
    public func gelu() -> Tensor { make("gelu", [self]) { apus_gelu(handle, $0) } }

    /// x / (1 + exp(-x)) of each element, also called Swish.
    ///
    /// Ramachandran, Zoph and Le 2017, Searching for Activation Functions.
    ///
    /// - Returns: A new tensor.
    public func silu() -> Tensor { make("silu", [self]) { apus_silu(handle, $0) } }

    /// Each element's hyperbolic tangent.
    ///
    /// - Returns: A new tensor.
    public func hyperbolicTangent() -> Tensor {
        make("hyperbolicTangent", [self]) { apus_hyperbolic_tangent(handle, $0) }
    }

    /// The gated linear unit: the first half times the logistic function of the second.
    ///
    /// Dauphin et al. 2017, Language Modeling with Gated Convolutional Networks.
    ///
    /// - Parameter dimension: Which dimension is halved.
    /// - Returns: A new tensor, half as large.
    public func gatedLinear(dimension: Int) -> Tensor {
        make("gatedLinear", [self]) { apus_glu(handle, Int64(dimension), $0) }
    }

    /// The softmax along one dimension.
    ///
    /// - Parameter dimension: Along which dimension.
    /// - Returns: A new tensor.
    public func softmax(dimension: Int) -> Tensor {
        make("softmax", [self]) { apus_softmax(handle, Int64(dimension), $0) }
    }

    /// The logarithm of the softmax along one dimension.
    ///
    /// - Parameter dimension: Along which dimension.
    /// - Returns: A new tensor.
    public func logSoftmax(dimension: Int) -> Tensor {
        make("logSoftmax", [self]) { apus_log_softmax(handle, Int64(dimension), $0) }
    }

    /// The sum of all elements.
    ///
    /// - Returns: A tensor of rank 0.
    public func sum() -> Tensor { make("sum", [self]) { apus_sum_all(handle, $0) } }

    /// The sums along one dimension.
    ///
    /// - Parameters:
    ///   - dimension: Along which dimension.
    ///   - keepsDimension: Whether the dimension stays, with size 1.
    /// - Returns: A new tensor.
    public func sum(dimension: Int, keepsDimension: Bool = false) -> Tensor {
        make("sum", [self]) { apus_sum(handle, Int64(dimension), keepsDimension, $0) }
    }

    /// The mean of all elements.
    ///
    /// - Returns: A tensor of rank 0.
    public func mean() -> Tensor { sum() * (1 / Double(count)) }

    /// The means along one dimension.
    ///
    /// - Parameters:
    ///   - dimension: Along which dimension, not negative.
    ///   - keepsDimension: Whether the dimension stays, with size 1.
    /// - Returns: A new tensor.
    public func mean(dimension: Int, keepsDimension: Bool = false) -> Tensor {
        sum(dimension: dimension, keepsDimension: keepsDimension) * (1 / Double(shape[dimension]))
    }

    /// The index of the largest element along one dimension.
    ///
    /// - Parameter dimension: Along which dimension.
    /// - Returns: Integers.
    public func argmax(dimension: Int) -> Tensor {
        make("argmax", [self]) { apus_argmax(handle, Int64(dimension), $0) }
    }

    /// The eigenvalues of a symmetric matrix, ascending; they aren't differentiated.
    ///
    /// - Returns: A tensor of one dimension.
    public func symmetricEigenvalues() -> Tensor {
        make("symmetricEigenvalues", [self]) { apus_symmetric_eigenvalues(handle, $0) }
    }
}
