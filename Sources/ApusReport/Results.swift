import Foundation

/// The outcome of an evaluation: a figure for every system and amount of labelled data.
///
/// This is what `results.json` in a run's folder holds.
public struct Results: Codable, Equatable, Sendable {
    /// How many labelled examples of each class a system was given.
    public enum LabelledPerClass: Codable, Hashable, Sendable {
        /// A number of examples.
        case count(Int)
        /// All that the training part has.
        case all
    }

    /// One figure.
    public struct Row: Codable, Equatable, Sendable {
        /// The system's name.
        public var system: String
        /// The labelled examples per class; `nil` where labels play no part.
        public var labelledPerClass: LabelledPerClass?
        /// What is measured, where it is not the results' own metric.
        public var metric: String?
        /// The figure, for a rate a share of one; NaN where it could not be measured.
        public var value: Double
        /// The lower end of the figure's 95 % interval.
        public var low: Double?
        /// The upper end of the figure's 95 % interval.
        public var high: Double?
        /// The number of seeds that the figure is the mean of.
        public var seeds: Int?
        /// The number of trials behind the figure.
        public var trials: Int?

        /// One figure.
        ///
        /// - Parameters:
        ///   - system: The system's name.
        ///   - labelledPerClass: The labelled examples per class; `nil` where labels play no part.
        ///   - metric: What is measured, where it is not the results' own metric.
        ///   - value: The figure; a rate is a share of one.
        ///   - low: The lower end of the figure's 95 % interval.
        ///   - high: The upper end of the figure's 95 % interval.
        ///   - seeds: The number of seeds that the figure is the mean of.
        ///   - trials: The number of trials behind the figure.
        public init(
            system: String, labelledPerClass: LabelledPerClass?, metric: String? = nil,
            value: Double, low: Double? = nil, high: Double? = nil, seeds: Int? = nil,
            trials: Int? = nil
        ) {
            self.system = system
            self.labelledPerClass = labelledPerClass
            self.metric = metric
            self.value = value
            self.low = low
            self.high = high
            self.seeds = seeds
            self.trials = trials
        }
    }

    /// The figures of one class.
    public struct ClassRow: Codable, Equatable, Sendable {
        /// The system's name.
        public var system: String
        /// The class.
        public var label: String
        /// The number of test trials that have the class.
        public var positives: Int?
        /// The figures by metric; one that isn't finite is left out.
        public var metrics: [String: Double]

        /// The figures of one class.
        ///
        /// - Parameters:
        ///   - system: The system's name.
        ///   - label: The class.
        ///   - positives: The number of test trials that have the class.
        ///   - metrics: The figures by metric.
        public init(system: String, label: String, positives: Int?, metrics: [String: Double]) {
            self.system = system
            self.label = label
            self.positives = positives
            self.metrics = metrics.filter { $0.value.isFinite }
        }
    }

    /// The task, such as `speaker-identification`.
    public var task: String
    /// How the figures came about, in a sentence.
    public var `protocol`: String
    /// What is measured, such as `accuracy`.
    public var metric: String
    /// The figures.
    public var rows: [Row]
    /// What guessing reaches, by metric, where that is known.
    public var chance: [String: Double]?
    /// The figures of each class, where there are any.
    public var classes: [ClassRow]?
    /// Paired tests of two systems each, where there are any.
    public var comparisons: [Comparison]?
    /// What the figures were measured on and how; none in results of earlier versions.
    public var conditions: Conditions?

    /// Results.
    ///
    /// - Parameters:
    ///   - task: The task, such as `speaker-identification`.
    ///   - procedure: How the figures came about, in a sentence.
    ///   - metric: What is measured, such as `accuracy`.
    ///   - rows: The figures.
    ///   - chance: What guessing reaches, by metric.
    ///   - classes: The figures of each class.
    ///   - conditions: What the figures were measured on and how.
    public init(
        task: String, protocol procedure: String, metric: String, rows: [Row],
        chance: [String: Double]? = nil, classes: [ClassRow]? = nil,
        conditions: Conditions? = nil
    ) {
        self.task = task
        self.protocol = procedure
        self.metric = metric
        self.rows = rows
        self.chance = chance
        self.classes = classes
        self.conditions = conditions
    }

    /// The systems that have figures, in the order in which they first come up.
    public var systemNames: [String] {
        rows.reduce(into: []) { names, row in
            if !names.contains(row.system) { names.append(row.system) }
        }
    }

    /// Reads results from a JSON file.
    ///
    /// - Parameter url: The file.
    /// - Throws: ``ReportError/cannotRead(path:reason:)`` where the file is missing or is not
    ///   such results.
    public init(contentsOf url: URL) throws {
        do {
            self = try JSONDecoder().decode(Results.self, from: Data(contentsOf: url))
        } catch let error as DecodingError {
            throw ReportError.cannotRead(path: url.path, reason: Self.reason(of: error))
        } catch {
            throw ReportError.cannotRead(path: url.path, reason: error.localizedDescription)
        }
    }

    /// Writes the results to a JSON file.
    ///
    /// - Parameter url: The file, replaced where it exists.
    /// - Throws: ``ReportError/cannotWrite(path:reason:)`` where that fails.
    public func write(to url: URL) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        do {
            try (encoder.encode(self) + Data("\n".utf8)).write(to: url, options: .atomic)
        } catch {
            throw ReportError.cannotWrite(path: url.path, reason: error.localizedDescription)
        }
    }

    /// Where in the file what is wrong, for a reader of the file.
    private static func reason(of error: DecodingError) -> String {
        let (context, problem): (DecodingError.Context, String) =
            switch error {
            case .keyNotFound(let key, let context): (context, "\(key.stringValue) is missing")
            case .typeMismatch(let type, let context): (context, "expected \(type)")
            case .valueNotFound(let type, let context): (context, "expected \(type), found null")
            case .dataCorrupted(let context): (context, context.debugDescription)
            @unknown default: (.init(codingPath: [], debugDescription: ""), "\(error)")
            }
        let path = context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }
        return path.isEmpty ? problem : path.joined(separator: ".") + ": " + problem
    }
}

extension Results.LabelledPerClass {
    /// Reads a whole number or `"all"`.
    ///
    /// - Parameter decoder: Where the value is read from.
    /// - Throws: `DecodingError` for anything else.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let count = try? container.decode(Int.self) {
            self = .count(count)
        } else if let word = try? container.decode(String.self), word == "all" {
            self = .all
        } else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "expected a whole number or \"all\"")
        }
    }

    /// Writes a whole number or `"all"`.
    ///
    /// - Parameter encoder: Where the value is written to.
    /// - Throws: What the encoder throws.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .count(let count): try container.encode(count)
        case .all: try container.encode("all")
        }
    }
}

extension Results.Row {
    private enum CodingKeys: String, CodingKey {
        case system
        case labelledPerClass = "labelled_per_class"
        case metric
        case value
        case low
        case high
        case seeds
        case trials
    }

    /// Reads a row; a value of null is NaN.
    ///
    /// - Parameter decoder: Where the row is read from.
    /// - Throws: `DecodingError` where a key is missing or of the wrong kind.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        system = try container.decode(String.self, forKey: .system)
        labelledPerClass = try container.decodeIfPresent(
            Results.LabelledPerClass.self, forKey: .labelledPerClass)
        metric = try container.decodeIfPresent(String.self, forKey: .metric)
        value = try container.decode(Double?.self, forKey: .value) ?? .nan
        low = try container.decodeIfPresent(Double.self, forKey: .low)
        high = try container.decodeIfPresent(Double.self, forKey: .high)
        seeds = try container.decodeIfPresent(Int.self, forKey: .seeds)
        trials = try container.decodeIfPresent(Int.self, forKey: .trials)
    }

    /// Writes a row; what is not finite is null, which JSON has in its place.
    ///
    /// - Parameter encoder: Where the row is written to.
    /// - Throws: What the encoder throws.
    public func encode(to encoder: any Encoder) throws {
        func finite(_ value: Double?) -> Double? { value.flatMap { $0.isFinite ? $0 : nil } }
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(system, forKey: .system)
        try container.encode(labelledPerClass, forKey: .labelledPerClass)
        try container.encodeIfPresent(metric, forKey: .metric)
        try container.encode(finite(value), forKey: .value)
        try container.encodeIfPresent(finite(low), forKey: .low)
        try container.encodeIfPresent(finite(high), forKey: .high)
        try container.encodeIfPresent(seeds, forKey: .seeds)
        try container.encodeIfPresent(trials, forKey: .trials)
    }
}
