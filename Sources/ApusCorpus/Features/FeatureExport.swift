import ApusSignal
import Foundation

/// Writes features of many recordings with an index, so that a run that was killed goes on.
///
/// The index lists only what is on the disk. A new export to the same target keeps what the index
/// lists, cuts a half-written archive back to its last record that is listed, and says by
/// ``isWritten(_:)`` what need not be made again; it ends with the bytes of one that was left alone.
/// The front end's options lie beside the index as `front-end.json`, and features of another front
/// end are not mixed in. An instance is used by one task at a time, and a target by one process.
public final class FeatureExport {
    /// What the features are written to.
    public let target: FeatureTarget
    /// How samples became features.
    public let frontEnd: FrontEnd

    private let writer: Writer
    private let index: OutputFile
    private let indexFolder: String
    private let fingerprint: String
    private var entries: [CutPlace: FeatureIndexEntry] = [:]
    private var keys: Set<String> = []
    /// Lines of features that may not be on the disk yet.
    private var waiting: [FeatureIndexEntry] = []
    private var lastFlush = ContinuousClock.now

    private enum Writer {
        case files
        case numPy(NumPyArchiveWriter)
        case kaldi(KaldiArchiveWriter)
    }

    /// Begins an export, or goes on with one.
    ///
    /// - Parameters:
    ///   - target: What the features are written to; its folder must exist.
    ///   - frontEnd: How samples become features.
    ///   - variant: What the features depend on beside it, in a short text.
    ///   - beginsAnew: Whether what the index lists is forgotten, and an archive emptied.
    /// - Throws: `CorpusError.otherFeatures` where the target holds those of another front end, or is
    ///   an archive that no export wrote, `.malformedLine` for an index that is none, `SignalError.cannotWrite`, also where another
    ///   process is writing there.
    public init(
        to target: FeatureTarget, frontEnd: FrontEnd, variant: String = "",
        beginsAnew: Bool = false
    ) throws {
        self.target = target
        self.frontEnd = frontEnd
        let fingerprint = frontEnd.fingerprint + variant
        self.fingerprint = fingerprint
        indexFolder = target.folder
        let manager = FileManager.default
        if let archive = target.archivePath, !beginsAnew,
            manager.fileExists(atPath: archive), !manager.fileExists(atPath: target.indexPath)
        {
            throw CorpusError.otherFeatures(
                path: archive,
                reason: "is there without an index, so nothing can be added to it; "
                    + "name another output, or begin anew")
        }
        // Opened first: it locks out other processes.
        index = try OutputFile(continuing: target.indexPath)
        if beginsAnew { try index.truncate(to: 0) }
        let old = try FeatureIndex(contentsOf: target.indexPath)
        try index.truncate(to: old.wholeByteCount)
        if let other = old.entries.first(where: { $0.frontEnd != fingerprint }) {
            throw FeatureExport.otherFrontEnd(frontEnd, at: target, line: other)
        }
        let archiveName = target.archivePath.map { ($0 as NSString).lastPathComponent }
        if let archiveName, let other = old.entries.first(where: { $0.featuresPath != archiveName })
        {
            throw CorpusError.otherFeatures(
                path: target.indexPath,
                reason: "is the index of \(other.featuresPath); "
                    + "name another output, or begin anew")
        }
        if old.entries.isEmpty {
            try writeAtomically(try frontEnd.sortedJSON(), to: target.frontEndPath)
        }

        var listed = Array(old.entries.prefix { target.archivePath == nil || $0.key != nil })
        switch target {
        case .files(_, let pathExtension):
            listed = listed.filter {
                ($0.featuresPath as NSString).pathExtension == pathExtension
            }
            writer = .files
        case .numPyArchive(let path):
            let archive = try NumPyArchiveWriter(path: path, keeping: listed.compactMap(\.key))
            listed = Array(listed.prefix(archive.names.count))
            writer = .numPy(archive)
        case .kaldiArchive(let path):
            let archive = try KaldiArchiveWriter(
                path: path, scriptPath: target.scriptPath,
                keeping: listed.map { ($0.key ?? "", $0.archiveOffset ?? 0) })
            listed = Array(listed.prefix(archive.records.count))
            writer = .kaldi(archive)
        }
        if target.archivePath != nil, listed.count < old.entries.count {
            // The archive lost what these lines say.
            try index.truncate(to: 0)
            try index.append(listed.flatMap { try $0.line(inFolder: target.folder) })
        }
        for entry in listed { remember(entry) }
    }

    deinit {
        try? flush()
    }

    /// The number of recordings whose features are there.
    public var recordingCount: Int { entries.count }

    /// Whether the features of a recording are there, and its audio file is what it was then.
    ///
    /// - Parameter cut: The recording.
    /// - Returns: True where nothing is to be done.
    /// - Throws: `CorpusError.otherFeatures` where an archive, in which nothing can be replaced, has
    ///   features of an earlier state of the audio file.
    public func isWritten(_ cut: Cut) throws -> Bool {
        guard let entry = entries[CutPlace(cut)] else { return false }
        let isUnchanged = SourceState(path: cut.audioPath) == entry.source
        guard let archive = target.archivePath else {
            return isUnchanged
                && FileManager.default.fileExists(atPath: "\(indexFolder)/\(entry.featuresPath)")
        }
        // What is gone can't be read again: that is found when it is tried.
        guard isUnchanged || SourceState(path: cut.audioPath) == nil else {
            throw CorpusError.otherFeatures(
                path: archive,
                reason: "\(cut.audioPath) has changed since its features were written; "
                    + "an archive is not changed, only begun anew")
        }
        return isUnchanged
    }

    /// The key under which a recording's features are there: a file's name without its extension, or
    /// the key in the archive.
    ///
    /// - Parameter cut: The recording.
    /// - Returns: Nil where there are none.
    public func key(of cut: Cut) -> String? { entries[CutPlace(cut)].map(key) }

    /// Whether a key belongs to a recording already.
    ///
    /// - Parameter key: The key.
    /// - Returns: True where another recording can't have it.
    public func isTaken(_ key: String) -> Bool { keys.contains(key) }

    /// Writes the features of a recording.
    ///
    /// - Parameters:
    ///   - features: T x D features.
    ///   - cut: The recording.
    ///   - key: The name of its file without extension, or its key in the archive; one that is not
    ///     taken, or the recording's own.
    ///   - source: The state of the audio file before it was read; nil for a stream.
    ///   - encoded: What goes into a file other than `.npy`.
    /// - Returns: The path of the features, with `[key]` behind an archive's.
    /// - Throws: `SignalError.cannotWrite`, whereupon all that was written before is in the index;
    ///   `.invalidKey`.
    @discardableResult
    public func write(
        _ features: FeatureMatrix, of cut: Cut, key: String, source: SourceState?,
        encoded: Data? = nil
    ) throws -> String {
        try note {
            var entry = newEntry(cut, frameCount: features.frameCount, source: source)
            try put(features, encoded: encoded, key: key, in: &entry)
            return entry
        }
    }

    /// Writes the features of a long recording block by block.
    ///
    /// - Parameters:
    ///   - reader: Where the features come from; none were taken from it.
    ///   - cut: The recording.
    ///   - key: The name of its file without extension, or its key in the archive; one that is not
    ///     taken, or the recording's own.
    ///   - source: The state of the audio file before it was read; nil for a stream.
    /// - Returns: The path of the features, with `[key]` behind an archive's.
    /// - Throws: `SignalError.cannotWrite` and `.invalidKey` as ``write(_:of:key:source:encoded:)``,
    ///   and what the reader throws; nothing of the recording is left then.
    @discardableResult
    public func write(
        _ reader: FeatureReader, of cut: Cut, key: String, source: SourceState?
    ) throws -> String {
        try note {
            var entry = newEntry(cut, frameCount: reader.frameCount, source: source)
            try putBlocks(of: reader, key: key, in: &entry)
            return entry
        }
    }

    /// Lists what a step wrote; where it fails, what was written before it.
    private func note(_ step: () throws -> FeatureIndexEntry) throws -> String {
        do {
            let entry = try step()
            remember(entry)
            waiting.append(entry)
            if waiting.count >= 256 || ContinuousClock.now - lastFlush > .seconds(2) {
                try flush()
            }
            let path = "\(indexFolder)/\(entry.featuresPath)"
            return target.archivePath.map { "\($0)[\(key(entry))]" } ?? path
        } catch {
            try? flush()
            throw error
        }
    }

    /// Brings everything to the disk, and gives a `.npz` archive its path.
    ///
    /// Where there are no features at all, nothing is left.
    ///
    /// - Throws: `SignalError.cannotWrite`; nothing that was written is lost.
    public func finish() throws {
        guard !entries.isEmpty else { return discard() }
        try flush()
        switch writer {
        case .files: break
        case .numPy(let archive): try archive.finish()
        case .kaldi(let archive): try archive.finish()
        }
        OutputFile.synchronizeFolder(of: target.indexPath)
    }

    private func discard() {
        var paths = [target.indexPath, target.frontEndPath]
        switch target {
        case .files: break
        case .numPyArchive(let path): paths.append(NumPyArchiveWriter.unfinishedPath(of: path))
        case .kaldiArchive(let path): paths += [path, target.scriptPath]
        }
        for path in paths { unlink(path) }
    }

    private func newEntry(
        _ cut: Cut, frameCount: Int, source: SourceState?
    ) -> FeatureIndexEntry {
        FeatureIndexEntry(
            cut: cut, featuresPath: "", frameCount: frameCount,
            featureCount: frontEnd.featureCount, frameRate: frontEnd.frameRate,
            frontEnd: fingerprint, source: source ?? SourceState(byteCount: 0, modified: 0))
    }

    private func put(
        _ features: FeatureMatrix, encoded: Data?, key: String, in entry: inout FeatureIndexEntry
    ) throws {
        switch writer {
        case .numPy(let archive): try archive.append(features, name: key)
        case .kaldi(let archive): entry.archiveOffset = try archive.append(features, key: key)
        case .files:
            let path = place(of: key, in: &entry)
            if let encoded {
                try writeAtomically(encoded, to: path)
            } else {
                try NumPyFile.write(features, to: path)
            }
            return
        }
        placeInArchive(key, &entry)
    }

    private func putBlocks(
        of reader: FeatureReader, key: String, in entry: inout FeatureIndexEntry
    ) throws {
        let width = frontEnd.featureCount
        switch writer {
        case .numPy(let archive):
            try archive.begin(key, featureCount: width)
            do {
                while let block = try reader.next() { try archive.append(block) }
            } catch {
                try archive.abandon()
                throw error
            }
            try archive.end()
        case .kaldi(let archive):
            try archive.begin(key, featureCount: width)
            do {
                while let block = try reader.next() { try archive.append(block) }
            } catch {
                try archive.abandon()
                throw error
            }
            entry.archiveOffset = try archive.end()
        case .files:
            let file = try NumPyFileWriter(path: place(of: key, in: &entry), featureCount: width)
            while let block = try reader.next() { try file.append(block) }
            try file.finish()
            return
        }
        placeInArchive(key, &entry)
    }

    /// The path of a recording's own file.
    private func place(of key: String, in entry: inout FeatureIndexEntry) -> String {
        guard case .files(let folder, let pathExtension) = target else {
            preconditionFailure("files go to a folder")
        }
        entry.featuresPath = "\(key).\(pathExtension)"
        return "\(folder)/\(entry.featuresPath)"
    }

    private func placeInArchive(_ key: String, _ entry: inout FeatureIndexEntry) {
        entry.key = key
        entry.featuresPath = ((target.archivePath ?? "") as NSString).lastPathComponent
    }

    /// Lists in the index what was written, after that has reached the disk.
    private func flush() throws {
        lastFlush = .now
        guard !waiting.isEmpty else { return }
        switch writer {
        case .files: break
        case .numPy(let archive): try archive.synchronize()
        case .kaldi(let archive): try archive.synchronize()
        }
        try index.append(waiting.flatMap { try $0.line(inFolder: indexFolder) })
        waiting = []
        try index.synchronize()
    }

    private func key(_ entry: FeatureIndexEntry) -> String {
        entry.key ?? (entry.featuresPath as NSString).deletingPathExtension
    }

    private func remember(_ entry: FeatureIndexEntry) {
        entries[CutPlace(entry.cut)] = entry
        keys.insert(key(entry))
    }

    private static func otherFrontEnd(
        _ frontEnd: FrontEnd, at target: FeatureTarget, line: FeatureIndexEntry
    ) -> CorpusError {
        let stored = (try? Data(contentsOf: URL(fileURLWithPath: target.frontEndPath))).flatMap {
            try? JSONDecoder().decode(FrontEnd.self, from: $0)
        }
        let words = stored.map { $0.differences(from: frontEnd).joined(separator: "; ") } ?? ""
        return .otherFeatures(
            path: target.archivePath ?? target.folder,
            reason: "has features of another front end"
                + (words.isEmpty ? " (\(line.frontEnd))" : " (\(words))")
                + "; name another output, or begin anew")
    }
}
