import ApusTensor
import Foundation

/// Where and with what a run was made: `provenance.json`.
public struct Provenance: Codable, Sendable {
    /// The version of Apus.
    public var version = apusVersion
    /// libtorch's version.
    public var libtorch = Engine.libtorchVersion
    /// The command with its arguments.
    public var command = CommandLine.arguments
    /// When the run began, in UTC.
    public var date = ISO8601DateFormatter().string(from: Date())
    /// The operating system.
    public var system = ProcessInfo.processInfo.operatingSystemVersionString
    /// The processor's name, where the system tells.
    public var processor = Self.processorName()
    /// The number of cores that the run could use.
    public var cores = ProcessInfo.processInfo.activeProcessorCount

    /// The provenance of something made now.
    public init() {}

    /// The file's bytes.
    ///
    /// - Returns: JSON with sorted keys.
    /// - Throws: Where a value isn't encodable.
    public func encoded() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }

    private static func processorName() -> String {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
        return line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) }
            ?? "unknown"
    }
}
