extension Cut: Codable {
    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }

        static let audioPath = Key(stringValue: "audio_filepath")
        static let offset = Key(stringValue: "offset")
        static let duration = Key(stringValue: "duration")
        static let channel = Key(stringValue: "channel")
        static let id = Key(stringValue: "id")
        static let speaker = Key(stringValue: "speaker")
        static let labels = Key(stringValue: "labels")
        static let language = Key(stringValue: "language")
        static let fold = Key(stringValue: "fold")

        static let known: Set<String> = [
            "audio_filepath", "offset", "duration", "channel", "id", "speaker", "labels",
            "language", "fold",
        ]
    }

    /// Reads one line of a manifest.
    ///
    /// `id`, `speaker`, `language`, `fold` and `labels` may be numbers and are kept as text, and
    /// `labels` may be a single value; of `speaker`, `language`, `fold` and `labels` an empty text, or one
    /// of blanks alone, names nothing. Without an `id` it is the path as written, followed by the offset
    /// and the channel where there are any.
    ///
    /// - Parameter decoder: The decoder to read from.
    /// - Throws: `DecodingError` where a key is missing, of the wrong kind or out of range.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        func fault(_ key: Key, _ reason: String) -> DecodingError {
            .dataCorruptedError(forKey: key, in: container, debugDescription: reason)
        }

        let path = try container.decode(String.self, forKey: .audioPath)
        if path.isEmpty { throw fault(.audioPath, "is empty") }
        let offset = try container.decodeIfPresent(Double.self, forKey: .offset) ?? 0
        if offset < 0 { throw fault(.offset, "expected 0 s or more, found \(offset)") }
        let duration = try container.decodeIfPresent(Double.self, forKey: .duration)
        if let duration, duration <= 0 {
            throw fault(.duration, "expected more than 0 s, found \(duration)")
        }
        let channel = try container.decodeIfPresent(Int.self, forKey: .channel)
        if let channel, channel < 0 {
            throw fault(.channel, "expected 0 or more, found \(channel)")
        }

        let id = try container.decodeIfPresent(ManifestText.self, forKey: .id)?.text
        if let id, id.isEmpty { throw fault(.id, "is empty") }
        let place = (offset > 0 ? "@\(offset)" : "") + (channel.map { "#\($0)" } ?? "")

        self.init(
            id: id ?? path + place, audioPath: path, offset: offset, duration: duration,
            channel: channel,
            speaker: try container.decodeIfPresent(ManifestText.self, forKey: .speaker)?.name,
            labels: try container.decodeIfPresent(ManifestTextList.self, forKey: .labels)?.names
                ?? [],
            language: try container.decodeIfPresent(ManifestText.self, forKey: .language)?.name,
            fold: try container.decodeIfPresent(ManifestText.self, forKey: .fold)?.name)
        for key in container.allKeys where !Key.known.contains(key.stringValue) {
            extra[key.stringValue] = try container.decode(JSONValue.self, forKey: key)
        }
    }

    /// Writes one line of a manifest; what is not known is left out.
    ///
    /// - Parameter encoder: The encoder to write to.
    /// - Throws: `EncodingError` where a number is not finite.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        for (key, value) in extra where !Key.known.contains(key) {
            try container.encode(value, forKey: Key(stringValue: key))
        }
        try container.encode(id, forKey: .id)
        try container.encode(audioPath, forKey: .audioPath)
        if offset != 0 { try container.encode(offset, forKey: .offset) }
        try container.encodeIfPresent(duration, forKey: .duration)
        try container.encodeIfPresent(channel, forKey: .channel)
        try container.encodeIfPresent(speaker, forKey: .speaker)
        if !labels.isEmpty { try container.encode(labels, forKey: .labels) }
        try container.encodeIfPresent(language, forKey: .language)
        try container.encodeIfPresent(fold, forKey: .fold)
    }
}

/// A string, or a number that is taken as one: people's manifests have both for names.
private struct ManifestText: Decodable {
    var text: String
    /// The text, where it names something.
    var name: String? { text.isBlank ? nil : text }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let number = try? container.decode(Int.self) {
            text = String(number)
        } else {
            text = try container.decode(String.self)
        }
    }
}

/// A list of names, or a single one.
private struct ManifestTextList: Decodable {
    var names: [String]

    init(from decoder: any Decoder) throws {
        if let single = try? ManifestText(from: decoder) {
            names = [single.name].compactMap(\.self)
        } else {
            names = try [ManifestText](from: decoder).compactMap(\.name)
        }
    }
}
