import Foundation

/// The cuts of a manifest, each read from the disk when it is asked for.
///
/// Of every sixteenth line the place is kept: half a byte of memory a cut.
public struct ManifestLines: CutList {
    /// The manifest's path.
    public var path: String { blocks.path }
    /// The number of cuts.
    public let count: Int

    static let linesPerPlace = 16

    private let blocks: FileBlocks
    private let folder: String
    /// Where every sixteenth line begins from the first on, blank ones not counted.
    private let places: [Int]
    /// The hash of each cut's id, after `idHashStart`.
    private let idHashes: [UInt64]
    private let idHashStart: UInt64

    init(
        _ blocks: FileBlocks, places: [Int], idHashes: [UInt64], idHashStart: UInt64
    ) {
        (self.blocks, self.places) = (blocks, places)
        (self.idHashes, self.idHashStart) = (idHashes, idHashStart)
        count = idHashes.count
        folder = URL(fileURLWithPath: blocks.path).deletingLastPathComponent().path
    }

    /// Reads a cut.
    ///
    /// - Parameter index: Its number, from 0.
    /// - Returns: The cut; its path is resolved against the manifest's folder.
    /// - Throws: `CorpusError.unreadable` where the manifest can't be read, or has changed.
    public func cut(at index: Int) throws(CorpusError) -> Cut {
        precondition(index >= 0 && index < count, "a cut of the manifest")
        let place = index / Self.linesPerPlace
        let end = place + 1 < places.count ? places[place + 1] : blocks.byteCount
        let bytes = try blocks.read(places[place]..<end)
        var wanted = index % Self.linesPerPlace
        var found: Result<Cut, CorpusError>?
        bytes.withUnsafeBytes { text in
            forEachLine(of: text, isStart: places[place] == 0) { line, _ in
                if found != nil || isBlankLine(line) { return }
                if wanted == 0 {
                    found = Result { () throws(CorpusError) in
                        try decodedCut(line, path: path, number: index + 1)
                    }
                }
                wanted -= 1
            }
        }
        // A line that is none any more isn't at fault by itself.
        guard case .success(var cut)? = found,
            fnv1a(cut.id.utf8, after: idHashStart) == idHashes[index]
        else {
            throw .unreadable(path: path, reason: "it was changed while it was in use")
        }
        cut.audioPath = resolvedPath(cut.audioPath, in: folder)
        return cut
    }
}
