/// The voices of three of Debian's packages together: 38 speakers, some three hours.
///
/// One label is one person, but also one language, one microphone and one package: what tells the
/// labels apart is partly the room. Cuts carry the key `package`, so that a package can be looked at
/// alone.
public struct DebianVoicesPreparer: Preparer {
    private let parts: [any Preparer] = [
        KlettresPreparer(), KTuberlingPreparer(), TuxPaintPreparer(),
    ]

    /// Makes a preparer for the three packages.
    public init() {}

    /// The name on the command line.
    public var name: String { "debian-voices" }
    /// One line on what the corpus is.
    public var summary: String {
        "klettres-data, ktuberling-data and tuxpaint-stamps-default of Debian together, 38 speakers"
    }
    /// One line on what the folder has to look like.
    public var layout: String { "[usr/share/]{klettres,ktuberling,tuxpaint}/..." }

    /// Lists the recordings of the three packages.
    ///
    /// - Parameter folder: The folder that the packages were unpacked into, or its `usr/share`.
    /// - Returns: The cuts of all three.
    /// - Throws: `CorpusError.nothingFound`, with what is expected, where one of them isn't there.
    public func scan(_ folder: String) throws -> CorpusScan {
        var whole = CorpusScan(cuts: [])
        for part in parts {
            var scan = try part.scan(folder)
            for index in scan.cuts.indices {
                scan.cuts[index].extra["package"] = .string(part.name)
            }
            whole.cuts += scan.cuts
            whole.leftOut += scan.leftOut
        }
        return whole
    }
}
