import ApusTensor
import Foundation

/// A graph of ONNX's operators while it is built, node by node in the order that they run.
///
/// Operators are those of set 17. Values are `float` where nothing else is said; sizes that are known
/// when the graph runs alone, such as the number of frames, are `int64` values of the graph too.
final class ONNXGraph {
    /// Something that a node makes, or that is given: an input or a constant.
    struct Value: Hashable {
        let name: String
    }

    /// What an operator is told beside its inputs.
    enum Attribute {
        case int(String, Int)
        case ints(String, [Int])
        case float(String, Double)
        case graph(String, ONNXGraph)
    }

    private enum ConstantKey: Hashable {
        case integers([Int], [Int])
        case number(Float)
        case doubles([Double], [Int])
    }

    private var message = Onnx_GraphProto()
    private var reused: [ConstantKey: Value] = [:]
    private var count = 0
    private let prefix: String

    /// An empty graph.
    ///
    /// - Parameters:
    ///   - name: What it is called.
    ///   - prefix: What the names of its values begin with: a graph within a graph sees the outer names.
    init(name: String, prefix: String = "") {
        message.name = name
        self.prefix = prefix
    }

    private func newName() -> String {
        count += 1
        return "\(prefix)\(count)"
    }
}

// MARK: - Nodes

extension ONNXGraph {
    /// Adds a node with one output.
    ///
    /// - Parameters:
    ///   - operation: ONNX's operator.
    ///   - inputs: What it reads; `nil` for one left out.
    ///   - attributes: What it is told.
    ///   - name: The output's name; `nil` for a new one.
    /// - Returns: The output.
    @discardableResult
    func apply(
        _ operation: String, _ inputs: Value?..., attributes: [Attribute] = [],
        name: String? = nil
    ) -> Value {
        let output = Value(name: name ?? newName())
        add(operation, inputs, outputs: [output], attributes)
        return output
    }

    /// Adds a node with several outputs.
    ///
    /// - Parameters:
    ///   - operation: ONNX's operator.
    ///   - inputs: What it reads.
    ///   - outputCount: How many outputs it has.
    ///   - attributes: What it is told.
    /// - Returns: The outputs.
    func applyMany(
        _ operation: String, _ inputs: Value?..., outputCount: Int, attributes: [Attribute] = []
    ) -> [Value] {
        let outputs = (0..<outputCount).map { _ in Value(name: newName()) }
        add(operation, inputs, outputs: outputs, attributes)
        return outputs
    }

    /// Adds a node of as many inputs as there are, with one output.
    func applyAll(_ operation: String, _ inputs: [Value], _ attributes: [Attribute]) -> Value {
        let output = Value(name: newName())
        add(operation, inputs, outputs: [output], attributes)
        return output
    }

    private func add(
        _ operation: String, _ inputs: [Value?], outputs: [Value], _ attributes: [Attribute]
    ) {
        var node = Onnx_NodeProto()
        node.opType = operation
        node.name = "\(operation)-\(outputs.first?.name ?? "")"
        node.input = inputs.map { $0?.name ?? "" }
        node.output = outputs.map(\.name)
        node.attribute = attributes.map(\.message)
        message.node.append(node)
    }
}

extension ONNXGraph.Attribute {
    fileprivate var message: Onnx_AttributeProto {
        var message = Onnx_AttributeProto()
        switch self {
        case .int(let name, let value):
            (message.name, message.type, message.i) = (name, .int, Int64(value))
        case .ints(let name, let values):
            (message.name, message.type, message.ints) = (name, .ints, values.map(Int64.init))
        case .float(let name, let value):
            (message.name, message.type, message.f) = (name, .float, Float(value))
        case .graph(let name, let graph):
            (message.name, message.type, message.g) = (name, .graph, graph.message)
        }
        return message
    }
}

// MARK: - Constants

extension ONNXGraph {
    /// A constant of 32-bit numbers.
    ///
    /// - Parameters:
    ///   - values: The numbers, the last dimension fastest.
    ///   - shape: Its shape; empty for a single number.
    /// - Returns: The constant.
    func floats(_ values: [Float], shape: [Int]) -> Value {
        constant(.float, shape, values.withUnsafeBytes { Data($0) })
    }

    /// A tensor's numbers as a constant.
    func constant(_ tensor: Tensor) -> Value { floats(tensor.floats, shape: tensor.shape) }

    /// A single 32-bit number.
    func number(_ value: Double) -> Value {
        reusing(.number(Float(value))) { floats([Float(value)], shape: []) }
    }

    /// A constant of integers.
    ///
    /// - Parameters:
    ///   - values: The integers.
    ///   - shape: Its shape; one dimension if not said.
    /// - Returns: The constant.
    func integers(_ values: [Int], shape: [Int]? = nil) -> Value {
        let shape = shape ?? [values.count]
        return reusing(.integers(values, shape)) {
            constant(.int64, shape, values.map(Int64.init).withUnsafeBytes { Data($0) })
        }
    }

    /// A single integer.
    func integer(_ value: Int) -> Value { integers([value], shape: []) }

    /// A constant of 64-bit numbers.
    func doubles(_ values: [Double], shape: [Int]) -> Value {
        reusing(.doubles(values, shape)) {
            constant(.double, shape, values.withUnsafeBytes { Data($0) })
        }
    }

    private func reusing(_ key: ConstantKey, make: () -> Value) -> Value {
        if let known = reused[key] { return known }
        let value = make()
        reused[key] = value
        return value
    }

    private func constant(
        _ type: Onnx_TensorProto.DataType, _ shape: [Int], _ bytes: Data
    ) -> Value {
        var tensor = Onnx_TensorProto()
        tensor.name = newName()
        tensor.dims = shape.map(Int64.init)
        tensor.dataType = Int32(type.rawValue)
        tensor.rawData = bytes
        message.initializer.append(tensor)
        return Value(name: tensor.name)
    }
}

// MARK: - Inputs and outputs

extension ONNXGraph {
    /// One dimension of an input or output.
    enum Dimension {
        case fixed(Int)
        case named(String)
    }

    /// Adds an input.
    func input(_ name: String, shape: [Dimension]) -> Value {
        message.input.append(Self.description(of: name, shape: shape))
        return Value(name: name)
    }

    /// Makes a value an output of the graph under a name of its own.
    func output(_ value: Value, name: String, shape: [Dimension]) {
        apply("Identity", value, name: name)
        message.output.append(Self.description(of: name, shape: shape))
    }

    private static func description(
        of name: String, shape: [Dimension]
    ) -> Onnx_ValueInfoProto {
        var value = Onnx_ValueInfoProto()
        value.name = name
        value.type.tensorType.elemType = Int32(Onnx_TensorProto.DataType.float.rawValue)
        value.type.tensorType.shape.dim = shape.map {
            var dimension = Onnx_TensorShapeProto.Dimension()
            switch $0 {
            case .fixed(let size): dimension.dimValue = Int64(size)
            case .named(let name): dimension.dimParam = name
            }
            return dimension
        }
        return value
    }

    /// The graph as a model's file holds it.
    ///
    /// - Parameters:
    ///   - description: What the model is, in a sentence.
    ///   - metadata: What else the file says of itself.
    /// - Returns: The file's bytes.
    /// - Throws: `BinaryEncodingError` for a model of 2 GiB or more.
    func modelFile(description: String, metadata: [(String, String)]) throws -> Data {
        var model = Onnx_ModelProto()
        model.irVersion = 8
        model.producerName = "apus"
        model.producerVersion = apusVersion
        model.docString = description
        model.graph = message
        var operators = Onnx_OperatorSetIdProto()
        operators.version = 17
        model.opsetImport = [operators]
        model.metadataProps = metadata.map { key, value in
            var entry = Onnx_StringStringEntryProto()
            (entry.key, entry.value) = (key, value)
            return entry
        }
        return try model.serializedData()
    }
}
