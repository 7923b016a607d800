import CTorch

/// The type of a tensor's elements.
public enum ScalarType: Int32, Sendable {
    case float32 = 0
    case bfloat16 = 1
    case int64 = 2
    case bool = 3
}

/// A multi-dimensional array on libtorch, with automatic differentiation.
///
/// A tensor owns one handle of the C ABI. It isn't `Sendable`: tensors are made on the task that
/// computes with them. A wrong shape is a fault of the calling code and traps with libtorch's own
/// message.
public final class Tensor {
    let handle: apus_tensor

    /// Takes ownership of a handle.
    init(owning handle: apus_tensor) { self.handle = handle }

    deinit { apus_tensor_free(handle) }

    /// The size of each dimension.
    public var shape: [Int] {
        withExtendedLifetime(self) {
            var sizes = [Int64](repeating: 0, count: Int(apus_rank(handle)))
            apus_shape(handle, &sizes)
            return sizes.map(Int.init)
        }
    }

    /// The number of elements.
    public var count: Int { withExtendedLifetime(self) { Int(apus_count(handle)) } }

    /// The type of the elements.
    public var type: ScalarType {
        withExtendedLifetime(self) {
            guard let type = ScalarType(rawValue: apus_type(handle)) else {
                preconditionFailure("a tensor has an element type that Apus never makes")
            }
            return type
        }
    }
}

// MARK: - Calls across the C ABI

/// Traps with libtorch's message where a call failed: shapes and types are the caller's to get right.
func succeed(_ status: apus_status?, _ operation: StaticString) {
    guard let status else { return }
    let message = String(cString: status)
    apus_message_free(status)
    // Not `preconditionFailure`, which drops its message in optimised code.
    fatalError("\(operation): \(message)")
}

typealias Made = UnsafeMutablePointer<apus_tensor?>

/// Makes a tensor by one call of the C ABI; `operands` outlive it.
func make(
    _ operation: StaticString, _ operands: [Tensor] = [], _ call: (Made) -> apus_status?
) -> Tensor {
    var out: apus_tensor?
    withExtendedLifetime(operands) { succeed(call(&out), operation) }
    guard let out else { preconditionFailure("\(operation): no tensor came back") }
    return Tensor(owning: out)
}

extension [Int] {
    var sizes: [Int64] { map(Int64.init) }
}
