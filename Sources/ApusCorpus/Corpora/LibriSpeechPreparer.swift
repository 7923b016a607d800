/// LibriSpeech's read English, a part of it or all.
///
/// Panayotov, Chen, Povey and Khudanpur 2015, LibriSpeech: an ASR corpus based on public domain audio books.
/// The speaker is the first number of `SPEAKER-CHAPTER-UTTERANCE.flac`; the part, such as
/// `train-clean-100`, is kept under the key `part` where the folder has it.
public struct LibriSpeechPreparer: Preparer {
    /// Makes a preparer for LibriSpeech.
    public init() {}

    /// The name on the command line.
    public var name: String { "librispeech" }
    /// One line on what the corpus is.
    public var summary: String { "LibriSpeech's read English, one part or all of them" }
    /// One line on what the folder has to look like.
    public var layout: String { "[LibriSpeech/][PART/]SPEAKER/CHAPTER/SPEAKER-CHAPTER-NNNN.flac" }

    /// Lists the utterances.
    ///
    /// - Parameter folder: The corpus, or one part of it.
    /// - Returns: The cuts; the id is the utterance's own.
    /// - Throws: `CorpusError.nothingFound` where the folder has another layout, `.unreadable`.
    public func scan(_ folder: String) throws -> CorpusScan {
        let root = absolutePath(folder)
        let cuts = try audioFiles(under: root).compactMap { path -> Cut? in
            guard
                let match = path.wholeMatch(
                    of:
                        /(?:(?<above>.*)\/)?(?<speaker>\d+)\/(?<chapter>\d+)\/(?<id>\d+-\d+-\d+)\.\w+/
                ),
                match.output.id.hasPrefix("\(match.output.speaker)-\(match.output.chapter)-")
            else { return nil }
            let part = match.output.above?.split(separator: "/").last.map(String.init)
            return Cut(
                id: String(match.output.id), audioPath: "\(root)/\(path)",
                speaker: String(match.output.speaker), language: "en",
                extra: part.map { ["part": .string($0)] } ?? [:])
        }
        if cuts.isEmpty { throw CorpusError.nothingFound(path: folder, expected: layout) }
        return CorpusScan(cuts: cuts)
    }
}
