/// A corpus's layout on disk, read into cuts.
///
/// A preparer knows folders and names only. `prepare(folder:with:options:)` does what is common to
/// all: it opens each file, measures it and drops what cannot be used.
public protocol Preparer: Sendable {
    /// The name on the command line.
    var name: String { get }
    /// One line on what the corpus is.
    var summary: String { get }
    /// One line on what the folder has to look like.
    var layout: String { get }

    /// Lists what a folder holds.
    ///
    /// - Parameter folder: The corpus's folder.
    /// - Returns: The cuts, without durations where the corpus does not give them, and what its own
    ///   rules leave out.
    /// - Throws: `CorpusError.nothingFound` where the folder has another layout, `.unreadable`.
    func scan(_ folder: String) throws -> CorpusScan
}

/// What a preparer found in a folder.
public struct CorpusScan: Hashable, Sendable {
    /// The cuts that the corpus offers.
    public var cuts: [Cut]
    /// The files that the corpus's rules leave out.
    public var leftOut: [DroppedFile]

    /// Makes a result.
    ///
    /// - Parameters:
    ///   - cuts: The cuts that the corpus offers.
    ///   - leftOut: The files that the corpus's rules leave out.
    public init(cuts: [Cut], leftOut: [DroppedFile] = []) {
        self.cuts = cuts
        self.leftOut = leftOut
    }

    /// Takes a cut in, or lists its file with the reason why it is left out.
    mutating func add(_ cut: Cut, unless reason: String?) {
        if let reason {
            leftOut.append(DroppedFile(path: cut.audioPath, reason: .leftOut, detail: reason))
        } else {
            cuts.append(cut)
        }
    }
}

/// The preparers that come with this module, by name.
public enum Preparers {
    /// All of them, sorted by name.
    public static let all: [any Preparer] = [
        DCASEPreparer(), DebianPercussionPreparer(), DebianPercussionPreparer(keepsUnnamed: true),
        DebianVoicesPreparer(), ESC50Preparer(), FolderPreparer(), FSDDPreparer(),
        KlettresPreparer(), KTuberlingPreparer(), LibriSpeechPreparer(), TuxPaintPreparer(),
        VoxCeleb1Preparer(),
    ]

    /// Finds a preparer.
    ///
    /// - Parameter name: The preparer's name.
    /// - Returns: The preparer.
    /// - Throws: `CorpusError.unknownPreparer`, which lists the names that there are.
    public static func named(_ name: String) throws -> any Preparer {
        guard let preparer = all.first(where: { $0.name == name }) else {
            throw CorpusError.unknownPreparer(name: name, known: all.map(\.name))
        }
        return preparer
    }
}

extension Preparer {
    /// What is found in the first of some places that hold anything.
    func scanFirst(
        of places: [String], under folder: String, _ scan: (String) throws -> CorpusScan
    ) throws -> CorpusScan {
        for place in places {
            let found = try scan(absolutePath(folder + place))
            if !found.cuts.isEmpty { return found }
        }
        throw CorpusError.nothingFound(path: folder, expected: layout)
    }
}

/// Ids for files: the paths without their extensions where those differ, else with them.
func identifiers(forPaths paths: [String]) -> [String] {
    let stems = paths.map { path in
        path.lastIndex(of: ".").map { String(path[..<$0]) } ?? path
    }
    let uses = Dictionary(stems.map { ($0, 1) }, uniquingKeysWith: +)
    return zip(paths, stems).map { uses[$1] == 1 ? $1 : $0 }
}
