/// The Free Spoken Digit Dataset: English digits, 50 times each by every speaker.
///
/// The digit is the label.
public struct FSDDPreparer: Preparer {
    /// Makes a preparer for the Free Spoken Digit Dataset.
    public init() {}

    /// The name on the command line.
    public var name: String { "fsdd" }
    /// One line on what the corpus is.
    public var summary: String { "the Free Spoken Digit Dataset" }
    /// One line on what the folder has to look like.
    public var layout: String { "[recordings/]DIGIT_SPEAKER_INDEX.wav" }

    /// Lists the digits.
    ///
    /// - Parameter folder: The dataset, or its `recordings`.
    /// - Returns: The cuts, with speaker and label.
    /// - Throws: `CorpusError.nothingFound` where the folder has another layout, `.unreadable`.
    public func scan(_ folder: String) throws -> CorpusScan {
        try scanFirst(of: ["/recordings", ""], under: folder) { place in
            guard isFolder(place) else { return CorpusScan(cuts: []) }
            return CorpusScan(
                cuts: try folderEntries(place).compactMap { name in
                    guard
                        let (_, id, digit, speaker) = name.wholeMatch(
                            of: /((\d)_(\w+)_\d+)\.(?i:wav)/)?.output
                    else { return nil }
                    return Cut(
                        id: String(id), audioPath: "\(place)/\(name)", speaker: String(speaker),
                        labels: [String(digit)], language: "en")
                })
        }
    }
}
