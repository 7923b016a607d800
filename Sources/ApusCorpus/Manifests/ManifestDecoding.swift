import Foundation

/// Reads a line of a manifest as a cut, whose path is as written.
///
/// - Parameters:
///   - line: The line without its end.
///   - path: The manifest, for the error.
///   - number: The line's number from 1, for the error.
/// - Returns: The cut.
/// - Throws: `CorpusError.malformedLine`.
func decodedCut(
    _ line: UnsafeRawBufferPointer, path: String, number: Int
) throws(CorpusError) -> Cut {
    if let cut = PlainManifestLine(line)?.cut { return cut }
    do {
        return try JSONDecoder().decode(Cut.self, from: Data(line))
    } catch let error as DecodingError {
        throw .malformedLine(path: path, line: number, reason: decodingReason(error))
    } catch {
        throw .malformedLine(path: path, line: number, reason: "\(error)")
    }
}

/// Whether a line has nothing in it.
func isBlankLine(_ line: UnsafeRawBufferPointer) -> Bool { line.allSatisfy(isBlank) }

/// The lines of a text, without a byte order mark before the first.
///
/// - Parameters:
///   - text: Some text, which ends with a line's end or the file's.
///   - isStart: Whether the file begins with it.
///   - body: Takes each line and the place of its first byte in the text.
func forEachLine(
    of text: UnsafeRawBufferPointer, isStart: Bool,
    _ body: (_ line: UnsafeRawBufferPointer, _ start: Int) throws -> Void
) rethrows {
    var start = isStart && text.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    while start < text.count, let base = text.baseAddress {
        let rest = text.count - start
        let end = memchr(base + start, 0x0A, rest).map { UnsafeRawPointer($0) - base } ?? text.count
        try body(UnsafeRawBufferPointer(rebasing: text[start..<end]), start)
        start = end + 1
    }
}

/// What is wrong with a line, without the decoder's own vocabulary.
func decodingReason(_ error: DecodingError) -> String {
    func key(_ context: DecodingError.Context) -> String {
        let path = context.codingPath.map(\.stringValue).joined(separator: ".")
        return path.isEmpty ? "the line" : "the key '\(path)'"
    }
    switch error {
    case .keyNotFound(let missing, _):
        return "the key '\(missing.stringValue)' is missing"
    case .typeMismatch(let type, let context):
        return "\(key(context)) is not of the kind \(type)"
    case .valueNotFound(let type, let context):
        return "\(key(context)) is null, expected \(type)"
    case .dataCorrupted(let context) where context.codingPath.isEmpty:
        return "not a JSON object"
    case .dataCorrupted(let context):
        return "\(key(context)): \(context.debugDescription)"
    @unknown default:
        return "not a JSON object"
    }
}
