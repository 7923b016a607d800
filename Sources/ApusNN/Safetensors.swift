import ApusTensor
import Foundation

/// The safetensors format: eight bytes with the header's length, a JSON header, the tensors' bytes.
///
/// Files hold 32-bit floats and text metadata; Python's `safetensors` opens them.
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

    /// A header longer than this belongs to no real model; the format's reader has the same bound.
    private static let longestHeader = 100_000_000

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
        func damaged(_ reason: String) -> NNError { .notSafetensors(path: path, reason: reason) }
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
        } catch {
            throw damaged("it cannot be read")
        }
        guard data.count >= 8 else { throw damaged("\(data.count) bytes are too few") }
        let announced = data.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard announced <= Self.longestHeader, Int(announced) <= data.count - 8 else {
            throw damaged(
                "a header of \(announced) bytes is announced in a file of \(data.count) bytes")
        }
        let start = 8 + Int(announced)
        let header = data.subdata(in: 8..<start)
        let payload = data.count - start
        guard
            let object = try? JSONSerialization.jsonObject(with: header) as? [String: Any]
        else { throw damaged("its header is not JSON") }
        var metadata: [String: String] = [:]
        var tensors: [String: TensorValues] = [:]
        var taken: [Range<Int>] = []
        for (name, value) in object {
            if name == "__metadata__" {
                guard let text = value as? [String: String] else {
                    throw damaged("its metadata is not text")
                }
                metadata = text
                continue
            }
            guard let fields = value as? [String: Any],
                let type = fields["dtype"] as? String, let shape = fields["shape"] as? [Int],
                let offsets = fields["data_offsets"] as? [Int], offsets.count == 2
            else { throw damaged("the entry of \(name) is incomplete") }
            guard type == "F32" else { throw damaged("\(name) has the type \(type), expected F32") }
            guard shape.allSatisfy({ $0 >= 0 }), offsets[0] >= 0, offsets[0] <= offsets[1],
                offsets[1] <= payload
            else { throw damaged("\(name) lies outside the file") }
            var count = 1
            for size in shape {
                let (product, overflow) = count.multipliedReportingOverflow(by: size)
                guard !overflow else { throw damaged("\(name) has the shape \(shape)") }
                count = product
            }
            guard count <= payload / 4, count * 4 == offsets[1] - offsets[0] else {
                throw damaged(
                    "\(name) of shape \(shape) has \(offsets[1] - offsets[0]) bytes")
            }
            taken.append(offsets[0]..<offsets[1])
            let values = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
                data.withUnsafeBytes { bytes in
                    UnsafeMutableRawBufferPointer(buffer).copyMemory(
                        from: UnsafeRawBufferPointer(
                            rebasing: bytes[start + offsets[0]..<start + offsets[1]]))
                }
                initialized = count
            }
            tensors[name] = TensorValues(shape: shape, values: values)
        }
        let ordered = taken.filter { !$0.isEmpty }.sorted { $0.lowerBound < $1.lowerBound }
        var end = 0
        for range in ordered {
            guard range.lowerBound >= end else { throw damaged("two tensors overlap") }
            guard range.lowerBound == end else {
                throw damaged("the bytes from \(end) to \(range.lowerBound) belong to no tensor")
            }
            end = range.upperBound
        }
        guard end == payload else {
            throw damaged("\(payload - end) bytes after the last tensor belong to none")
        }
        self.init(tensors: tensors, metadata: metadata)
    }
}
