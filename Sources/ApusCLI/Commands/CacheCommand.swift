import ApusProbing
import ArgumentParser
import Foundation

/// `apus cache`: representations that are kept between runs.
struct CacheCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache",
        abstract: "Show or prune what is kept between runs.",
        discussion: """
            Examples: apus cache
                      apus cache --limit 10GB
                      apus cache --prune 500MB
                      apus cache --clear

            Kept are each layer's mean and deviation over a recording, by the contents of the audio \
            file and the model, in $XDG_CACHE_HOME/apus/representations; apus embed, probe and verify \
            use them, unless --no-cache says otherwise, and frames are computed anew. And what apus \
            probe found of a system with the same recordings, labels and options: a probe that was \
            killed goes on, and one with a model more probes that model alone. What was not used for \
            longest goes first.
            """)

    @Option(help: "Keep so much at most from now on, such as 10GB.")
    var limit: String?
    @Option(help: "Remove what was not used for longest, until so much is left.")
    var prune: String?
    @Flag(help: "Remove everything.")
    var clear = false
    @Flag(help: "Print JSON instead of words.")
    var json = false

    private struct Report: Encodable {
        var folder: String
        var entries: Int
        var bytes: Int
        var limit: Int
        var removedEntries: Int
        var removedBytes: Int
    }

    func validate() throws {
        for (name, text) in [("limit", limit), ("prune", prune)] {
            if let text, Self.byteCount(text) == nil {
                throw ValidationError("--\(name) is '\(text)', expected a size such as 10GB.")
            }
        }
    }

    /// A size such as 10GB, 500MB or 1000, in bytes.
    private static func byteCount(_ text: String) -> Int? {
        let units: [(String, Double)] = [
            ("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3), ("KB", 1e3), ("B", 1), ("", 1),
        ]
        for (unit, factor) in units where text.hasSuffix(unit) {
            let number = text.dropLast(unit.count).trimmingCharacters(in: .whitespaces)
            guard let value = Double(number), value >= 0, value * factor < 1e18 else { return nil }
            return Int(value * factor)
        }
        return nil
    }

    private static func words(_ byteCount: Int) -> String {
        let value = Double(byteCount)
        for (unit, factor) in [("GB", 1e9), ("MB", 1e6), ("kB", 1e3)] where value >= factor {
            return String(format: "%.1f %@", value / factor, unit)
        }
        return "\(byteCount) bytes"
    }

    func run() throws {
        if let limit, let count = Self.byteCount(limit) {
            try RepresentationCache.setLimit(count)
        }
        let cache = RepresentationCache()
        var removed = (entryCount: 0, byteCount: 0)
        if clear || prune != nil || limit != nil {
            let size = clear ? 0 : prune.flatMap(Self.byteCount)
            removed = cache.prune(to: size)
        }
        let usage = cache.usage()
        if json {
            return try printJSON(
                Report(
                    folder: cache.folder, entries: usage.entryCount, bytes: usage.byteCount,
                    limit: cache.byteLimit, removedEntries: removed.entryCount,
                    removedBytes: removed.byteCount))
        }
        if removed.entryCount > 0 {
            print("removed \(removed.entryCount) entries, \(Self.words(removed.byteCount))")
        }
        print(cache.folder)
        print(
            "\(usage.entryCount) entries, \(Self.words(usage.byteCount)) of "
                + Self.words(cache.byteLimit))
    }
}
