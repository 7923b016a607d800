extension Results {
    /// What figures were measured on, what their draws depend on, and how their intervals were made.
    public struct Conditions: Codable, Equatable, Sendable {
        /// Things of one kind that figures were measured on.
        public struct Count: Codable, Equatable, Sendable {
            /// What they are, such as `recordings` or `speakers`.
            public var name: String
            /// How many there were.
            public var count: Int

            /// Things of one kind.
            ///
            /// - Parameters:
            ///   - name: What they are, such as `recordings`.
            ///   - count: How many there were.
            public init(_ name: String, _ count: Int) {
                (self.name, self.count) = (name, count)
            }
        }

        /// The seeds that a system's models were trained with.
        public struct Training: Codable, Equatable, Sendable {
            /// The system's name.
            public var system: String
            /// A seed for each training.
            public var seeds: [UInt64]

            /// The seeds of a system.
            ///
            /// - Parameters:
            ///   - system: The system's name.
            ///   - seeds: A seed for each training.
            public init(system: String, seeds: [UInt64]) {
                (self.system, self.seeds) = (system, seeds)
            }

            /// The seeds of models, those of one name together, in the order of the names.
            ///
            /// - Parameter models: Each model's system and seed.
            /// - Returns: An entry for each system.
            public static func all(of models: [(system: String, seed: UInt64)]) -> [Training] {
                models.reduce(into: []) { found, model in
                    if let index = found.firstIndex(where: { $0.system == model.system }) {
                        found[index].seeds.append(model.seed)
                    } else {
                        found.append(Training(system: model.system, seeds: [model.seed]))
                    }
                }
            }
        }

        /// What the test part holds.
        public var measured: [Count]
        /// The seed of all draws of the evaluation, such as subsets and resamples.
        public var seed: UInt64
        /// The seeds of the models' trainings, where the evaluation is not the training itself.
        public var trainings: [Training]
        /// How 95 % intervals were made.
        public var intervals: String
        /// What a reader should know of the data.
        public var warnings: [String]

        /// Conditions.
        ///
        /// - Parameters:
        ///   - measured: What the test part holds.
        ///   - seed: The seed of all draws of the evaluation.
        ///   - trainings: The seeds of the models' trainings.
        ///   - intervals: How 95 % intervals were made.
        ///   - warnings: What a reader should know of the data.
        public init(
            measured: [Count], seed: UInt64, trainings: [Training] = [], intervals: String,
            warnings: [String]
        ) {
            self.measured = measured
            self.seed = seed
            self.trainings = trainings
            self.intervals = intervals
            self.warnings = warnings
        }
    }
}
