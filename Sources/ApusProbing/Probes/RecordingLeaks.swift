import ApusCorpus

/// Tells recordings that are in others under another name: files of the same bytes, takes of one source.
struct RecordingLeaks {
    private let paths: [String]
    private let contents: [String]
    private let sources: [String]

    /// Reads the files that could be of the same bytes.
    ///
    /// - Parameters:
    ///   - cuts: The recordings; the key `source` of a manifest's line names what one was cut from.
    ///   - workers: How many files are read at a time.
    init(_ cuts: [Cut], workers: Int) {
        paths = cuts.map(\.audioPath)
        let originals = originalFiles(of: paths, workers: workers)
        contents = paths.map { originals[$0] ?? $0 }
        // Stretches of one file are takes of one source, unless their manifest says otherwise.
        sources = cuts.map { $0.text(of: "source") ?? $0.audioPath }
    }

    /// Which recordings others have too.
    ///
    /// - Parameters:
    ///   - tested: The positions of the recordings in question.
    ///   - others: The positions of those that they may be in.
    /// - Returns: Those of `tested` whose bytes another file among `others` has, and those of the rest that
    ///   stem from the source of one of them.
    func find(
        _ tested: [Int], in others: [Int]
    ) -> (sameAudio: [Int], sameSource: [Int]) {
        let names = Set(others.map { paths[$0] })
        let (known, heard) = (Set(others.map { sources[$0] }), Set(others.map { contents[$0] }))
        var found: (sameAudio: [Int], sameSource: [Int]) = ([], [])
        for position in tested {
            if heard.contains(contents[position]), !names.contains(paths[position]) {
                found.sameAudio.append(position)
            } else if known.contains(sources[position]) {
                found.sameSource.append(position)
            }
        }
        return found
    }
}
