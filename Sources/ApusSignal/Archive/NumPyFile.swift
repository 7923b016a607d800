import Foundation

/// An array of 32-bit floats with a shape, in C order.
public struct NumPyArray: Sendable, Equatable {
    /// The size of each axis.
    public let shape: [Int]
    /// The values, the last axis fastest.
    public let values: [Float]
}

/// Reads and writes NumPy's `.npy` files of 32-bit floats.
///
/// ## Reference
/// NumPy Enhancement Proposal 1, "A Simple File Format for NumPy Arrays"; versions 1 to 3.
public enum NumPyFile {
    private static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)

    /// Writes features as an array of T x D.
    ///
    /// - Parameters:
    ///   - features: T x D features.
    ///   - path: The file's path; its folder must exist.
    /// - Throws: ``SignalError/cannotWrite(path:reason:)``.
    public static func write(_ features: FeatureMatrix, to path: String) throws {
        try write(
            features.values, shape: [features.frameCount, features.featureCount], to: path)
    }

    /// Writes values as an array.
    ///
    /// - Parameters:
    ///   - values: The values, the last axis fastest.
    ///   - shape: The size of each axis; nil for one axis with all values.
    ///   - path: The file's path; its folder must exist.
    /// - Throws: ``SignalError/cannotWrite(path:reason:)``.
    /// - Precondition: The shape has as many elements as there are values.
    public static func write(_ values: [Float], shape: [Int]? = nil, to path: String) throws {
        let shape = shape ?? [values.count]
        precondition(shape.reduce(1, *) == values.count, "\(shape) is not \(values.count) values")
        let file = try OutputFile(replacing: path)
        try file.append(header(shape: shape))
        try file.append(littleEndian: values)
        try file.commit()
    }

    /// Reads an array of 32-bit floats.
    ///
    /// - Parameter path: The file's path.
    /// - Returns: The array.
    /// - Throws: ``SignalError`` where the file is missing, unreadable or another kind of file or
    ///   array.
    public static func read(_ path: String) throws -> NumPyArray {
        try SoundFile.checkBytes(path)
        let data: [UInt8]
        do {
            data = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        } catch {
            throw SignalError.unreadable(path: path, reason: error.localizedDescription)
        }
        return try array(from: data, path: path)
    }

    /// The bytes before the values of an array of 32-bit floats in C order.
    ///
    /// There is room in them for any number of rows, so that a header of T x D features has the same
    /// size before T is known.
    ///
    /// - Parameter shape: The size of each axis.
    /// - Returns: A multiple of 64 bytes.
    package static func header(shape: [Int]) -> [UInt8] {
        let axes = shape.map { "\($0)" }.joined(separator: ", ") + (shape.count == 1 ? "," : "")
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(axes)), }"
        let digits = shape.first.map { "\($0)".count } ?? 0
        // The values begin at a multiple of 64 bytes, after a newline.
        let beforeText = magic.count + 4
        let least = beforeText + text.utf8.count + (19 - digits) + 1
        let size = (least + 63) / 64 * 64
        let length = size - beforeText
        let padding = [UInt8](repeating: 0x20, count: length - text.utf8.count - 1)
        return magic + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + Array(text.utf8)
            + padding + [0x0A]
    }

    /// The shape of a file's array and where its values begin, without reading them.
    ///
    /// - Parameter path: The file's path.
    /// - Returns: The size of each axis, and bytes.
    /// - Throws: ``SignalError`` as ``read(_:)`` does.
    package static func layout(of path: String) throws -> (shape: [Int], start: Int) {
        try SoundFile.checkBytes(path)
        let input = try InputFile(path: path)
        let size = try input.byteCount()
        try input.seek(to: 0)
        guard let data = try input.bytes(min(size, 1 << 17)) else {
            throw SignalError.unreadable(path: path, reason: "it ends too early")
        }
        let layout = try layout(data, path: path)
        try requireSize(layout, byteCount: size, path: path)
        return layout
    }

    /// Reads an array from the bytes of a file or of an archive's member.
    ///
    /// - Parameters:
    ///   - data: The bytes.
    ///   - path: Where they come from, for errors.
    /// - Returns: The array.
    /// - Throws: ``SignalError/notNumPy(path:reason:)``.
    static func array(from data: [UInt8], path: String) throws -> NumPyArray {
        let (shape, start) = try layout(data, path: path)
        try requireSize((shape, start), byteCount: data.count, path: path)
        let found = (data.count - start) / 4
        let values = [Float](unsafeUninitializedCapacity: found) { buffer, written in
            // Every processor that Swift supports on Linux has this order already.
            precondition(UInt32(1).littleEndian == 1, "a processor with the lowest byte first")
            data.withUnsafeBytes { bytes in
                UnsafeMutableRawBufferPointer(buffer).copyMemory(
                    from: UnsafeRawBufferPointer(rebasing: bytes[start..<start + found * 4]))
            }
            written = found
        }
        return NumPyArray(shape: shape, values: values)
    }

    private static func layout(
        _ data: [UInt8], path: String
    ) throws -> (shape: [Int], start: Int) {
        func wrong(_ reason: String) -> SignalError { .notNumPy(path: path, reason: reason) }

        guard data.count >= 12, data.starts(with: magic) else {
            throw wrong("it does not begin as one")
        }
        let lengthSize = data[6] == 1 ? 2 : 4
        let length = data[8..<(8 + lengthSize)].reversed().reduce(0) { $0 << 8 | Int($1) }
        let start = 8 + lengthSize + length
        guard (1...3).contains(data[6]), start <= data.count else {
            throw wrong("its header is cut off")
        }
        let header = String(decoding: data[(8 + lengthSize)..<start], as: UTF8.self)
        guard header.contains("'descr': '<f4'") else { throw wrong("its values are others") }
        guard header.contains("'fortran_order': False") else {
            throw wrong("its order is Fortran's")
        }
        guard let shape = shape(in: header) else { throw wrong("its shape is not understood") }
        return (shape, start)
    }

    private static func requireSize(
        _ layout: (shape: [Int], start: Int), byteCount: Int, path: String
    ) throws {
        let count = layout.shape.reduce(Int?.some(1)) { product, size in
            guard let (value, overflow) = product?.multipliedReportingOverflow(by: size),
                !overflow
            else { return nil }
            return value
        }
        let found = byteCount - layout.start
        guard count == found / 4, found % 4 == 0 else {
            throw SignalError.notNumPy(
                path: path,
                reason: "expected values of shape \(layout.shape), found \(found) bytes")
        }
    }

    private static func shape(in header: String) -> [Int]? {
        guard let key = header.range(of: "'shape': ("),
            let end = header[key.upperBound...].firstIndex(of: ")")
        else { return nil }
        let sizes = header[key.upperBound..<end].split(separator: ",").map {
            Int($0.trimmingCharacters(in: .whitespaces))
        }
        let known = sizes.compactMap { $0 }
        return known.count == sizes.count && known.allSatisfy { $0 >= 0 } ? known : nil
    }
}
