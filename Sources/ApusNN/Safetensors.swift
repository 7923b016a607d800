import Foundation

/// The safetensors format: eight bytes with the header's length, a JSON header, the tensors' bytes.
///
/// Files hold 32-bit floats and text metadata; Python's `safetensors` opens them. Floats of other sizes,
/// which models that others published have, are read as 32-bit ones.
public struct Safetensors: Equatable, Sendable {
    /// The tensors by name.
    public var tensors: [String: TensorValues]
    /// Text by key, such as the model card.
    public var metadata: [String: String]

    /// The content of a file.
    ///
    /// - Parameters:
    ///   - tensors: The tensors by name.
    ///   - metadata: Text by key.
    public init(tensors: [String: TensorValues], metadata: [String: String] = [:]) {
        self.tensors = tensors
        self.metadata = metadata
    }

    private struct Entry: Codable {
        var dtype: String
        var shape: [Int]
        // The format's own key is in snake case.
        var offsets: [Int]
        enum CodingKeys: String, CodingKey {
            case dtype, shape
            case offsets = "data_offsets"
        }
    }

    /// A header longer than this belongs to no real model; 32 MB name a quarter of a million tensors.
    private static let longestHeader = 1 << 25

    /// The file's bytes; the same content gives the same bytes.
    ///
    /// - Returns: The bytes.
    /// - Throws: Where text isn't encodable as JSON.
    public func encoded() throws -> Data {
        let names = tensors.keys.sorted()
        let header = try Self.header(
            of: names.map { ($0, tensors[$0]?.shape ?? []) }, metadata: metadata)
        let size = tensors.values.reduce(0) { $0 + $1.values.count * MemoryLayout<Float>.size }
        var data = Data(capacity: header.count + size)
        data.append(header)
        for name in names {
            tensors[name]?.values.withUnsafeBytes { data.append(contentsOf: $0) }
        }
        return data
    }

    /// What stands before the tensors' bytes, which follow in the same order.
    ///
    /// - Parameters:
    ///   - tensors: The tensors' names and shapes.
    ///   - metadata: Text by key.
    /// - Returns: The header with its length, a multiple of eight bytes.
    /// - Throws: Where text isn't encodable as JSON.
    public static func header(
        of tensors: [(name: String, shape: [Int])], metadata: [String: String]
    ) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        var parts: [String] = []
        if !metadata.isEmpty {
            parts.append(
                "\"__metadata__\":" + String(decoding: try encoder.encode(metadata), as: UTF8.self))
        }
        var offset = 0
        for (name, shape) in tensors {
            let size = shape.reduce(1, *) * MemoryLayout<Float>.size
            let entry = Entry(dtype: "F32", shape: shape, offsets: [offset, offset + size])
            parts.append(
                String(decoding: try encoder.encode(name), as: UTF8.self) + ":"
                    + String(decoding: try encoder.encode(entry), as: UTF8.self))
            offset += size
        }
        var header = Data(("{" + parts.joined(separator: ",") + "}").utf8)
        // The tensors begin at a multiple of eight bytes.
        header.append(Data(repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8))
        var data = Data(capacity: 8 + header.count)
        withUnsafeBytes(of: UInt64(header.count).littleEndian) { data.append(contentsOf: $0) }
        data.append(header)
        return data
    }

    /// Reads a file.
    ///
    /// - Parameter path: The file's path.
    /// - Throws: `NNError.missingFile`, or `NNError.notSafetensors` with what is wrong.
    public init(contentsOf path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else {
            throw NNError.missingFile(path: path)
        }
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
        } catch {
            throw NNError.notSafetensors(path: path, reason: "it cannot be read")
        }
        try self.init(data: data, path: path)
    }

    /// Reads what a file holds.
    ///
    /// - Parameters:
    ///   - data: The bytes.
    ///   - path: Where they come from, for the error.
    /// - Throws: `NNError.notSafetensors` with what is wrong.
    public init(data: Data, path: String) throws {
        func damaged(_ reason: String) -> NNError { .notSafetensors(path: path, reason: reason) }
        guard data.count >= 8 else { throw damaged("\(data.count) bytes are too few") }
        let announced = data.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard announced <= Self.longestHeader, Int(announced) <= data.count - 8 else {
            throw damaged(
                "a header of \(announced) bytes is announced in a file of \(data.count) bytes")
        }
        let start = 8 + Int(announced)
        let payload = data.count - start
        let header: SafetensorsHeader
        do {
            header = try data.withUnsafeBytes {
                try SafetensorsHeader(UnsafeRawBufferPointer(rebasing: $0[8..<start]))
            }
        } catch let problem as SafetensorsHeader.Problem {
            throw damaged(problem.reason)
        }
        for (name, entry) in header.entries {
            if let problem = Self.problem(entry, named: name.printable, payload: payload) {
                throw damaged(problem)
            }
        }
        // Nothing is copied before it is known that the tensors share no bytes.
        if let problem = Self.problem(of: header.entries.values.map(\.offsets), payload: payload) {
            throw damaged(problem)
        }
        var tensors: [String: TensorValues] = [:]
        tensors.reserveCapacity(header.entries.count)
        for (name, entry) in header.entries {
            guard let element = Self.elements[entry.type] else { continue }
            let count = (entry.offsets[1] - entry.offsets[0]) / element.size
            let values = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
                data.withUnsafeBytes { bytes in
                    bytes.read(element, from: start + entry.offsets[0], into: buffer, count)
                }
                initialized = count
            }
            tensors[name] = TensorValues(shape: entry.shape, values: values)
        }
        self.init(tensors: tensors, metadata: header.metadata)
    }

    /// The types of numbers that are read, all of them as 32-bit floats.
    private static let elements: [String: TorchTensor.Element] = [
        "F32": .float32, "F16": .float16, "BF16": .bfloat16, "F64": .float64,
    ]

    /// What is wrong with an entry by itself.
    private static func problem(
        _ entry: SafetensorsHeader.Entry, named name: String, payload: Int
    ) -> String? {
        guard let element = elements[entry.type] else {
            return "\(name) has the type \(entry.type.printable), expected F32, F16, BF16 or F64"
        }
        let (shape, offsets) = (entry.shape, entry.offsets)
        guard shape.allSatisfy({ $0 >= 0 }), offsets[0] >= 0, offsets[0] <= offsets[1],
            offsets[1] <= payload
        else { return "\(name) lies outside the file" }
        var count = 1
        for size in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            guard !overflow else { return "\(name) has the shape \(shape)" }
            count = product
        }
        guard count <= payload / element.size, count * element.size == offsets[1] - offsets[0]
        else { return "\(name) of shape \(shape) has \(offsets[1] - offsets[0]) bytes" }
        return nil
    }

    /// What is wrong with where tensors lie: they fill the payload, one after the other.
    private static func problem(of offsets: [[Int]], payload: Int) -> String? {
        var end = 0
        for range in offsets.filter({ $0[0] < $0[1] }).sorted(by: { $0[0] < $1[0] }) {
            guard range[0] >= end else { return "two tensors overlap" }
            guard range[0] == end else {
                return "the bytes from \(end) to \(range[0]) belong to no tensor"
            }
            end = range[1]
        }
        return end == payload ? nil : "\(payload - end) bytes after the last tensor belong to none"
    }
}
