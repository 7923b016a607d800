import Foundation

/// A manifest's line, read in one pass over its bytes.
///
/// It takes what almost every line is: one object with the known keys, whose texts have no escapes and
/// whose numbers have at most 15 digits. Of any other line, a faulty one too, it says that it isn't plain;
/// `Cut`'s own decoder then reads it, or says what is wrong. What both read is the same.
struct PlainManifestLine {
    private(set) var path = Range<Int>(uncheckedBounds: (0, 0))
    private(set) var id: Range<Int>?
    private(set) var speaker: Range<Int>?
    private(set) var language: Range<Int>?
    private(set) var fold: Range<Int>?
    private(set) var labels: [Range<Int>] = []
    private(set) var offset = 0.0
    private(set) var duration: Double?
    private(set) var channel: Int?
    /// Whether all keys are known ones.
    private(set) var hasOnlyKnownKeys = true

    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    /// Reads a line; nil where it isn't plain.
    ///
    /// - Parameter bytes: The line; they outlive this value.
    init?(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
        guard Self.isUTF8(bytes), readObject() else { return nil }
        // These are faults, which the decoder has words for.
        if path.isEmpty || offset < 0 || id?.isEmpty == true { return nil }
        if let duration, duration <= 0 { return nil }
        if let channel, channel < 0 { return nil }
    }

    /// Text at a place in the line.
    func text(_ range: Range<Int>) -> String {
        String(decoding: UnsafeRawBufferPointer(rebasing: bytes[range]), as: UTF8.self)
    }

    /// The cut's id: as given, or the path with its offset and channel.
    var cutID: String {
        if let id { return text(id) }
        return text(path) + (offset > 0 ? "@\(offset)" : "") + (channel.map { "#\($0)" } ?? "")
    }

    /// A hash of a prefix and the cut's id.
    ///
    /// - Parameter start: The prefix's own hash.
    /// - Returns: The hash.
    func idHash(after start: UInt64) -> UInt64 {
        guard let named = id ?? (offset == 0 && channel == nil ? path : nil) else {
            return fnv1a(cutID.utf8, after: start)
        }
        return fnv1a(UnsafeRawBufferPointer(rebasing: bytes[named]), after: start)
    }

    /// The cut; its path is as written.
    ///
    /// - Returns: Nil where the line has keys that aren't known.
    var cut: Cut? {
        guard hasOnlyKnownKeys else { return nil }
        return Cut(
            id: cutID, audioPath: text(path), offset: offset, duration: duration, channel: channel,
            speaker: speaker.map(text), labels: labels.map(text), language: language.map(text),
            fold: fold.map(text))
    }

    // MARK: - Reading

    private static func isUTF8(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.allSatisfy { $0 < 0x80 } || String(validating: bytes, as: UTF8.self) != nil
    }

    private var next: UInt8 { position < bytes.count ? bytes[position] : 0 }

    private mutating func skipBlanks() {
        while isBlank(next) { position += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        skipBlanks()
        guard next == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func readObject() -> Bool {
        guard take("{") else { return false }
        var seen: UInt16 = 0
        while true {
            guard let key = readString(), take(":") else { return false }
            skipBlanks()
            guard let number = Self.number(ofKey: UnsafeRawBufferPointer(rebasing: bytes[key]))
            else {
                hasOnlyKnownKeys = false
                guard skipValue(depth: 0) else { return false }
                if take(",") { continue }
                break
            }
            // Which of two values counts is the decoder's matter.
            guard seen & 1 << number == 0 else { return false }
            seen |= 1 << number
            guard readValue(ofKey: number) else { return false }
            if !take(",") { break }
        }
        guard take("}") else { return false }
        skipBlanks()
        return position == bytes.count && seen & 1 != 0
    }

    private static let keys = [
        "audio_filepath", "offset", "duration", "channel", "id", "speaker", "labels", "language",
        "fold",
    ].map { Array($0.utf8) }

    private static func number(ofKey key: UnsafeRawBufferPointer) -> UInt16? {
        guard let base = key.baseAddress else { return nil }
        for number in keys.indices
        where keys[number].count == key.count && memcmp(keys[number], base, key.count) == 0 {
            return UInt16(number)
        }
        return nil
    }

    private mutating func readValue(ofKey number: UInt16) -> Bool {
        switch number {
        case 0:
            guard let text = readString() else { return false }
            path = text
        case 1:
            guard let value = readNumber() else { return false }
            offset = value
        case 2:
            guard let value = readNumber() else { return false }
            duration = value
        case 3:
            guard let text = readWholeNumber() else { return false }
            channel = Int(self.text(text))
        case 6: return readLabels()
        default:
            // An empty name is none, which the decoder knows.
            guard let text = readText(), number == 4 || namesSomething(text) else { return false }
            switch number {
            case 4: id = text
            case 5: speaker = text
            case 7: language = text
            default: fold = text
            }
        }
        return true
    }

    private mutating func readLabels() -> Bool {
        if next != UInt8(ascii: "[") {
            guard let text = readText(), namesSomething(text) else { return false }
            labels = [text]
            return true
        }
        position += 1
        if take("]") { return true }
        repeat {
            skipBlanks()
            guard let text = readText(), namesSomething(text) else { return false }
            labels.append(text)
        } while take(",")
        return take("]")
    }

    private func namesSomething(_ range: Range<Int>) -> Bool {
        bytes[range].contains { $0 > 0x20 && $0 < 0x80 } || !text(range).isBlank
    }

    /// A text, or a whole number that is taken as one.
    private mutating func readText() -> Range<Int>? {
        next == UInt8(ascii: "\"") ? readString() : readWholeNumber()
    }

    /// A string without escapes: the place between its quotes.
    private mutating func readString() -> Range<Int>? {
        guard take("\"") else { return nil }
        let start = position
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                defer { position += 1 }
                return start..<position
            }
            if byte == UInt8(ascii: "\\") || byte < 0x20 { return nil }
            position += 1
        }
        return nil
    }

    private mutating func readDigits() -> Int {
        let start = position
        while (0x30...0x39).contains(next) { position += 1 }
        return position - start
    }

    /// The place of a whole number of at most 15 digits, without a sign and leading zeros.
    private mutating func readWholeNumber() -> Range<Int>? {
        let start = position
        let count = readDigits()
        guard (1...15).contains(count), count == 1 || bytes[start] != 0x30, isAtEndOfValue else {
            return nil
        }
        return start..<position
    }

    private var isAtEndOfValue: Bool {
        switch next {
        case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"): true
        default: isBlank(next)
        }
    }

    /// Powers of ten that are exact.
    private static let powers = (0...15).map { pow(10, Double($0)) }

    /// A number of at most 15 digits: digits and power are exact, and so is the rounding of their
    /// quotient (Clinger, How to Read Floating Point Numbers Accurately, 1990).
    private mutating func readNumber() -> Double? {
        let start = position
        let whole = readDigits()
        guard whole > 0, whole == 1 || bytes[start] != 0x30 else { return nil }
        var decimals = 0
        if next == UInt8(ascii: ".") {
            position += 1
            decimals = readDigits()
            guard decimals > 0 else { return nil }
        }
        guard whole + decimals <= 15, isAtEndOfValue else { return nil }
        var digits = 0
        for index in start..<position where bytes[index] != UInt8(ascii: ".") {
            digits = digits * 10 + Int(bytes[index] - 0x30)
        }
        return Double(digits) / Self.powers[decimals]
    }

    /// Passes over a value of any kind; false where it isn't plain.
    private mutating func skipValue(depth: Int) -> Bool {
        guard depth < 16 else { return false }
        switch next {
        case UInt8(ascii: "\""): return readString() != nil
        case UInt8(ascii: "{"):
            position += 1
            if take("}") { return true }
            repeat {
                guard readString() != nil, take(":") else { return false }
                skipBlanks()
                guard skipValue(depth: depth + 1) else { return false }
            } while take(",")
            return take("}")
        case UInt8(ascii: "["):
            position += 1
            if take("]") { return true }
            repeat {
                skipBlanks()
                guard skipValue(depth: depth + 1) else { return false }
            } while take(",")
            return take("]")
        case UInt8(ascii: "t"): return skipWord("true")
        case UInt8(ascii: "f"): return skipWord("false")
        case UInt8(ascii: "n"): return skipWord("null")
        case UInt8(ascii: "-"):
            position += 1
            return readNumber() != nil
        default: return readNumber() != nil
        }
    }

    private mutating func skipWord(_ word: StaticString) -> Bool {
        let start = position
        position += word.utf8CodeUnitCount
        guard position <= bytes.count else { return false }
        return word.withUTF8Buffer { bytes[start..<position].elementsEqual($0) }
    }
}

/// Whether a byte is a blank within a line.
func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
