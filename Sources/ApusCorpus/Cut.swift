/// A stretch of a recording, and what is known about it: one line of a manifest.
public struct Cut: Hashable, Sendable {
    /// The name of the cut, unique in its manifest.
    public var id: String
    /// The audio file; in a manifest that was read, already resolved against the manifest's folder.
    public var audioPath: String
    /// Where the cut begins in the file, in seconds.
    public var offset: Double
    /// How long the cut is, in seconds; nil means up to the end of the file.
    public var duration: Double?
    /// The channel to take, counted from 0; nil means the mean of all channels.
    public var channel: Int?
    /// Who speaks.
    public var speaker: String?
    /// What is heard: event or sound classes.
    public var labels: [String]
    /// The language that is spoken.
    public var language: String?
    /// `en` of `en_GB`, `sr` of `sr@latin`: what people who speak one language share.
    public var primaryLanguage: String? {
        language.map { tag in
            tag.split { "_-@".contains($0) }.first.map { $0.lowercased() } ?? tag
        }
    }
    /// The fold of a published cross-validation.
    public var fold: String?
    /// Every other key of the manifest's line; one that is named as a known key is not written.
    public var extra: [String: JSONValue]

    /// Makes a cut; with nothing but a path and an id it is the whole file.
    ///
    /// - Parameters:
    ///   - id: The name of the cut, unique in its manifest.
    ///   - audioPath: The audio file.
    ///   - offset: Where the cut begins, in seconds.
    ///   - duration: How long it is, in seconds; nil means up to the end of the file.
    ///   - channel: The channel to take, counted from 0; nil means the mean of all.
    ///   - speaker: Who speaks.
    ///   - labels: What is heard.
    ///   - language: The language that is spoken.
    ///   - fold: The fold of a published cross-validation.
    ///   - extra: Further keys for the manifest.
    public init(
        id: String, audioPath: String, offset: Double = 0, duration: Double? = nil,
        channel: Int? = nil, speaker: String? = nil, labels: [String] = [],
        language: String? = nil, fold: String? = nil, extra: [String: JSONValue] = [:]
    ) {
        self.id = id
        self.audioPath = audioPath
        self.offset = offset
        self.duration = duration
        self.channel = channel
        self.speaker = speaker
        self.labels = labels
        self.language = language
        self.fold = fold
        self.extra = extra
    }
}
