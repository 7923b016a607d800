import ApusReport
import Foundation

/// The figures of a run as it goes: `metrics.jsonl`, and TensorBoard's event file beside it.
///
/// A continued run first drops the lines of steps that it will do again.
package final class MetricsLog {
    private let path: String
    private let handle: FileHandle
    private let events: EventFileWriter

    package init(folder: String, keepingStepsThrough step: Int) throws {
        path = folder + "/metrics.jsonl"
        do {
            let kept = Self.lines(of: path).filter { ($0.step ?? .max) <= step }.map(\.text)
            try Data(kept.map { $0 + "\n" }.joined().utf8).write(
                to: URL(fileURLWithPath: path), options: .atomic)
            handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            try handle.seekToEnd()
            events = try EventFileWriter(
                directory: URL(fileURLWithPath: folder), resumedStep: step > 0 ? step + 1 : nil)
        } catch {
            throw PretrainingError.cannotWrite(path: path, reason: writingReason(error))
        }
    }

    /// Writes one step's figures, in the given order, and lists of words, which aren't for TensorBoard.
    package func write(
        step: Int, _ figures: [(name: String, value: Double)],
        lists: [(name: String, words: [String])] = []
    ) throws {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .withoutEscapingSlashes
            let fields =
                figures.map { "\"\($0.name)\":\(Self.number($0.value))" }
                + (try lists.filter { !$0.words.isEmpty }.map {
                    let words = String(decoding: try encoder.encode($0.words), as: UTF8.self)
                    return "\"\($0.name)\":\(words)"
                })
            try handle.write(
                contentsOf: Data("{\"step\":\(step),\(fields.joined(separator: ","))}\n".utf8))
            try events.scalars(
                Dictionary(figures.map { ($0.name, $0.value) }) { $1 }, step: step)
        } catch {
            throw PretrainingError.cannotWrite(path: path, reason: writingReason(error))
        }
    }

    package func close() throws {
        try handle.close()
        try events.synchronize()
    }

    /// JSON has no number for what isn't finite.
    private static func number(_ value: Double) -> String { value.isFinite ? "\(value)" : "null" }

    private static func lines(of path: String) -> [(text: String, step: Int?)] {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return [] }
        return text.split(separator: "\n").compactMap { line in
            // A killed run may leave half a line.
            guard let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)),
                let fields = object as? [String: Any]
            else { return nil }
            return (String(line), fields["step"] as? Int)
        }
    }
}
