import ApusSignal
import Foundation

/// What belongs together in a shard: a recording, and what is said of it.
///
/// As WebDataset has it, members that follow each other belong together where their names agree up to the
/// first full stop of the last part; what comes behind it says what a member is. The recording is the member
/// whose name ends like an audio file's, `json` is the line of a manifest, `txt` a text and `cls` a class.
struct ShardSample {
    /// The name that the members share.
    let key: String
    /// The recording.
    private(set) var audio: TarMember?
    private var json: [UInt8]?
    private var text: String?
    private var label: String?
    private var problem: String?

    /// More of a text is not kept (bytes).
    private static let largestText = 1 << 20

    /// The name that a member shares, and what it is.
    static func parts(of name: String) -> (key: String, kind: String) {
        let base = name.lastIndex(of: "/").map { name.index(after: $0) } ?? name.startIndex
        guard let dot = name[base...].firstIndex(of: "."), dot > base else { return (name, "") }
        return (String(name[..<dot]), name[name.index(after: dot)...].lowercased())
    }

    init(key: String) { self.key = key }

    /// Takes a member.
    ///
    /// - Parameters:
    ///   - member: The member, with the sample's key.
    ///   - kind: What its name says that it is.
    ///   - content: Reads its bytes.
    mutating func add(
        _ member: TarMember, kind: String, content: () throws -> [UInt8]
    ) rethrows {
        let last = kind.split(separator: ".").last.map(String.init) ?? ""
        if audioFileExtensions.contains(last) {
            if audio != nil { problem = "two recordings have the name '\(key)'" }
            audio = member
            return
        }
        guard member.byteCount <= Self.largestText else {
            if last == "json" { problem = "its JSON has \(member.byteCount) bytes" }
            return
        }
        switch last {
        case "json": json = try content()
        case "txt": text = String(decoding: try content(), as: UTF8.self)
        case "cls": label = String(decoding: try content(), as: UTF8.self)
        default: break
        }
    }

    /// The recording as a cut.
    ///
    /// JSON beside it is the manifest's line where it names the recording as `apus pack` writes it. Of
    /// other JSON the places in a file that isn't here (`offset`, `duration`, `channel`) count for nothing.
    ///
    /// - Parameter address: Where the recording's bytes are.
    /// - Returns: The cut, or what is wrong.
    func cut(at address: (TarMember) -> String) -> Result<Cut, RecordingProblem> {
        func failed(_ reason: String) -> Result<Cut, RecordingProblem> {
            .failure(RecordingProblem(id: key, reason: reason))
        }
        if let problem { return failed(problem) }
        guard let audio else { return failed("no recording has the name '\(key)'") }
        guard audio.byteCount > 0 else { return failed("\(audio.name): it is empty (0 bytes)") }
        var line: [String: JSONValue] = [:]
        if let json {
            guard
                case .object(let values)? = try? JSONDecoder().decode(
                    JSONValue.self, from: Data(json))
            else { return failed("\(key).json: not a JSON object") }
            line = values
        }
        let name = audio.name.split(separator: "/").last.map(String.init) ?? audio.name
        if line["audio_filepath"] != .string(name) {
            for key in ["offset", "duration", "channel"] { line[key] = nil }
        }
        line["audio_filepath"] = .string(address(audio))
        if line["id"] == nil { line["id"] = .string(key) }
        if let text, line["text"] == nil {
            line["text"] = .string(text.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        if let label, line["labels"] == nil {
            line["labels"] = .string(label.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        do {
            return .success(
                try JSONDecoder().decode(Cut.self, from: JSONEncoder().encode(line)))
        } catch let error as DecodingError {
            return failed("\(key).json: \(decodingReason(error))")
        } catch {
            return failed("\(key).json: \(error)")
        }
    }
}

extension RecordingProblem: Error {}
