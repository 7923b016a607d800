import ApusSignal

/// Writes one shard: a tar archive that appears under its name once it is whole.
final class ShardWriter {
    let name: String
    private(set) var recordingCount = 0
    private(set) var seconds = 0.0
    /// The lines of the index.
    private(set) var lines: [Cut] = []

    private let file: OutputFile
    private var hash = SHA256()
    private var keys: Set<String> = []

    /// The two blocks of zeros that end an archive.
    static let endByteCount = 2 * TarHeader.blockSize

    init(folder: String, name: String) throws {
        self.name = name
        file = try OutputFile(replacing: "\(folder)/\(name)")
    }

    /// The number of bytes that the shard would have with so many more.
    func byteCount(with more: Int) -> Int { file.byteCount + more + Self.endByteCount }

    /// Adds a recording.
    ///
    /// - Throws: `CorpusError.badRecording` where two ids have one name, `SignalError.cannotWrite`.
    func append(_ recording: PackedRecording) throws {
        guard keys.insert(recording.key).inserted else {
            throw CorpusError.badRecording(
                id: recording.cut.id, path: recording.cut.audioPath,
                reason: "another recording has its name in the shard")
        }
        let offset = file.byteCount + TarHeader.blockSize
        try append(recording.audio, name: recording.cut.audioPath)
        try append(recording.json, name: recording.key + ".json")
        recordingCount += 1
        seconds += recording.cut.duration ?? 0
        var line = recording.cut
        line.audioPath =
            FileRange(path: name, offset: offset, count: recording.audio.count).description
        line.extra["shard"] = .string(name)
        line.extra["shard_offset"] = .integer(offset)
        line.extra["bytes"] = .integer(recording.audio.count)
        line.extra["sha256"] = .string(recording.hash)
        lines.append(line)
    }

    /// Ends the archive and gives it its name.
    func finish() throws -> ShardSummary.Shard {
        try put([UInt8](repeating: 0, count: Self.endByteCount))
        try file.commit()
        return ShardSummary.Shard(
            name: name, bytes: file.byteCount, recordings: recordingCount, sha256: hash.finalize())
    }

    private func append(_ content: [UInt8], name: String) throws {
        try put(TarHeader(name: Array(name.utf8), byteCount: content.count).encoded())
        try put(content)
        let padding = PackedRecording.padded(content.count) - content.count
        if padding > 0 { try put([UInt8](repeating: 0, count: padding)) }
    }

    private func put(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes {
            try file.append($0)
            hash.update($0)
        }
    }
}
