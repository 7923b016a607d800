import Foundation

/// A folder of a test's own, removed with the last reference to it.
public final class TemporaryFolder: Sendable {
    /// The folder's path.
    public let path: String

    /// A new folder.
    ///
    /// - Throws: Where it can't be made.
    public init() throws {
        let url = FileManager.default.temporaryDirectory
            .appendingPathComponent("apus-test-" + UUID().uuidString)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        path = url.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file and the folders above it, and gives its path.
    @discardableResult
    public func write(_ data: Data, _ name: String) throws -> String {
        let url = URL(fileURLWithPath: path + "/" + name)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try data.write(to: url)
        return url.path
    }

    /// Writes a text file, and gives its path.
    @discardableResult
    public func write(_ text: String, _ name: String) throws -> String {
        try write(Data(text.utf8), name)
    }

    /// Writes samples as a 16-bit mono WAV file, and gives its path.
    @discardableResult
    public func writeWAV(
        _ name: String, _ samples: [Float], sampleRate: Int = 16_000
    ) throws -> String {
        try write(WAV.integers(samples, rate: sampleRate), name)
    }

    /// Copies a file into the folder, and gives its path.
    public func copy(_ file: String, as name: String) throws -> String {
        try FileManager.default.copyItem(atPath: file, toPath: path + "/" + name)
        return path + "/" + name
    }
}

/// Calls a function with the path of a new folder, which is removed afterwards.
public func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = try TemporaryFolder()
    return try withExtendedLifetime(folder) { try body(folder.path) }
}
