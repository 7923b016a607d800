/// The letters and syllables of Debian's package `klettres-data`, one voice for each language.
///
/// A language's folder is one person: the label of a speaker. The voices of `de` and `da` are left
/// out because two people share each of these folders, and those of `sr` because its variants hold
/// the same audio several times.
public struct KlettresPreparer: Preparer {
    /// Makes a preparer for klettres-data.
    public init() {}

    /// The name on the command line.
    public var name: String { "klettres" }
    /// One line on what the corpus is.
    public var summary: String {
        "spoken letters and syllables of Debian's klettres-data, one speaker a language"
    }
    /// One line on what the folder has to look like.
    public var layout: String { "[usr/share/]klettres/LANGUAGE/{alpha,syllab}/*.ogg" }

    /// Lists the recordings of each language.
    ///
    /// - Parameter folder: The folder `klettres`, the one above it, or an unpacked package.
    /// - Returns: The cuts, with the speaker `klettres-LANGUAGE`.
    /// - Throws: `CorpusError.nothingFound` where the folder has another layout, `.unreadable`.
    public func scan(_ folder: String) throws -> CorpusScan {
        try scanFirst(of: ["", "/klettres", "/usr/share/klettres"], under: folder) { place in
            guard isFolder(place) else { return CorpusScan(cuts: []) }
            var scan = CorpusScan(cuts: [])
            for language in try folderEntries(place) {
                for kind in ["alpha", "syllab"] where isFolder("\(place)/\(language)/\(kind)") {
                    let paths = try audioFiles(under: "\(place)/\(language)/\(kind)")
                    for (path, id) in zip(paths, identifiers(forPaths: paths)) {
                        scan.add(
                            Cut(
                                id: "klettres/\(language)/\(kind)/\(id)",
                                audioPath: "\(place)/\(language)/\(kind)/\(path)",
                                speaker: "klettres-\(language)", language: language),
                            unless: reasonToLeaveOut(language))
                    }
                }
            }
            return scan
        }
    }

    private func reasonToLeaveOut(_ language: String) -> String? {
        if ["de", "da"].contains(language) { return "two voices share the label '\(language)'" }
        if language == "sr" || language.hasPrefix("sr@") || language.hasPrefix("sr_") {
            return "the variants of 'sr' hold the same audio"
        }
        return nil
    }
}
