import ApusSignal
import Foundation

/// A checkpoint of PyTorch (`.pt`, `.pth`, `.ckpt`, `.bin`), read without executing anything in it.
///
/// Two formats: a ZIP archive with one pickle and a file for each storage, as PyTorch writes since 1.6;
/// before it, pickles and storages one after the other.
///
/// Opening reads the pickle alone; tensors are read when asked for.
///
/// ## Reference
/// PyTorch's `torch/serialization.py` (`_save`, `_legacy_save`).
public struct TorchCheckpoint: Sendable {
    /// The file's path.
    public let path: String
    /// What the pickle holds.
    public let content: PickleValue

    private let data: Data
    /// Where each storage's bytes lie in the file.
    private let storages: [String: Range<Int>]

    /// Whether a file looks like a checkpoint of either format.
    ///
    /// - Parameter path: The file's path.
    /// - Returns: True for a ZIP archive or a pickle of protocol 2.
    public static func looksLike(_ path: String) -> Bool {
        guard let start = try? InputFile(path: path).bytes(4) else { return false }
        return start == [0x50, 0x4B, 3, 4] || start.prefix(2) == [0x80, 2]
    }

    /// Reads a checkpoint's pickle.
    ///
    /// - Parameter path: The file's path.
    /// - Throws: `NNError.missingFile`, or `NNError.notCheckpoint` with what is wrong or what it names
    ///   that isn't read.
    public init(contentsOf path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else {
            throw NNError.missingFile(path: path)
        }
        self.path = path
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path), options: .alwaysMapped)
        } catch {
            throw NNError.notCheckpoint(path: path, reason: "it cannot be read")
        }
        do {
            (content, storages) =
                data.starts(with: [0x50, 0x4B])
                ? try Self.archive(data, path: path) : try Self.stream(data)
        } catch let problem as PickleReader.Problem {
            throw NNError.notCheckpoint(path: path, reason: problem.reason)
        } catch SignalError.malformedArchive(_, _, let reason) {
            throw NNError.notCheckpoint(path: path, reason: reason)
        }
    }

    /// A tensor's elements as 32-bit floats.
    ///
    /// - Parameter tensor: One of this checkpoint's.
    /// - Returns: Its values, row-major.
    /// - Throws: `NNError.notCheckpoint` where the file lacks its storage.
    public func values(of tensor: TorchTensor) throws -> TensorValues {
        let size = tensor.element.size
        guard let range = storages[tensor.storage], range.count / size >= tensor.storageCount
        else {
            throw NNError.notCheckpoint(
                path: path,
                reason: "the storage \(tensor.storage.printable) of a tensor of shape "
                    + "\(tensor.shape) is missing or cut off")
        }
        let count = tensor.count
        let values = [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            data.withUnsafeBytes { bytes in
                let storage = UnsafeRawBufferPointer(rebasing: bytes[range])
                if tensor.isContiguous {
                    storage.read(tensor.element, from: tensor.offset * size, into: buffer, count)
                } else {
                    for (index, place) in ElementPlaces(tensor).prefix(count).enumerated() {
                        buffer.initializeElement(
                            at: index, to: storage.number(tensor.element, at: place * size))
                    }
                }
            }
            initialized = count
        }
        return TensorValues(shape: tensor.shape, values: values)
    }

    /// The values of many tensors.
    ///
    /// - Parameter tensors: Tensors of this checkpoint by name.
    /// - Returns: Their values by name.
    /// - Throws: `NNError.notCheckpoint` where a storage is missing, or where tensors share storages so
    ///   that together they are far larger than the file.
    public func values(of tensors: [String: TorchTensor]) throws -> [String: TensorValues] {
        let total = tensors.values.reduce(0.0) { $0 + Double($1.count) * Double($1.element.size) }
        guard total <= 4 * Double(data.count) else {
            throw NNError.notCheckpoint(
                path: path,
                reason: "its tensors have \(Int(total)) bytes in a file of \(data.count)")
        }
        return try tensors.mapValues { try values(of: $0) }
    }
}

// MARK: - The formats

extension TorchCheckpoint {
    private typealias Parts = (content: PickleValue, storages: [String: Range<Int>])
    private typealias Problem = PickleReader.Problem

    /// The most bytes that an archive's list of members may have.
    private static let largestDirectory = 16 << 20

    /// A ZIP archive: NAME/data.pkl, and NAME/data/KEY for each storage.
    private static func archive(_ data: Data, path: String) throws -> Parts {
        let members = try ZipDirectory.members(
            of: InputFile(path: path), largestSize: largestDirectory)
        var files: [String: Range<Int>] = [:]
        var taken: [Range<Int>] = []
        for member in members {
            let name = String(decoding: member.name, as: UTF8.self)
            let range = try place(of: member, named: name, in: data)
            guard files.updateValue(range, forKey: name) == nil else {
                throw Problem(reason: "its archive has \(name.printable) twice")
            }
            taken.append(member.offset..<range.upperBound)
        }
        taken.sort { $0.lowerBound < $1.lowerBound }
        for (first, second) in zip(taken, taken.dropFirst())
        where first.upperBound > second.lowerBound {
            throw Problem(reason: "two members of its archive overlap")
        }
        let pickles = files.keys.filter { $0 == "data.pkl" || $0.hasSuffix("/data.pkl") }
        guard pickles.count == 1, let pickle = files[pickles[0]] else {
            throw Problem(
                reason: pickles.isEmpty
                    ? "a ZIP archive without data.pkl" : "its archive has more than one data.pkl")
        }
        let root = pickles[0].dropLast("data.pkl".count)
        if let order = files[root + "byteorder"], data[order].starts(with: Data("big".utf8)) {
            throw Problem(reason: "it was written on a machine with the highest byte first")
        }
        let prefix = root + "data/"
        let storages = files.filter { $0.key.hasPrefix(prefix) }
            .map { (String($0.key.dropFirst(prefix.count)), $0.value) }
        let content = try data.withUnsafeBytes { bytes in
            var reader = PickleReader(UnsafeRawBufferPointer(rebasing: bytes[pickle]))
            return try reader.run()
        }
        return (content, Dictionary(uniqueKeysWithValues: storages))
    }

    /// Where a member's bytes lie.
    private static func place(
        of member: ZipMember, named name: String, in data: Data
    ) throws -> Range<Int> {
        guard member.method == 0, member.packedCount == member.byteCount else {
            throw Problem(reason: "\(name.printable) is compressed, which PyTorch never does")
        }
        let size = ZipRecords.memberHeaderSize
        guard member.offset <= data.count - size else {
            throw Problem(reason: "\(name.printable) lies outside its archive")
        }
        let header = [UInt8](data[member.offset..<member.offset + size])
        guard header.number(at: 0, bytes: 4) == Int(ZipRecords.memberSignature),
            let flags = header.number(at: 6, bytes: 2), flags & 1 == 0,
            let nameLength = header.number(at: 26, bytes: 2),
            let extraLength = header.number(at: 28, bytes: 2)
        else {
            throw Problem(reason: "the header of \(name.printable) is not where the list says")
        }
        let start = member.offset + size + nameLength + extraLength
        guard start <= data.count, member.byteCount <= data.count - start else {
            throw Problem(reason: "\(name.printable) lies outside its archive")
        }
        return start..<start + member.byteCount
    }

    /// Pickles of a magic number, a version and the machine; the content; the keys of the storages; and
    /// for each of these the number of elements and the elements.
    private static func stream(_ data: Data) throws -> Parts {
        try data.withUnsafeBytes { bytes in
            var place = 0
            var named: [String: PickleReader.Storage] = [:]
            func next() throws -> PickleValue {
                var reader = PickleReader(bytes, from: place)
                let value = try reader.run()
                place = reader.place
                named.merge(reader.storages) { $1 }
                return value
            }
            guard bytes.starts(with: [0x80, 2]), case .bytes(let magic) = try next(),
                magic == [0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19],
                try next().integer == 1001
            else { throw Problem(reason: "it is no file of torch.save") }
            let machine = try next()
            guard machine["little_endian"]?.bool ?? true else {
                throw Problem(reason: "it was written on a machine with the highest byte first")
            }
            let content = try next()
            guard case .list(let keys) = try next() else {
                throw Problem(reason: "its list of storages is malformed")
            }
            var storages: [String: Range<Int>] = [:]
            for key in keys {
                guard let key = key.text, bytes.count - place >= 8 else {
                    throw Problem(reason: "it is cut off within its storages")
                }
                let count = Int(
                    Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: Int64.self)))
                place += 8
                guard let storage = named[key] else {
                    throw Problem(reason: "no tensor has its storage \(key.printable)")
                }
                let size = storage.element.size
                guard count >= storage.count, count <= (bytes.count - place) / size,
                    storages.updateValue(place..<place + count * size, forKey: key) == nil
                else {
                    throw Problem(reason: "the storage \(key.printable) is cut off or there twice")
                }
                place += count * size
            }
            return (content, storages)
        }
    }
}

/// The places of a tensor's elements in its storage, row-major.
private struct ElementPlaces: Sequence, IteratorProtocol {
    private let tensor: TorchTensor
    private var indices: [Int]
    private var place: Int

    init(_ tensor: TorchTensor) {
        self.tensor = tensor
        indices = [Int](repeating: 0, count: tensor.shape.count)
        place = tensor.offset
    }

    mutating func next() -> Int? {
        let current = place
        for dimension in tensor.shape.indices.reversed() {
            indices[dimension] += 1
            place += tensor.strides[dimension]
            if indices[dimension] < tensor.shape[dimension] { break }
            place -= indices[dimension] * tensor.strides[dimension]
            indices[dimension] = 0
        }
        return current
    }
}
