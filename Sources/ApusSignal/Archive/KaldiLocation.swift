/// Where a record lies: the right half of a line of a Kaldi script.
///
/// Written as `PATH`, `PATH:OFFSET` or with a part of a matrix behind it: `PATH:OFFSET[0:9]` for the
/// first ten rows, `[0:9,0:12]` for columns too, `[:,0:12]` for those alone; both ends count.
public struct KaldiLocation: Hashable, Sendable {
    /// The archive's path.
    public var path: String
    /// The place after the record's key, bytes; 0 for a file with one record and no key.
    public var offset: Int
    /// The rows to take; nil for all.
    public var rows: ClosedRange<Int>?
    /// The columns to take; nil for all.
    public var columns: ClosedRange<Int>?

    /// Makes a location.
    ///
    /// - Parameters:
    ///   - path: The archive's path.
    ///   - offset: The place after the record's key, bytes.
    ///   - rows: The rows to take; nil for all.
    ///   - columns: The columns to take; nil for all.
    public init(
        path: String, offset: Int = 0, rows: ClosedRange<Int>? = nil,
        columns: ClosedRange<Int>? = nil
    ) {
        self.path = path
        self.offset = offset
        self.rows = rows
        self.columns = columns
    }

    /// Understands a location as scripts have it; nil where the text names no file, or a command or
    /// a stream.
    ///
    /// - Parameter text: Such as `features.ark:17[0:9]`.
    public init?(_ text: String) {
        // Not by characters: some letters and a colon behind them are one of those.
        var rest = text.unicodeScalars[...]
        var ranges: (rows: ClosedRange<Int>?, columns: ClosedRange<Int>?) = (nil, nil)
        if rest.last == "]", let bracket = rest.lastIndex(of: "[") {
            let inside = rest[rest.index(after: bracket)...].dropLast()
            guard let parsed = Self.ranges(Substring(inside)) else { return nil }
            ranges = parsed
            rest = rest[..<bracket]
        }
        var offset = 0
        if let colon = rest.lastIndex(of: ":"),
            let number = Self.number(Substring(rest[rest.index(after: colon)...]))
        {
            offset = number
            rest = rest[..<colon]
        }
        let path = String(rest)
        guard !path.isEmpty, path != "-", rest.first != "|", rest.last != "|" else { return nil }
        self.init(
            path: path, offset: offset, rows: ranges.rows, columns: ranges.columns)
    }

    /// Reads the record.
    ///
    /// - Parameter key: The record's key, for errors.
    /// - Returns: What it holds, cut to the rows and columns.
    /// - Throws: ``SignalError`` where the file is missing or unreadable, and
    ///   ``SignalError/malformedArchive(path:key:reason:)``.
    public func read(key: String = "") throws -> KaldiValue {
        let input = try InputFile(path: path)
        try input.seek(to: offset)
        let value = try KaldiRecord.read(from: input, key: key)
        guard rows != nil || columns != nil else { return value }
        guard let whole = value.features else {
            throw SignalError.malformedArchive(
                path: path, key: key, reason: "a part is asked for of what is not a matrix")
        }
        return .matrix(try part(of: whole, key: key))
    }

    private func part(of whole: FeatureMatrix, key: String) throws -> FeatureMatrix {
        let rows = rows ?? 0...max(0, whole.frameCount - 1)
        let columns = columns ?? 0...max(0, whole.featureCount - 1)
        guard rows.upperBound < whole.frameCount, columns.upperBound < whole.featureCount else {
            throw SignalError.malformedArchive(
                path: path, key: key,
                reason: "rows \(rows) and columns \(columns) are asked for of "
                    + "\(whole.frameCount) x \(whole.featureCount)")
        }
        let values = rows.flatMap { row in
            let start = row * whole.featureCount
            return whole.values[(start + columns.lowerBound)...(start + columns.upperBound)]
        }
        return FeatureMatrix(
            values: values, frameCount: rows.count, featureCount: columns.count)
    }

    /// The rows and columns in brackets, or nil where they are no ranges.
    private static func ranges(
        _ text: Substring
    ) -> (rows: ClosedRange<Int>?, columns: ClosedRange<Int>?)? {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        guard parts.count <= 2 else { return nil }
        var ranges: [ClosedRange<Int>?] = []
        for part in parts {
            if part.isEmpty || part == ":" {
                ranges.append(nil)
                continue
            }
            let ends = part.split(separator: ":", omittingEmptySubsequences: false)
            guard ends.count == 2, let first = number(ends[0]), let last = number(ends[1]),
                first <= last
            else { return nil }
            ranges.append(first...last)
        }
        return (ranges[0], ranges.count == 2 ? ranges[1] : nil)
    }

    private static func number(_ text: Substring) -> Int? {
        text.allSatisfy { $0.isASCII && $0.isNumber } ? Int(text) : nil
    }
}

extension KaldiLocation: CustomStringConvertible {
    /// The location as scripts have it.
    public var description: String {
        func text(_ range: ClosedRange<Int>?) -> String {
            range.map { "\($0.lowerBound):\($0.upperBound)" } ?? ":"
        }
        let part =
            columns != nil
            ? "[\(text(rows)),\(text(columns))]" : rows != nil ? "[\(text(rows))]" : ""
        return "\(path):\(offset)\(part)"
    }
}
