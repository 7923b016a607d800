import ApusMetrics

extension Results {
    /// Two systems by a metric on the same test trials.
    public struct Comparison: Codable, Equatable, Sendable {
        /// What recordings are drawn by in a bootstrap.
        public struct Drawn: Codable, Equatable, Sendable {
            /// What is drawn, in the plural: recordings, speakers.
            public var unit: String
            /// How many there are.
            public var count: Int

            /// What is drawn.
            ///
            /// - Parameters:
            ///   - unit: What is drawn, in the plural.
            ///   - count: How many there are.
            public init(_ unit: String, count: Int) { (self.unit, self.count) = (unit, count) }
        }

        /// McNemar's test, with what it is beside other tests.
        public struct McNemar: Codable, Equatable, Sendable {
            /// The trials that only the first system got right.
            public var onlyFirst: Int
            /// The trials that only the second system got right.
            public var onlySecond: Int
            /// The exact two-sided p value.
            public var probability: Double
            /// The same by Holm's method over all comparisons by the metric.
            public var adjusted: Double
        }

        /// The one system.
        public var first: String
        /// The other one.
        public var second: String
        /// What is measured.
        public var metric: String
        /// The labelled examples per class; `nil` where labels play no part.
        public var labelledPerClass: LabelledPerClass?
        /// The first system's value minus the second's; a rate is a share of one.
        public var difference: Double
        /// The lower end of the difference's 95 % interval.
        public var low: Double
        /// The upper end of that interval.
        public var high: Double
        /// The two-sided p value of no difference, by the paired bootstrap.
        public var probability: Double
        /// The same by Holm's method over all comparisons by the metric.
        public var adjusted: Double
        /// McNemar's test, where trials are right or wrong.
        public var mcNemar: McNemar?
        /// The number of test trials.
        public var trials: Int
        /// What the bootstrap draws.
        public var drawn: Drawn

        /// A comparison that stands alone.
        ///
        /// - Parameters:
        ///   - first: The one system.
        ///   - second: The other one.
        ///   - metric: What is measured.
        ///   - labelledPerClass: The labelled examples per class; `nil` where labels play no part.
        ///   - bootstrap: The difference and its p value.
        ///   - mcNemar: McNemar's test, where trials are right or wrong.
        ///   - trials: The number of test trials.
        ///   - drawn: What the bootstrap draws.
        public init(
            _ first: String, minus second: String, metric: String,
            labelledPerClass: LabelledPerClass? = nil, _ bootstrap: PairedBootstrap,
            mcNemar: McNemarTest? = nil, trials: Int, drawn: Drawn
        ) {
            (self.first, self.second, self.metric) = (first, second, metric)
            self.labelledPerClass = labelledPerClass
            difference = bootstrap.difference.estimate
            (low, high) = (bootstrap.difference.low, bootstrap.difference.high)
            (probability, adjusted) = (bootstrap.probability, bootstrap.probability)
            self.mcNemar = mcNemar.map {
                McNemar(
                    onlyFirst: $0.onlyFirst, onlySecond: $0.onlySecond,
                    probability: $0.exactProbability, adjusted: $0.exactProbability)
            }
            (self.trials, self.drawn) = (trials, drawn)
        }

        private enum CodingKeys: String, CodingKey {
            case first
            case second
            case metric
            case labelledPerClass = "labelled_per_class"
            case difference
            case low
            case high
            case probability = "p"
            case adjusted = "p_holm"
            case mcNemar = "mcnemar"
            case trials
            case drawn
        }
    }

    /// Adjusts the p values of comparisons by Holm's method, those by one metric and test together.
    ///
    /// - Parameter comparisons: All comparisons that are shown.
    /// - Returns: The same with adjusted p values; `nil` for none.
    public static func adjusted(_ comparisons: [Comparison]) -> [Comparison]? {
        guard !comparisons.isEmpty else { return nil }
        var comparisons = comparisons
        for positions in Dictionary(
            grouping: comparisons.indices, by: { comparisons[$0].metric }
        ).values {
            let adjusted = holmAdjusted(positions.map { comparisons[$0].probability })
            for (position, value) in zip(positions, adjusted) {
                comparisons[position].adjusted = value
            }
            let tested = positions.filter { comparisons[$0].mcNemar != nil }
            let exact = holmAdjusted(tested.compactMap { comparisons[$0].mcNemar?.probability })
            for (position, value) in zip(tested, exact) {
                comparisons[position].mcNemar?.adjusted = value
            }
        }
        return comparisons
    }
}

extension Results.Comparison.McNemar {
    private enum CodingKeys: String, CodingKey {
        case onlyFirst = "only_first"
        case onlySecond = "only_second"
        case probability = "p"
        case adjusted = "p_holm"
    }
}
