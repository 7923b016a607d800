/// The drum strokes of Debian's package `hydrogen-drumkits`, one class a stroke and one group a kit.
///
/// A stroke's class is read from its file's name, in the abbreviations that the kits' makers use. The
/// kit is kept under the key `kit`. Files whose names say nothing of the nine classes (effects, numbered
/// samples, percussion that few kits have) are left out; with `keepsUnnamed` they stay, without a
/// label, to train an encoder on.
public struct DebianPercussionPreparer: Preparer {
    /// Whether files without a class stay.
    public var keepsUnnamed: Bool

    /// Makes a preparer for hydrogen-drumkits.
    ///
    /// - Parameter keepsUnnamed: Whether files without a class stay, without a label.
    public init(keepsUnnamed: Bool = false) { self.keepsUnnamed = keepsUnnamed }

    /// The name on the command line.
    public var name: String { keepsUnnamed ? "debian-percussion-all" : "debian-percussion" }
    /// One line on what the corpus is.
    public var summary: String {
        "strokes of Debian's hydrogen-drumkits, nine classes"
            + (keepsUnnamed ? ", and what has no class" : "")
    }
    /// One line on what the folder has to look like.
    public var layout: String { "[usr/share/]hydrogen/data/drumkits/KIT/*.{wav,flac,aiff}" }

    /// Lists the strokes of each kit.
    ///
    /// - Parameter folder: The folder of kits, one above it, or an unpacked package.
    /// - Returns: The cuts, with the class as label and the key `kit`.
    /// - Throws: `CorpusError.nothingFound` where the folder has another layout, `.unreadable`.
    public func scan(_ folder: String) throws -> CorpusScan {
        let places = ["/usr/share/hydrogen/data/drumkits", "/hydrogen/data/drumkits", ""]
        return try scanFirst(of: places, under: folder) { place in
            guard isFolder(place) else { return CorpusScan(cuts: []) }
            var scan = CorpusScan(cuts: [])
            for kit in try folderEntries(place) where isFolder("\(place)/\(kit)") {
                let paths = try audioFiles(under: "\(place)/\(kit)")
                for (path, id) in zip(paths, identifiers(forPaths: paths)) {
                    let stroke = Self.stroke(ofFile: path)
                    scan.add(
                        Cut(
                            id: "\(kit)/\(id)", audioPath: "\(place)/\(kit)/\(path)",
                            labels: [stroke].compactMap(\.self),
                            extra: ["kit": .string(kit)]),
                        unless: stroke == nil && !keepsUnnamed
                            ? "its name says none of the nine strokes" : nil)
                }
            }
            return scan
        }
    }

    /// The class of a stroke.
    ///
    /// - Parameter file: The file's name.
    /// - Returns: The class; `nil` where the name says none.
    static func stroke(ofFile file: String) -> String? {
        let name = file.lowercased()
        // The first that fits: a rimshot is named after its snare, and a ride after its crash. Two
        // uploaders' names hold those of strokes (trimo, stomachache).
        if name.contains(/cowbell|agogo|^cb\d?_|_cb\./) { return "cowbell" }
        if name.contains(/(?:^|[^t])rim|stick|^rs_|^sr_/) { return "rimshot" }
        if name.contains(/clap|snap/) { return "clap" }
        if name.contains(/ride|paistebell|^rd\d?_|^rc_/) { return "ride" }
        if name.contains(/crash|^cra_|^cc_/) { return "crash" }
        if name.contains(/hat|hihat|^hh|^ho_|[oc]hh_|_hh_/) { return "hihat" }
        if name.contains(/snare|^sn\d?_|^sd_|_sn_/) { return "snare" }
        if name.contains(/kick|bassdrum|^bd|_bd_|_k_/) { return "kick" }
        if name.contains(/(?:^|[^s])tom|^tm\d?_|^ft_|^t\d_/) { return "tom" }
        return nil
    }
}
