import ApusCorpus
import ApusSignal
import Foundation
import Synchronization

/// Statistics of representations that are kept on disk, by the content of what they depend on.
///
/// A key is a hash of the audio file's bytes and the cut's place in them, of the model's
/// `fingerprint()`, and of the kind of statistics; frames are not kept. What probes found of a system
/// (`KnownResult`) is kept beside them. Where the entries together are
/// larger than the limit, the ones that were not used for longest go. Any number of processes may
/// share a folder: an entry appears whole or not at all, and one that is damaged counts as absent.
public final class RepresentationCache: Sendable {
    /// The folder that entries lie in.
    public let folder: String
    /// The number of bytes that the entries may have together.
    public let byteLimit: Int
    /// The hashes of audio files.
    let hashes = ContentHashes()

    /// What is written between two looks at the size of all.
    private static let bytesBetweenPrunings = 64 << 20
    private static let magic = Array("apusrep1".utf8)
    private let written = Atomic(0)

    /// The limit where none is set: 2 GB.
    public static let defaultByteLimit = 2_000_000_000

    /// The folder that commands share: `$XDG_CACHE_HOME/apus/representations`, or below `~/.cache`.
    public static var sharedFolder: String {
        let environment = ProcessInfo.processInfo.environment
        let base =
            environment["XDG_CACHE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
            ?? NSHomeDirectory() + "/.cache"
        return base + "/apus/representations"
    }

    /// A cache; its folder is made where it is missing.
    ///
    /// - Parameters:
    ///   - folder: The folder that entries lie in.
    ///   - byteLimit: The limit; `nil` for the one that was set, or the default.
    public init(folder: String = sharedFolder, byteLimit: Int? = nil) {
        self.folder = folder
        self.byteLimit = byteLimit ?? Self.setLimit(in: folder) ?? Self.defaultByteLimit
    }

    private static func limitPath(in folder: String) -> String { folder + "/limit" }

    private static func setLimit(in folder: String) -> Int? {
        (try? String(contentsOfFile: limitPath(in: folder), encoding: .utf8)).flatMap {
            Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
        }.flatMap { $0 >= 0 ? $0 : nil }
    }

    /// Sets the limit of a folder for later runs.
    ///
    /// - Parameters:
    ///   - limit: The number of bytes.
    ///   - folder: The cache's folder.
    /// - Throws: `SignalError.cannotWrite`.
    public static func setLimit(_ limit: Int, in folder: String = sharedFolder) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: folder, withIntermediateDirectories: true)
        } catch {
            throw SignalError.cannotWrite(path: folder, reason: error.localizedDescription)
        }
        try writeAtomically(Data("\(limit)\n".utf8), to: limitPath(in: folder))
    }

    /// The key of a cut's statistics by a model.
    ///
    /// - Parameters:
    ///   - cut: The cut.
    ///   - content: The hash of its file's bytes.
    ///   - model: The model's fingerprint.
    /// - Returns: SHA-256, 64 hexadecimal digits.
    static func key(of cut: Cut, content: String, model: String) -> String {
        var hash = SHA256()
        hash.update("mean and deviation\n\(model)\n\(content)\n")
        hash.update("\(cut.offset) \(cut.duration ?? -1) \(cut.channel ?? -1)\n")
        return hash.finalize()
    }

    private func path(of key: String) -> String { "\(folder)/\(key.prefix(2))/\(key)" }

    /// What is kept under a key.
    ///
    /// - Parameter key: The key.
    /// - Returns: The bytes; `nil` where there are none, or damaged ones.
    func contents(of key: String) -> Data? {
        let path = path(of: key)
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: path)),
            data.count >= Self.magic.count + 64, data.starts(with: Self.magic)
        else { return nil }
        let body = data.prefix(data.count - 64)
        guard data.suffix(64).elementsEqual(Self.checksum(of: body, key: key).utf8) else {
            return nil
        }
        // The time of use: what was not used for longest goes first.
        utimes(path, nil)
        return body.dropFirst(Self.magic.count)
    }

    /// The statistics under a key.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - widths: How many values each layer has.
    /// - Returns: The values of each layer; `nil` where there are none, or damaged ones.
    func statistics(of key: String, widths: [Int]) -> [[Float]]? {
        let count = widths.reduce(0, +)
        guard let body = contents(of: key), body.count == 4 * count else { return nil }
        var values = [Float](repeating: 0, count: count)
        _ = values.withUnsafeMutableBytes { body.copyBytes(to: $0) }
        var start = 0
        return widths.map { width in
            defer { start += width }
            return Array(values[start..<start + width])
        }
    }

    /// Keeps statistics; where that fails they are computed again next time.
    ///
    /// - Parameters:
    ///   - statistics: The values of each layer.
    ///   - key: Their key.
    func keep(_ statistics: [[Float]], as key: String) {
        var contents = Data()
        for layer in statistics { layer.withUnsafeBytes { contents.append(contentsOf: $0) } }
        keep(contents, as: key)
    }

    /// Keeps bytes; where that fails they are made again next time.
    ///
    /// - Parameters:
    ///   - contents: The bytes.
    ///   - key: Their key.
    func keep(_ contents: Data, as key: String) {
        var data = Data(Self.magic)
        data.append(contents)
        data.append(contentsOf: Self.checksum(of: data, key: key).utf8)
        let path = path(of: key)
        let temporary = "\(path).\(UInt64.random(in: .min ... .max)).tmp"
        let manager = FileManager.default
        try? manager.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent,
            withIntermediateDirectories: true)
        // Not synced: what a power cut damages is seen by its checksum.
        guard manager.createFile(atPath: temporary, contents: data),
            rename(temporary, path) == 0
        else {
            unlink(temporary)
            return
        }
        let before = written.add(data.count, ordering: .relaxed).oldValue
        let unit = Self.bytesBetweenPrunings
        if before / unit != (before + data.count) / unit || before == 0 { prune() }
    }

    private static func checksum(of data: Data, key: String) -> String {
        var hash = SHA256()
        hash.update(key)
        data.withUnsafeBytes { hash.update($0) }
        return hash.finalize()
    }

    /// An entry's file.
    private struct Entry {
        var path: String
        var byteCount: Int
        var used: Int
    }

    private func entries() -> [Entry] {
        let manager = FileManager.default
        let folders = (try? manager.contentsOfDirectory(atPath: folder)) ?? []
        return folders.filter { $0.count == 2 }.flatMap { name -> [Entry] in
            let names = (try? manager.contentsOfDirectory(atPath: "\(folder)/\(name)")) ?? []
            return names.compactMap {
                let path = "\(folder)/\(name)/\($0)"
                return SourceState(path: path).map {
                    Entry(path: path, byteCount: $0.byteCount, used: $0.modified)
                }
            }
        }
    }

    /// How much there is.
    ///
    /// - Returns: The number of entries, and of their bytes.
    public func usage() -> (entryCount: Int, byteCount: Int) {
        let entries = entries()
        return (entries.count, entries.reduce(0) { $0 + $1.byteCount })
    }

    /// Removes what was not used for longest, until the rest is within a limit.
    ///
    /// - Parameter limit: The number of bytes; `nil` for the cache's own.
    /// - Returns: How many entries and bytes were removed.
    @discardableResult
    public func prune(to limit: Int? = nil) -> (entryCount: Int, byteCount: Int) {
        let limit = limit ?? byteLimit
        let entries = entries().sorted { ($0.used, $0.path) < ($1.used, $1.path) }
        var excess = entries.reduce(0) { $0 + $1.byteCount } - limit
        var removed = (entryCount: 0, byteCount: 0)
        for entry in entries where excess > 0 {
            // Another process may have been faster.
            guard unlink(entry.path) == 0 || errno == ENOENT else { continue }
            excess -= entry.byteCount
            removed.entryCount += 1
            removed.byteCount += entry.byteCount
        }
        return removed
    }
}
