import Foundation

/// A Kaldi script (`.scp`): which record has which key, so that records are read in any order.
public struct KaldiScript: Sendable {
    /// The script's path.
    public let path: String
    /// The keys in the order of the script, each with the place of its record.
    public let entries: [(key: String, location: KaldiLocation)]

    private let places: [String: Int]

    /// Reads a script.
    ///
    /// - Parameter path: The script's path.
    /// - Throws: ``SignalError`` where the file is missing, unreadable or empty,
    ///   ``SignalError/malformedArchive(path:key:reason:)`` for a line that is not a key and a place
    ///   in a file, and for a key that is there twice.
    public init(contentsOf path: String) throws {
        self.path = path
        try SoundFile.checkBytes(path)
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw SignalError.unreadable(path: path, reason: error.localizedDescription)
        }
        var entries: [(key: String, location: KaldiLocation)] = []
        var places: [String: Int] = [:]
        for (number, bytes) in data.split(separator: 0x0A, omittingEmptySubsequences: false)
            .enumerated()
        {
            guard let key = bytes.split(whereSeparator: \.isBlank).first else { continue }
            let text = String(decoding: key, as: UTF8.self)
            let rest = bytes[key.endIndex...].drop(while: \.isBlank)
            let end = rest.lastIndex { !$0.isBlank }.map { $0 + 1 } ?? rest.startIndex
            guard
                let location = KaldiLocation(
                    String(decoding: rest[rest.startIndex..<end], as: UTF8.self))
            else {
                throw SignalError.malformedArchive(
                    path: path, key: text,
                    reason: "line \(number + 1) names no place in a file, such as a.ark:17")
            }
            guard places.updateValue(entries.count, forKey: text) == nil else {
                throw SignalError.malformedArchive(
                    path: path, key: text, reason: "line \(number + 1) has a key that was there")
            }
            entries.append((text, location))
        }
        self.entries = entries
        self.places = places
    }

    /// Reads the record with a key.
    ///
    /// A relative path is one from the current folder, as Kaldi has it, and where there is no such
    /// file one from the script's folder.
    ///
    /// - Parameter key: The key.
    /// - Returns: What the record holds.
    /// - Throws: ``SignalError/noSuchKey(path:key:)``, ``SignalError`` where the archive is missing
    ///   or unreadable, ``SignalError/malformedArchive(path:key:reason:)``.
    public func read(_ key: String) throws -> KaldiValue {
        guard let place = places[key] else {
            throw SignalError.noSuchKey(path: path, key: key)
        }
        var location = entries[place].location
        if !location.path.hasPrefix("/"),
            !FileManager.default.fileExists(atPath: location.path)
        {
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
            location.path = folder + "/" + location.path
        }
        return try location.read(key: key)
    }
}
