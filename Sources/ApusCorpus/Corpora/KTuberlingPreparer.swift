/// The spoken words of Debian's package `ktuberling-data`, one voice for each language.
///
/// A language's folder is one person: the label of a speaker. Two people share each of the folders
/// `ca`, `da` and `ru`, the variants of `sr` hold the same audio several times, and the other
/// languages have fourteen recordings at most.
public struct KTuberlingPreparer: Preparer {
    /// Makes a preparer for ktuberling-data.
    public init() {}

    /// The name on the command line.
    public var name: String { "ktuberling" }
    /// One line on what the corpus is.
    public var summary: String {
        "spoken words of Debian's ktuberling-data, one speaker a language"
    }
    /// One line on what the folder has to look like.
    public var layout: String { "[usr/share/]ktuberling/sounds/LANGUAGE/*.{ogg,wav,opus}" }

    private static let voices: Set<String> = [
        "de", "el", "en", "fr", "gl", "lt", "nn", "sl", "uk", "wa",
    ]

    /// Lists the recordings of each language.
    ///
    /// - Parameter folder: The folder `ktuberling`, the one above it, or an unpacked package.
    /// - Returns: The cuts, with the speaker `ktuberling-LANGUAGE`.
    /// - Throws: `CorpusError.nothingFound` where the folder has another layout, `.unreadable`.
    public func scan(_ folder: String) throws -> CorpusScan {
        try scanFirst(of: ["", "/ktuberling", "/usr/share/ktuberling"], under: folder) { place in
            let sounds = place + "/sounds"
            guard isFolder(sounds) else { return CorpusScan(cuts: []) }
            var scan = CorpusScan(cuts: [])
            for language in try folderEntries(sounds) where isFolder("\(sounds)/\(language)") {
                let paths = try audioFiles(under: "\(sounds)/\(language)")
                for (path, id) in zip(paths, identifiers(forPaths: paths)) {
                    scan.add(
                        Cut(
                            id: "ktuberling/\(language)/\(id)",
                            audioPath: "\(sounds)/\(language)/\(path)",
                            speaker: "ktuberling-\(language)", language: language),
                        unless: reasonToLeaveOut(language))
                }
            }
            return scan
        }
    }

    private func reasonToLeaveOut(_ language: String) -> String? {
        if Self.voices.contains(language) { return nil }
        if ["ca", "da", "ru"].contains(language) {
            return "two voices share the label '\(language)'"
        }
        if language.hasPrefix("sr") { return "the variants of 'sr' hold the same audio" }
        return "the label '\(language)' has too few recordings"
    }
}
