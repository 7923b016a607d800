/// The spoken descriptions of Debian's package `tuxpaint-stamps-default`, one voice for each language.
///
/// A recording's name ends with `_desc_LANGUAGE.ogg`. The stamps below `stamps/symbols` are left
/// out, where one label is several people, and so are the few recordings of `ml`.
public struct TuxPaintPreparer: Preparer {
    /// Makes a preparer for tuxpaint-stamps-default.
    public init() {}

    /// The name on the command line.
    public var name: String { "tuxpaint" }
    /// One line on what the corpus is.
    public var summary: String {
        "spoken descriptions of Debian's tuxpaint-stamps-default, one speaker a language"
    }
    /// One line on what the folder has to look like.
    public var layout: String { "[usr/share/]tuxpaint/stamps/**/*_desc_LANGUAGE.ogg" }

    private static let voices: Set<String> = [
        "be", "bg", "ca", "da", "el", "es", "fr", "nl", "ro", "ru",
    ]

    /// Lists the recordings of each language.
    ///
    /// - Parameter folder: The folder `tuxpaint`, the one above it, or an unpacked package.
    /// - Returns: The cuts, with the speaker `tuxpaint-LANGUAGE`.
    /// - Throws: `CorpusError.nothingFound` where the folder has another layout, `.unreadable`.
    public func scan(_ folder: String) throws -> CorpusScan {
        try scanFirst(of: ["", "/tuxpaint", "/usr/share/tuxpaint"], under: folder) { place in
            let stamps = place + "/stamps"
            guard isFolder(stamps) else { return CorpusScan(cuts: []) }
            var scan = CorpusScan(cuts: [])
            let paths = try audioFiles(under: stamps)
            for (path, id) in zip(paths, identifiers(forPaths: paths)) {
                guard
                    let (_, _, language) = path.wholeMatch(of: /(.*)_desc_([A-Za-z_]+)\.ogg/)?
                        .output
                else { continue }
                scan.add(
                    Cut(
                        id: "tuxpaint/\(id)", audioPath: "\(stamps)/\(path)",
                        speaker: "tuxpaint-\(language)", language: String(language)),
                    unless: reasonToLeaveOut(path, language: String(language)))
            }
            return scan
        }
    }

    private func reasonToLeaveOut(_ path: String, language: String) -> String? {
        if path.hasPrefix("symbols/") { return "several voices share a label among the symbols" }
        return Self.voices.contains(language)
            ? nil : "the label '\(language)' has too few recordings"
    }
}
