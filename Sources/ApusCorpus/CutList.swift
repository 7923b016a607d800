/// Recordings that are taken by their number: all in memory, or read from the disk one by one.
public protocol CutList: Sendable {
    /// The number of recordings.
    var count: Int { get }

    /// A recording.
    ///
    /// - Parameter index: Its number, from 0.
    /// - Returns: The recording.
    /// - Throws: `CorpusError` where it can't be read, or isn't what it was.
    func cut(at index: Int) throws(CorpusError) -> Cut
}

extension Array: CutList where Element == Cut {
    /// A recording.
    ///
    /// - Parameter index: Its number, from 0.
    /// - Returns: The recording.
    public func cut(at index: Int) -> Cut { self[index] }
}

extension CutList {
    /// Visits recordings in their order, some in memory at a time.
    ///
    /// - Parameters:
    ///   - blockSize: How many are in memory at a time.
    ///   - body: Takes the number of a block's first recording, and the block.
    /// - Throws: `CorpusError`, and what the body throws.
    public func forEachBlock(
        of blockSize: Int = 4096, _ body: (_ first: Int, _ cuts: [Cut]) throws -> Void
    ) throws {
        for start in stride(from: 0, to: count, by: blockSize) {
            let end = Swift.min(start + blockSize, count)
            try body(start, (start..<end).map { try cut(at: $0) })
        }
    }
}

/// Some recordings of a list, by their numbers in it.
public struct SelectedCuts: CutList {
    private let base: any CutList
    private let positions: [UInt32]

    /// Selects recordings.
    ///
    /// - Parameters:
    ///   - positions: Their numbers in the list.
    ///   - base: The list.
    public init(_ positions: [UInt32], of base: any CutList) {
        (self.positions, self.base) = (positions, base)
    }

    /// The number of recordings.
    public var count: Int { positions.count }

    /// A recording.
    ///
    /// - Parameter index: Its number, from 0.
    /// - Returns: The recording.
    /// - Throws: As the list does.
    public func cut(at index: Int) throws(CorpusError) -> Cut {
        try base.cut(at: Int(positions[index]))
    }
}
