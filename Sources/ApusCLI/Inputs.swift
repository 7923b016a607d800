import ApusCorpus
import ApusNN
import ApusPretraining
import ApusProbing
import ApusSignal
import Foundation

/// The recordings that a command's arguments name: audio files, folders of them, manifests, shards,
/// Kaldi's data folders, patterns.
enum Inputs {
    /// The argument that stands for standard input.
    static let standardInput = "-"

    /// Expands arguments into recordings, in the order of the arguments.
    ///
    /// - Parameter arguments: Paths of audio files, folders, `.jsonl` manifests, folders or files
    ///   `wav.scp`, shards (`ShardSet`), and patterns with `*`, `?` and `[...]` of paths that the shell
    ///   left alone.
    /// - Returns: One cut for each recording; a file's id is its path as it was given.
    /// - Throws: `SignalError.missingFile` for a path that isn't there, `CorpusError` for a bad
    ///   manifest, a folder without audio, or a recording of a shard that can't be used.
    static func cuts(_ arguments: [String]) throws -> [Cut] {
        try cuts(arguments) { problem in
            throw CorpusError.badRecording(
                id: problem.id, path: problem.id, reason: problem.reason)
        }
    }

    /// The same, but for recordings of shards that can't be used.
    ///
    /// - Parameters:
    ///   - arguments: As above.
    ///   - problem: Takes each recording of a shard that can't be used.
    /// - Returns: As above.
    /// - Throws: As above, and what `problem` throws.
    static func cuts(
        _ arguments: [String], problem: (RecordingProblem) throws -> Void
    ) throws -> [Cut] {
        var cuts: [Cut] = []
        for argument in arguments {
            if argument == standardInput {
                cuts.append(Cut(id: "standard input", audioPath: argument))
                continue
            }
            if !namesRecordings(argument), !KaldiDataFolder.isOne(argument),
                let shards = try ShardSet(argument)
            {
                cuts += try shards.cuts(problem: problem)
                continue
            }
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: argument, isDirectory: &isFolder) else {
                let paths = matches(of: argument)
                guard !paths.isEmpty else { throw SignalError.missingFile(path: argument) }
                cuts += try Self.cuts(paths, problem: problem)
                continue
            }
            if isFolder.boolValue, KaldiDataFolder.isOne(argument) {
                cuts += try KaldiDataFolder(contentsOf: argument).cuts
            } else if (argument as NSString).lastPathComponent == "wav.scp" {
                let folder = (argument as NSString).deletingLastPathComponent
                cuts += try KaldiDataFolder(contentsOf: folder.isEmpty ? "." : folder).cuts
            } else if isFolder.boolValue {
                let files = try audioFiles(under: argument)
                guard !files.isEmpty else {
                    throw CorpusError.nothingFound(path: argument, expected: "audio files")
                }
                let folder = argument.hasSuffix("/") ? String(argument.dropLast()) : argument
                cuts += files.map { Cut(id: "\(folder)/\($0)", audioPath: "\(folder)/\($0)") }
            } else if argument.hasSuffix(".jsonl") {
                cuts += try Manifest(contentsOf: argument).cuts
            } else {
                cuts.append(Cut(id: argument, audioPath: argument))
            }
        }
        return cuts
    }

    /// The recordings of a manifest or of shards, where that is all that is named.
    static func table(_ arguments: [String]) throws -> RecordingTable? {
        guard arguments.count == 1, let path = arguments.first else { return nil }
        if path.hasSuffix(".jsonl"), FileManager.default.fileExists(atPath: path) {
            return try RecordingTable(path)
        }
        guard !namesRecordings(path), !KaldiDataFolder.isOne(path), try ShardSet(path) != nil
        else { return nil }
        return try RecordingTable(path)
    }

    private static func namesRecordings(_ path: String) -> Bool {
        audioFileExtensions.contains((path as NSString).pathExtension.lowercased())
            || path.hasSuffix(".jsonl")
    }

    /// The paths that a pattern stands for, sorted; none for what has no `*`, `?` or `[`.
    private static func matches(of pattern: String) -> [String] {
        guard pattern.contains(where: { "*?[".contains($0) }) else { return [] }
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(pattern, 0, nil, &found) == 0 else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { index in
            found.gl_pathv[index].map { String(cString: $0) }
        }
    }

    /// Whether a file or a folder holds embeddings; a safetensors file may hold a model instead.
    static func isEmbeddingFile(_ path: String) throws -> Bool {
        if let target = EmbeddingTarget(path: path), target.format == .folder {
            // A folder of features has an index of another kind.
            return (try? EmbeddingDescription(ofFile: path)) != nil
        }
        let pathExtension = (path as NSString).pathExtension
        guard EmbeddingFile.extensions.contains(pathExtension) else { return false }
        guard pathExtension == "safetensors" else { return true }
        return EmbeddingFile.holdsRows(try Safetensors(contentsOf: path))
    }

    /// The lines of a list, without blank ones and the spaces around them.
    static func lines(of path: String) throws -> [String] {
        guard FileManager.default.fileExists(atPath: path) else {
            throw PretrainingError.missingFile(path: path)
        }
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw CorpusError.unreadable(path: path, reason: "not UTF-8 text")
        }
        return text.split(whereSeparator: \.isNewline)
            .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }

    /// The recordings, each once, where one was named several times.
    static func withoutRepetitions(_ cuts: [Cut]) -> [Cut] {
        var seen: Set<Cut> = []
        return cuts.filter { seen.insert($0).inserted }
    }

    /// A key for each recording's features: the name of a file, or a key in an archive.
    ///
    /// What an export has already keeps its key. A key in an archive is the id of a manifest's line.
    /// Else it is the id without its extension and without the folders that all ids share, so that
    /// a file can be traced to its recording; what would be there twice gets a number. Of a part of the
    /// input, `sharedFolders` says what all of its ids share.
    static func keys(
        for cuts: [Cut], in export: FeatureExport, sharedFolders: Int? = nil
    ) -> [String] {
        let isArchive = if case .files = export.target { false } else { true }
        return keys(
            for: cuts, isArchive: isArchive, sharedFolders: sharedFolders, known: export.key,
            isTaken: export.isTaken)
    }

    /// A key for each recording's embedding, in the same way; a file in a folder keeps the recording's
    /// extension in its name, as HEAR's tools want it.
    static func keys(
        for cuts: [Cut], in export: EmbeddingExport, sharedFolders: Int? = nil
    ) -> [String] {
        keys(
            for: cuts, isArchive: export.target.format != .folder,
            keepsExtension: export.target.format == .folder, sharedFolders: sharedFolders,
            known: export.key, isTaken: export.isTaken)
    }

    private static func keys(
        for cuts: [Cut], isArchive: Bool, keepsExtension: Bool = false, sharedFolders: Int?,
        known: (Cut) -> String?, isTaken: (String) -> Bool
    ) -> [String] {
        // Of a stream it isn't known what all ids share.
        let isStream = cuts.contains { StandardInput.isInStream($0.audioPath) }
        let shared = isStream ? 0 : sharedFolders ?? sharedFolderCount(of: cuts.map(\.id))
        var taken: Set<String> = []
        return cuts.map { cut in
            if let key = known(cut) { return key }
            let isFile = cut.id == cut.audioPath
            let stem =
                isArchive && !isFile
                ? cut.id
                : fileName(of: cut.id, without: shared, isFile, keepsExtension: keepsExtension)
            let base = withoutBlanks(stem)
            var key = base
            var number = 2
            while isTaken(key) || !taken.insert(key).inserted {
                key = "\(base)~\(number)"
                number += 1
            }
            return key
        }
    }

    /// How many folders all ids begin with.
    static func sharedFolderCount(of ids: [String]) -> Int {
        let folders = ids.map { $0.split(separator: "/").dropLast() }
        var shared = folders.first ?? []
        for folder in folders {
            shared = shared.prefix(zip(shared, folder).prefix { $0 == $1 }.count)
        }
        return shared.count
    }

    private static func fileName(
        of id: String, without folderCount: Int, _ hasExtension: Bool, keepsExtension: Bool
    ) -> String {
        let rest =
            id.split(separator: "/").dropFirst(folderCount).joined(separator: "-") as NSString
        if keepsExtension { return rest as String }
        let isAudio = audioFileExtensions.contains(rest.pathExtension.lowercased())
        return hasExtension || isAudio ? rest.deletingPathExtension : rest as String
    }

    /// A name without blanks and control characters, which archives cannot have in theirs, and short
    /// enough for a file system.
    private static func withoutBlanks(_ text: String) -> String {
        var name = String(
            String.UnicodeScalarView(
                text.unicodeScalars.map {
                    $0.properties.isWhitespace || $0.value < 0x20 ? "_" : $0
                }))
        while name.utf8.count > 200 { name.removeLast() }
        return name.isEmpty ? "_" : name
    }

    /// Makes a folder for output.
    static func makeFolder(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true)
        } catch {
            throw PretrainingError.cannotWrite(path: path, reason: writingReason(error))
        }
    }
}

/// Counts recordings that could not be used: each is named at once, the count ends the command.
struct Failures {
    private var count = 0
    private var total = 0

    mutating func succeeded() { total += 1 }

    mutating func failed(_ reason: String) {
        count += 1
        total += 1
        Console.warning(reason)
    }

    /// Ends the command with exit code 65 where something failed.
    func finish() throws {
        guard count > 0 else { return }
        Console.error("\(count) of \(total) recordings could not be used")
        throw ExitStatus.badData
    }
}
