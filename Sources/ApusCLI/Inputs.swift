import ApusCorpus
import ApusPretraining
import ApusSignal
import Foundation

/// The recordings that a command's arguments name: audio files, folders of them, manifests.
enum Inputs {
    /// Expands arguments into recordings, in the order of the arguments.
    ///
    /// - Parameter arguments: Paths of audio files, folders and `.jsonl` manifests.
    /// - Returns: One cut for each recording; a file's id is its path as it was given.
    /// - Throws: `SignalError.missingFile` for a path that isn't there, `CorpusError` for a bad
    ///   manifest or a folder without audio.
    static func cuts(_ arguments: [String]) throws -> [Cut] {
        var cuts: [Cut] = []
        for argument in arguments {
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: argument, isDirectory: &isFolder) else {
                throw SignalError.missingFile(path: argument)
            }
            if isFolder.boolValue {
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

    /// A file name for each recording's own output.
    ///
    /// It is the id without its extension and without the folders that all ids share, so that a
    /// file can be traced to its recording; what would be written twice gets a number.
    static func fileNames(for cuts: [Cut]) -> [String] {
        let folders = cuts.map { Array($0.id.split(separator: "/").dropLast()) }
        var shared = folders.first ?? []
        for folder in folders {
            let common = zip(shared, folder).prefix { $0 == $1 }.count
            shared = Array(shared.prefix(common))
        }
        var taken: Set<String> = []
        return cuts.map { cut in
            let rest = cut.id.split(separator: "/").dropFirst(shared.count).joined(separator: "-")
            let stem = (rest as NSString).deletingPathExtension
            var name = stem
            var number = 2
            while !taken.insert(name).inserted {
                name = "\(stem)~\(number)"
                number += 1
            }
            return name
        }
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
