import Foundation

/// Any folder tree of audio files.
public struct FolderPreparer: Preparer {
    /// Where a name is taken from.
    public enum NameSource: String, Hashable, Sendable, Codable, CaseIterable {
        /// There is no such name.
        case none
        /// The folder that the file lies in; a file right in the corpus's folder has no name.
        case parentFolder
    }

    /// Where the speaker's name comes from.
    public var speakerFrom: NameSource
    /// Where the label comes from.
    public var labelsFrom: NameSource

    /// Makes a preparer for plain folders.
    ///
    /// - Parameters:
    ///   - speakerFrom: Where the speaker's name comes from.
    ///   - labelsFrom: Where the label comes from.
    public init(speakerFrom: NameSource = .none, labelsFrom: NameSource = .none) {
        self.speakerFrom = speakerFrom
        self.labelsFrom = labelsFrom
    }

    /// The name on the command line.
    public var name: String { "folder" }
    /// One line on what the corpus is.
    public var summary: String { "any folder tree of audio files" }
    /// One line on what the folder has to look like.
    public var layout: String { "FOLDER/**/*.{wav,flac,ogg,...}" }

    /// Lists every audio file below a folder.
    ///
    /// - Parameter folder: The folder.
    /// - Returns: One cut a file, with the relative path as its id.
    /// - Throws: `CorpusError.nothingFound` where no audio file is there, `.unreadable`.
    public func scan(_ folder: String) throws -> CorpusScan {
        let paths = try audioFiles(under: folder)
        if paths.isEmpty { throw CorpusError.nothingFound(path: folder, expected: layout) }
        let cuts = zip(paths, identifiers(forPaths: paths)).map { path, id in
            let parent = path.split(separator: "/").dropLast().last.map(String.init)
            return Cut(
                id: id, audioPath: resolvedPath(path, in: absolutePath(folder)),
                speaker: speakerFrom == .parentFolder ? parent : nil,
                labels: labelsFrom == .parentFolder ? [parent].compactMap { $0 } : [])
        }
        return CorpusScan(cuts: cuts)
    }
}
