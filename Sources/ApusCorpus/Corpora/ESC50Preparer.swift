import Foundation

/// ESC-50's environmental sounds, and ESC-10 in the same layout (Piczak 2015).
///
/// The list in `meta/esc50.csv` gives class and fold. Takes of one source recording are in one fold;
/// the source is kept under the key `source`.
public struct ESC50Preparer: Preparer {
    /// Makes a preparer for ESC-50.
    public init() {}

    /// The name on the command line.
    public var name: String { "esc50" }
    /// One line on what the corpus is.
    public var summary: String { "ESC-50's environmental sounds with its five folds, or ESC-10" }
    /// One line on what the folder has to look like.
    public var layout: String { "audio/*.{wav,ogg} and meta/esc50.csv" }

    /// Lists the clips that both the list and the folder have.
    ///
    /// - Parameter folder: The corpus's folder.
    /// - Returns: The cuts, with label and fold; a clip of the list without a file is left out.
    /// - Throws: `CorpusError.nothingFound` where the folder has another layout, `.malformedLine` for
    ///   a list that can't be read.
    public func scan(_ folder: String) throws -> CorpusScan {
        let root = absolutePath(folder)
        let list = root + "/meta/esc50.csv"
        guard let text = try? String(contentsOfFile: list, encoding: .utf8) else {
            throw CorpusError.nothingFound(path: folder, expected: layout)
        }
        let lines = text.split(whereSeparator: \.isNewline).map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        let keys = lines.first ?? []
        guard let file = keys.firstIndex(of: "filename"), let fold = keys.firstIndex(of: "fold"),
            let category = keys.firstIndex(of: "category"),
            let source = keys.firstIndex(of: "src_file")
        else {
            throw CorpusError.malformedLine(
                path: list, line: 1, reason: "expected the columns filename,fold,category,src_file")
        }
        // ESC-10 may come in another format than its list says.
        let stems = Dictionary(
            try audioFiles(under: root + "/audio").map {
                (($0 as NSString).deletingPathExtension, $0)
            },
            uniquingKeysWith: { first, _ in first })
        var scan = CorpusScan(cuts: [])
        for (index, line) in lines.enumerated().dropFirst() {
            guard line.count == keys.count else {
                throw CorpusError.malformedLine(
                    path: list, line: index + 1,
                    reason: "has \(line.count) columns, expected \(keys.count)")
            }
            let id = (line[file] as NSString).deletingPathExtension
            guard let path = stems[id] else {
                scan.leftOut.append(
                    DroppedFile(
                        path: root + "/audio/" + line[file], reason: .leftOut,
                        detail: "the list names it, and it isn't there"))
                continue
            }
            scan.cuts.append(
                Cut(
                    id: id, audioPath: "\(root)/audio/\(path)", labels: [line[category]],
                    fold: line[fold], extra: ["source": .string(line[source])]))
        }
        if scan.cuts.isEmpty { throw CorpusError.nothingFound(path: folder, expected: layout) }
        return scan
    }
}
