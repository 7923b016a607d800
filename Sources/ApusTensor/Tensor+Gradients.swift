import CTorch

extension Tensor {
    /// Whether operations on this tensor are recorded for differentiation.
    public var requiresGradient: Bool {
        get { withExtendedLifetime(self) { apus_requires_gradient(handle) } }
        set {
            withExtendedLifetime(self) {
                succeed(apus_set_requires_gradient(handle, newValue), "requiresGradient")
            }
        }
    }

    /// The gradient that backward passes have accumulated here.
    public var gradient: Tensor? {
        var out: apus_tensor?
        withExtendedLifetime(self) { succeed(apus_gradient(handle, &out), "gradient") }
        return out.map(Tensor.init(owning:))
    }

    /// Forgets the accumulated gradient.
    public func clearGradient() { withExtendedLifetime(self) { apus_clear_gradient(handle) } }

    /// Differentiates this scalar; gradients accumulate in the leaves that require them.
    public func backward() {
        withExtendedLifetime(self) { succeed(apus_backward(handle), "backward") }
    }

    /// The same values, cut off from what they were computed from.
    ///
    /// - Returns: A view.
    public func detached() -> Tensor { make("detached", [self]) { apus_detach(handle, $0) } }
}

/// Computes without recording for differentiation.
///
/// - Parameter body: What is computed.
/// - Returns: What `body` returns.
public func withoutGradients<Result>(_ body: () throws -> Result) rethrows -> Result {
    let before = apus_set_gradients_recorded(false)
    defer { _ = apus_set_gradients_recorded(before) }
    return try body()
}

/// The numbers that matrix products are computed in.
public enum Precision: String, Codable, Sendable, CaseIterable {
    /// 32-bit floats throughout.
    case float32
    /// Matrix products and convolutions in bfloat16, weights and sums in 32 bits.
    case bfloat16
}

/// Computes with matrix products in a given precision.
///
/// - Parameters:
///   - precision: The precision of matrix products inside `body`.
///   - body: What is computed.
/// - Returns: What `body` returns.
public func withPrecision<Result>(
    _ precision: Precision, _ body: () throws -> Result
) rethrows -> Result {
    let before = apus_set_bfloat16_autocast(precision == .bfloat16)
    defer { _ = apus_set_bfloat16_autocast(before) }
    return try body()
}
