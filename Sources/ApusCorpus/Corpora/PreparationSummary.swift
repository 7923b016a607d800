/// A file that did not become a cut, and why.
public struct DroppedFile: Hashable, Sendable, Codable {
    /// The kinds of reason.
    public enum Reason: String, Hashable, Sendable, Codable, CaseIterable {
        /// The file could not be read to its end.
        case unreadable
        /// The clip is shorter than the shortest one wanted.
        case tooShort
        /// An earlier file has the same bytes.
        case duplicate
        /// A rule of the corpus leaves the file out.
        case leftOut
    }

    /// The file.
    public var path: String
    /// The kind of reason.
    public var reason: Reason
    /// The reason in words.
    public var detail: String

    /// Makes an entry.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - reason: The kind of reason.
    ///   - detail: The reason in words.
    public init(path: String, reason: Reason, detail: String) {
        self.path = path
        self.reason = reason
        self.detail = detail
    }
}

/// What became of the files of a corpus.
public struct PreparationSummary: Hashable, Sendable, Codable {
    /// The number of cuts found, those that were dropped too.
    public var found: Int
    /// The number of cuts kept.
    public var kept: Int
    /// The length of the cuts kept, in seconds.
    public var totalSeconds: Double
    /// The number of cuts kept of each speaker.
    public var cutsOfSpeaker: [String: Int]
    /// Every file that was dropped, with its reason, in the order of the corpus.
    public var dropped: [DroppedFile]

    /// How many files were dropped for a reason.
    ///
    /// - Parameter reason: The reason.
    /// - Returns: The number of files.
    public func droppedCount(_ reason: DroppedFile.Reason) -> Int {
        dropped.count { $0.reason == reason }
    }

    /// The files that could not be read: faults of the data, not choices.
    public var problems: [DroppedFile] { dropped.filter { $0.reason == .unreadable } }
}
