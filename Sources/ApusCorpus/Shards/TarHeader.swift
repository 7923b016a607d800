/// The header before a member of a tar archive: a block of 512 bytes.
///
/// ## Reference
/// IEEE Std 1003.1-2017, pax, "ustar Interchange Format" and "pax Header Block"; GNU tar manual, "Basic Tar
/// Format", for long names and sizes in base 256.
struct TarHeader: Equatable {
    static let blockSize = 512

    /// What a member is.
    enum Kind: Equatable {
        case file
        /// A folder, a link or a device: nothing that holds a recording.
        case other
        /// Attributes of the next member.
        case attributes
        /// Attributes of all members that follow.
        case globalAttributes
        /// The name of the next member.
        case longName
        /// The target of the next member's link.
        case longLink
        /// Files with holes, parts of volumes and what isn't known.
        case unsupported(UInt8)
    }

    var name: [UInt8]
    var byteCount: Int
    var kind = Kind.file

    /// The largest size that the header's octal digits hold.
    static let largestByteCount = 0o77_777_777_777

    /// The header of a file with the same bytes on every machine: no owner, and the time 0.
    ///
    /// - Precondition: The name has 1 to 100 bytes, the size at most ``largestByteCount``.
    func encoded() -> [UInt8] {
        precondition((1...100).contains(name.count), "a member's name has 1 to 100 bytes")
        precondition((0...Self.largestByteCount).contains(byteCount), "a size of 11 octal digits")
        var block = [UInt8](repeating: 0, count: Self.blockSize)
        func put(_ bytes: some Sequence<UInt8>, at place: Int) {
            for (index, byte) in bytes.enumerated() { block[place + index] = byte }
        }
        func putOctal(_ value: Int, digits: Int, at place: Int) {
            let text = String(value, radix: 8)
            put((String(repeating: "0", count: digits - text.count) + text).utf8, at: place)
        }
        put(name, at: 0)
        putOctal(0o644, digits: 7, at: 100)
        putOctal(0, digits: 7, at: 108)
        putOctal(0, digits: 7, at: 116)
        putOctal(byteCount, digits: 11, at: 124)
        putOctal(0, digits: 11, at: 136)
        block[156] = UInt8(ascii: "0")
        put("ustar\u{0}00".utf8, at: 257)
        putOctal(0, digits: 7, at: 329)
        putOctal(0, digits: 7, at: 337)
        let sum = block.reduce(8 * 0x20) { $0 + Int($1) }
        putOctal(sum, digits: 6, at: 148)
        block[155] = 0x20
        return block
    }

    /// What is wrong with a header.
    struct Fault: Error {
        var reason: String
    }

    init(name: [UInt8], byteCount: Int) {
        (self.name, self.byteCount) = (name, byteCount)
    }

    /// Reads a header.
    ///
    /// - Parameter block: 512 bytes, not all of them zero.
    /// - Throws: `Fault`.
    init(_ block: [UInt8]) throws(Fault) {
        let stored = try Self.number(block[148..<156], "checksum")
        let rest = block[..<148] + block[156...]
        let unsigned = rest.reduce(8 * 0x20) { $0 + Int($1) }
        // Some old writers added the bytes with their signs.
        let signed = rest.reduce(8 * 0x20) { $0 + Int(Int8(bitPattern: $1)) }
        guard stored == unsigned || stored == signed else {
            throw Fault(reason: "is no header of a tar archive: its checksum is another")
        }
        byteCount = try Self.number(block[124..<136], "size")
        name = Self.text(block[..<100])
        let prefix = Self.text(block[345..<500])
        // GNU's own headers have other things there.
        if block[257..<263].elementsEqual("ustar\u{0}".utf8), !prefix.isEmpty {
            name = prefix + [UInt8(ascii: "/")] + name
        }
        switch block[156] {
        case 0, UInt8(ascii: "0"), UInt8(ascii: "7"): kind = .file
        case UInt8(ascii: "1")...UInt8(ascii: "6"): kind = .other
        case UInt8(ascii: "x"): kind = .attributes
        case UInt8(ascii: "g"): kind = .globalAttributes
        case UInt8(ascii: "L"): kind = .longName
        case UInt8(ascii: "K"): kind = .longLink
        case let letter: kind = .unsupported(letter)
        }
        // Links and devices have no content, whatever their size says.
        if kind == .other { byteCount = 0 }
    }

    /// Whether a block begins an archive: what tells a tar stream from a sound.
    static func isHeader(_ block: [UInt8]) -> Bool {
        block.count >= blockSize && block[257..<262].elementsEqual("ustar".utf8)
            && (try? TarHeader(Array(block[..<blockSize]))) != nil
    }

    private static func text(_ field: ArraySlice<UInt8>) -> [UInt8] {
        Array(field.prefix { $0 != 0 })
    }

    /// A number in octal digits, or in base 256 where its first bit is set.
    private static func number(_ field: ArraySlice<UInt8>, _ what: String) throws(Fault) -> Int {
        if let first = field.first, first & 0x80 != 0 {
            var value = Int(first & 0x3F)
            guard first & 0x40 == 0 else { throw Fault(reason: "has a negative \(what)") }
            for byte in field.dropFirst() {
                let (scaled, overflows) = value.multipliedReportingOverflow(by: 256)
                guard !overflows, scaled <= Int.max - 255 else {
                    throw Fault(reason: "has a \(what) beyond 63 bits")
                }
                value = scaled + Int(byte)
            }
            return value
        }
        let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0 && $0 != 0x20 }
        let text = String(decoding: digits, as: UTF8.self)
        if digits.isEmpty { return 0 }
        guard digits.allSatisfy({ (0x30...0x37).contains($0) }), let value = Int(text, radix: 8)
        else { throw Fault(reason: "has a \(what) that is no octal number") }
        return value
    }
}
