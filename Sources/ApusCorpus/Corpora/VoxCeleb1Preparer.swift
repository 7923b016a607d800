/// VoxCeleb1's interviews, one of its folders or both.
///
/// Nagrani, Chung and Zisserman 2017, VoxCeleb: a large-scale speaker identification dataset. The id is
/// the name that its lists have, `id10270/x6uYqmx31kE/00001`, without the extension; the video is kept
/// under the key `source`, as its pieces are of one recording.
public struct VoxCeleb1Preparer: Preparer {
    /// Makes a preparer for VoxCeleb1.
    public init() {}

    /// The name on the command line.
    public var name: String { "voxceleb1" }
    /// One line on what the corpus is.
    public var summary: String { "VoxCeleb1's interviews, dev and test together or one of them" }
    /// One line on what the folder has to look like.
    public var layout: String { "[VoxCeleb1/][dev/|test/][wav/]idNNNNN/VIDEO/NNNNN.{wav,flac}" }

    /// Lists the utterances.
    ///
    /// - Parameter folder: The corpus, or one part of it.
    /// - Returns: The cuts with their speakers; a file that both parts hold is there once.
    /// - Throws: `CorpusError.nothingFound` where the folder has another layout, `.unreadable`.
    public func scan(_ folder: String) throws -> CorpusScan {
        let root = absolutePath(folder)
        var scan = CorpusScan(cuts: [])
        var first: [String: String] = [:]
        for path in try audioFiles(under: root) {
            guard
                let match = path.wholeMatch(
                    of: /(?:.*\/)?(?<id>(?<source>(?<speaker>id\d+)\/[^\/]+)\/[^\/]+)\.\w+/)
            else { continue }
            let id = String(match.output.id)
            scan.add(
                Cut(
                    id: id, audioPath: "\(root)/\(path)", speaker: String(match.output.speaker),
                    extra: ["source": .string(String(match.output.source))]),
                unless: first[id].map { "has the name of \($0)" })
            if first[id] == nil { first[id] = path }
        }
        if scan.cuts.isEmpty { throw CorpusError.nothingFound(path: folder, expected: layout) }
        return scan
    }
}
