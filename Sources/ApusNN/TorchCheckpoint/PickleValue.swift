/// What a pickle holds once it is read: plain values, containers of them, and tensors.
public enum PickleValue: Sendable {
    /// `None`.
    case none
    /// `True` or `False`.
    case bool(Bool)
    /// An integer of at most 64 bits.
    case integer(Int)
    /// A float.
    case double(Double)
    /// Text, or the name of a type of numbers such as `torch.float32`.
    case text(String)
    /// Bytes, and integers of more than 64 bits, lowest byte first.
    case bytes([UInt8])
    /// A list, a tuple or a `torch.Size`.
    case list([PickleValue])
    /// A dictionary or the fields of an `argparse.Namespace`, in the file's order.
    case dictionary([(key: PickleValue, value: PickleValue)])
    /// A tensor, not read yet.
    indirect case tensor(TorchTensor)
}

extension PickleValue {
    /// The value of a key of text, `nil` where this is no dictionary or has no such key.
    ///
    /// - Parameter key: The key.
    /// - Returns: Its last value.
    public subscript(key: String) -> PickleValue? {
        guard case .dictionary(let pairs) = self else { return nil }
        return pairs.last { if case .text(key) = $0.key { true } else { false } }?.value
    }

    /// The text, or `nil` for anything else.
    public var text: String? { if case .text(let text) = self { text } else { nil } }

    /// The integer, or `nil` for anything else.
    public var integer: Int? { if case .integer(let value) = self { value } else { nil } }

    /// The number, or `nil` for anything else.
    public var double: Double? {
        switch self {
        case .double(let value): value
        case .integer(let value): Double(value)
        default: nil
        }
    }

    /// The truth value, or `nil` for anything else.
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

    /// The tensors of a dictionary by name; what else it holds is left out.
    public var tensors: [String: TorchTensor] {
        guard case .dictionary(let pairs) = self else { return [:] }
        var found: [String: TorchTensor] = [:]
        for (key, value) in pairs {
            guard let name = key.text else { continue }
            if case .tensor(let tensor) = value { found[name] = tensor }
        }
        return found
    }
}

/// Where a tensor of a checkpoint lies, and what shape it has.
public struct TorchTensor: Equatable, Sendable {
    /// The types of numbers that PyTorch stores.
    public enum Element: String, Sendable, CaseIterable {
        case float64 = "Double"
        case float32 = "Float"
        case float16 = "Half"
        case bfloat16 = "BFloat16"
        case int64 = "Long"
        case int32 = "Int"
        case int16 = "Short"
        case int8 = "Char"
        case uint8 = "Byte"
        case bool = "Bool"

        /// The number of bytes.
        public var size: Int {
            switch self {
            case .float64, .int64: 8
            case .float32, .int32: 4
            case .float16, .bfloat16, .int16: 2
            case .int8, .uint8, .bool: 1
            }
        }
    }

    /// The type of its numbers.
    public let element: Element
    /// The size of each dimension.
    public let shape: [Int]
    /// From one element to the next along each dimension, in elements.
    let strides: [Int]
    /// The first element's place in the storage, in elements.
    let offset: Int
    /// The storage's name in the file.
    let storage: String
    /// How many elements the storage is said to have.
    let storageCount: Int

    /// The number of elements.
    public var count: Int { shape.reduce(1, *) }

    /// Whether its elements lie one after the other.
    var isContiguous: Bool {
        var expected = 1
        for (size, stride) in zip(shape, strides).reversed() {
            if size != 1 && stride != expected { return false }
            expected *= size
        }
        return true
    }
}
