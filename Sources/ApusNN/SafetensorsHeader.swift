/// Reads the JSON header of a safetensors file.
///
/// The format allows an object of entries with three fields each, and of metadata that is text; so
/// that much of JSON is read and nothing beyond it, in one pass and in no more memory than the header
/// has bytes. A key that is there twice is an error, as in the format's own reader.
struct SafetensorsHeader {
    /// What is wrong with a header.
    struct Problem: Error {
        var reason: String
    }

    struct Entry {
        var type = ""
        var shape: [Int] = []
        var offsets: [Int] = []
    }

    /// The entries by name.
    private(set) var entries: [String: Entry] = [:]
    private(set) var metadata: [String: String] = [:]

    private let bytes: UnsafeRawBufferPointer
    private var place = 0

    /// More tensors than any model has.
    private static let mostEntries = 100_000

    /// - Parameter bytes: The header.
    /// - Throws: `Problem`.
    init(_ bytes: UnsafeRawBufferPointer) throws {
        self.bytes = bytes
        try readObject { header, name in
            if name == "__metadata__" {
                try header.readMetadata()
            } else {
                let entry = try header.readEntry(name)
                guard header.entries.updateValue(entry, forKey: name) == nil else {
                    throw Problem(reason: "the tensor \(name.printable) is there twice")
                }
                guard header.entries.count <= Self.mostEntries else {
                    throw Problem(reason: "it has more than \(Self.mostEntries) tensors")
                }
            }
        }
        guard peek() == nil else { throw Self.notJSON }
    }

    private static let notJSON = Problem(reason: "its header is not JSON")

    private mutating func readMetadata() throws {
        var problem: Problem?
        var found: [String: String] = [:]
        guard peek() == UInt8(ascii: "{") else { throw Problem(reason: "its metadata is not text") }
        try readObject { header, key in
            guard header.peek() == UInt8(ascii: "\"") else {
                throw Problem(reason: "its metadata is not text")
            }
            if found.updateValue(try header.readString(), forKey: key) != nil {
                problem = Problem(reason: "the metadata \(key.printable) is there twice")
            }
        }
        if let problem { throw problem }
        metadata = found
    }

    private mutating func readEntry(_ name: String) throws -> Entry {
        let incomplete = Problem(reason: "the entry of \(name.printable) is incomplete")
        guard peek() == UInt8(ascii: "{") else { throw incomplete }
        var entry = Entry()
        var fields: Set<String> = []
        try readObject { header, field in
            guard fields.insert(field).inserted else {
                throw Problem(
                    reason: "the entry of \(name.printable) has \(field.printable) twice")
            }
            switch field {
            case "dtype":
                guard header.peek() == UInt8(ascii: "\"") else { throw incomplete }
                entry.type = try header.readString()
            case "shape": entry.shape = try header.readIntegers(incomplete)
            case "data_offsets": entry.offsets = try header.readIntegers(incomplete)
            default:
                throw Problem(
                    reason: "the entry of \(name.printable) has the field \(field.printable)")
            }
        }
        guard fields.count == 3, entry.offsets.count == 2 else { throw incomplete }
        return entry
    }

    private mutating func readIntegers(_ incomplete: Problem) throws -> [Int] {
        guard take(UInt8(ascii: "[")) else { throw incomplete }
        var values: [Int] = []
        if take(UInt8(ascii: "]")) { return values }
        repeat {
            _ = peek()
            let isNegative = place < bytes.count && bytes[place] == UInt8(ascii: "-")
            if isNegative { place += 1 }
            let start = place
            var value = 0
            while place < bytes.count, case let digit = bytes[place] &- UInt8(ascii: "0"),
                digit < 10
            {
                let (tens, tooLarge) = value.multipliedReportingOverflow(by: 10)
                let (sum, larger) = tens.addingReportingOverflow(Int(digit))
                guard !tooLarge, !larger else { throw incomplete }
                value = sum
                place += 1
            }
            guard place > start, values.count < 64 else { throw incomplete }
            values.append(isNegative ? -value : value)
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw incomplete }
        return values
    }
}

// MARK: - JSON

extension SafetensorsHeader {
    /// The next byte that is no space, which stays the next; `nil` at the end.
    private mutating func peek() -> UInt8? {
        while place < bytes.count {
            switch bytes[place] {
            case 0x20, 0x09, 0x0A, 0x0D: place += 1
            default: return bytes[place]
            }
        }
        return nil
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        place += 1
        return true
    }

    /// Reads an object; `value` reads what stands behind a key.
    private mutating func readObject(
        _ value: (inout SafetensorsHeader, String) throws -> Void
    ) throws {
        guard take(UInt8(ascii: "{")) else { throw Self.notJSON }
        if take(UInt8(ascii: "}")) { return }
        repeat {
            guard peek() == UInt8(ascii: "\"") else { throw Self.notJSON }
            let key = try readString()
            guard take(UInt8(ascii: ":")), peek() != nil else { throw Self.notJSON }
            try value(&self, key)
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw Self.notJSON }
    }

    private mutating func readString() throws -> String {
        place += 1
        var content: [UInt8] = []
        var start = place
        while place < bytes.count {
            switch bytes[place] {
            case UInt8(ascii: "\""):
                content += bytes[start..<place]
                place += 1
                guard let text = String(validating: content, as: UTF8.self) else {
                    throw Self.notJSON
                }
                return text
            case UInt8(ascii: "\\"):
                content += bytes[start..<place]
                content += try readEscape().utf8
                start = place
            case 0..<0x20: throw Self.notJSON
            default: place += 1
            }
        }
        throw Self.notJSON
    }

    /// An escape: two characters, or `\uXXXX`, of which two may make one character.
    private mutating func readEscape() throws -> String {
        guard place + 1 < bytes.count else { throw Self.notJSON }
        let letter = bytes[place + 1]
        place += 2
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
            return String(UnicodeScalar(letter))
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            var units = [try readUnit()]
            if UTF16.isLeadSurrogate(units[0]), place + 1 < bytes.count,
                bytes[place] == UInt8(ascii: "\\"), bytes[place + 1] == UInt8(ascii: "u")
            {
                place += 2
                units.append(try readUnit())
            }
            guard let text = String(validating: units, as: UTF16.self) else { throw Self.notJSON }
            return text
        default: throw Self.notJSON
        }
    }

    private mutating func readUnit() throws -> UInt16 {
        guard place + 4 <= bytes.count,
            let unit = UInt16(String(decoding: bytes[place..<place + 4], as: UTF8.self), radix: 16)
        else { throw Self.notJSON }
        place += 4
        return unit
    }
}
