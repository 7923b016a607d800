import Foundation

/// A list of verification trials: pairs of recordings, each of one speaker (a target) or of two.
///
/// Two formats are read, told apart by the first trial:
///
///     1 id10270/x6uYqmx31kE/00001.wav id10270/8jEAjG6SegY/00008.wav     VoxCeleb: 1 target, 0 not
///     1272-128104-0000 1272-135031-0009 target                          Kaldi: target or nontarget
///
/// Blank lines and those that begin with `#` are skipped. A trial takes 9 bytes; each name is kept
/// once. While a list is read, its file is mapped and takes no memory of its own.
public struct TrialList: Sendable {
    /// How a line is written.
    public enum Format: String, Codable, Hashable, Sendable {
        /// `1 first second` or `0 first second`.
        case voxCeleb
        /// `first second target` or `first second nontarget`.
        case kaldi

        /// What a line looks like, for people.
        public var pattern: String {
            switch self {
            case .voxCeleb: "'1 first second' or '0 first second'"
            case .kaldi: "'first second target' or 'first second nontarget'"
            }
        }
    }

    /// The file that the list was read from.
    public let path: String
    /// How its lines are written.
    public let format: Format
    /// The names of the recordings, each once, in the order in which they first come up.
    public let names: [String]
    /// The position in `names` of each trial's first side.
    public let first: [Int32]
    /// The position in `names` of each trial's second side.
    public let second: [Int32]
    /// Whether the two sides of each trial are of one speaker.
    public let isTarget: [Bool]

    /// The number of trials.
    public var count: Int { isTarget.count }

    /// A list in memory.
    ///
    /// - Parameters:
    ///   - path: Where it comes from, for messages.
    ///   - format: How its lines are written.
    ///   - names: The names of the recordings, each once.
    ///   - first: The position in `names` of each trial's first side.
    ///   - second: The position in `names` of each trial's second side.
    ///   - isTarget: Whether the two sides of each trial are of one speaker.
    public init(
        path: String, format: Format = .kaldi, names: [String], first: [Int32], second: [Int32],
        isTarget: [Bool]
    ) {
        precondition(
            first.count == isTarget.count && second.count == isTarget.count,
            "two sides for each trial")
        precondition(
            (first + second).allSatisfy { names.indices.contains(Int($0)) },
            "each side has a name")
        self.path = path
        self.format = format
        self.names = names
        self.first = first
        self.second = second
        self.isTarget = isTarget
    }

    /// Reads a list.
    ///
    /// - Parameter path: The file.
    /// - Throws: `CorpusError.unreadable`, `.malformedLine` at a line that is not a trial of the
    ///   list's format, `.nothingFound` where there is no trial.
    /// - Complexity: O(n) in the size of the file.
    public init(contentsOf path: String) throws {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe)
        } catch {
            throw CorpusError.unreadable(path: path, reason: foundationReason(error))
        }
        var reader = TrialLines(path: path)
        try data.withUnsafeBytes { bytes in
            let lines = UnsafeBufferPointer(
                start: bytes.assumingMemoryBound(to: UInt8.self).baseAddress, count: bytes.count)
            try reader.read(lines)
        }
        guard let format = reader.format else {
            throw CorpusError.nothingFound(path: path, expected: "trials")
        }
        self.path = path
        self.format = format
        names = reader.names
        first = reader.first
        second = reader.second
        isTarget = reader.isTarget
    }

    /// Trials whose pair of recordings was there before, in whichever order.
    public struct Repetitions: Hashable, Sendable {
        /// The number of trials that say again what another one says.
        public var repeated = 0
        /// The number of trials that say the opposite of another one.
        public var contradicting = 0
        /// The pair of one trial that says the opposite of another one.
        public var contradiction: [String] = []
    }

    /// Looks for pairs that are there several times.
    ///
    /// - Returns: What was found.
    /// - Complexity: O(n log n) in the number of trials, and 8 bytes a trial while it runs.
    public func repetitions() -> Repetitions {
        // The lower name in the upper half, the other one and the kind in the lower half.
        var keys = (0..<count).map { trial -> UInt64 in
            let (a, b) = (UInt64(first[trial]), UInt64(second[trial]))
            return min(a, b) << 32 | max(a, b) << 1 | (isTarget[trial] ? 1 : 0)
        }
        keys.sort()
        var found = Repetitions()
        for (key, next) in zip(keys, keys.dropFirst()) where key >> 1 == next >> 1 {
            if key == next {
                found.repeated += 1
            } else {
                found.contradicting += 1
                found.contradiction = [
                    names[Int(key >> 32)], names[Int(key >> 1 & 0x7FFF_FFFF)],
                ]
            }
        }
        return found
    }
}

/// Reads lines into the parts of a list.
private struct TrialLines {
    let path: String
    var format: TrialList.Format?
    var names: [String] = []
    var first: [Int32] = []
    var second: [Int32] = []
    var isTarget: [Bool] = []
    private var numbers: [String: Int32] = [:]
    /// The first side of the line before, which is often that of the next line too.
    private var recent: (bytes: Field, number: Int32)?

    private typealias Field = Slice<UnsafeBufferPointer<UInt8>>

    init(path: String) { self.path = path }

    mutating func read(_ bytes: UnsafeBufferPointer<UInt8>) throws {
        var position = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        var line = 0
        var fields: [Field] = []
        while position < bytes.count {
            line += 1
            fields.removeAll(keepingCapacity: true)
            while position < bytes.count, bytes[position] != 0x0A {
                if isBlank(bytes[position]) {
                    position += 1
                    continue
                }
                let start = position
                while position < bytes.count, !isBlank(bytes[position]), bytes[position] != 0x0A {
                    position += 1
                }
                fields.append(bytes[start..<position])
            }
            position += 1
            guard let head = fields.first, head.first != UInt8(ascii: "#") else { continue }
            try add(fields, line: line)
        }
    }

    private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }

    private mutating func add(_ fields: [Field], line: Int) throws {
        func malformed(_ reason: String) -> CorpusError {
            .malformedLine(path: path, line: line, reason: reason)
        }
        func wrong(_ found: String) -> CorpusError {
            let formats: [TrialList.Format] = format.map { [$0] } ?? [.voxCeleb, .kaldi]
            let patterns = formats.map(\.pattern).joined(separator: ", or ")
            return malformed("expected \(patterns), found \(found)")
        }
        guard fields.count == 3 else { throw wrong("\(fields.count) fields") }
        if format == nil {
            format = [TrialList.Format.kaldi, .voxCeleb].first { kind(of: fields, $0) != nil }
        }
        guard let format, let isTarget = kind(of: fields, format) else {
            let kinds = format.map { [field(of: $0)] } ?? [0, 2]
            let found = kinds.map { "'\(String(decoding: fields[$0], as: UTF8.self))'" }
            throw wrong(found.joined(separator: " and "))
        }
        let (one, other) =
            format == .voxCeleb ? (fields[1], fields[2]) : (fields[0], fields[1])
        func numbered(_ field: Field) throws -> Int32 {
            guard let number = number(field) else { throw malformed("a name is not UTF-8 text") }
            return number
        }
        if let recent, recent.bytes.elementsEqual(one) {
            first.append(recent.number)
        } else {
            let number = try numbered(one)
            recent = (one, number)
            first.append(number)
        }
        second.append(try numbered(other))
        self.isTarget.append(isTarget)
    }

    /// Which field says whether a trial is a target.
    private func field(of format: TrialList.Format) -> Int { format == .voxCeleb ? 0 : 2 }

    private func kind(of fields: [Field], _ format: TrialList.Format) -> Bool? {
        let field = fields[field(of: format)]
        let words = format == .voxCeleb ? ("1", "0") : ("target", "nontarget")
        if field.elementsEqual(words.0.utf8) { return true }
        return field.elementsEqual(words.1.utf8) ? false : nil
    }

    private mutating func number(_ field: Field) -> Int32? {
        guard let name = String(validating: field, as: UTF8.self) else { return nil }
        if let number = numbers[name] { return number }
        let number = Int32(names.count)
        names.append(name)
        numbers[name] = number
        return number
    }
}
