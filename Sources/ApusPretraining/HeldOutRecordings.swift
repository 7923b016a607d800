import ApusCorpus
import ApusSignal

/// Which recordings are trained on, and which are held out to validate on.
struct HeldOutRecordings {
    /// The recordings to train on.
    let training: RecordingTable
    /// The others; empty where nothing is validated.
    let validation: [Cut]

    /// Reads the manifests of a configuration.
    ///
    /// A share is drawn by the seed and each recording's id: the order of the manifest decides
    /// nothing.
    init(_ configuration: PretrainingConfiguration) throws {
        let data = configuration.data
        let share = data.validationManifest.isEmpty ? data.validationShare : 0
        let all = try RecordingTable(
            data.manifest, numbersSpeakers: data.batchesBySpeaker,
            draw: share > 0 ? (configuration.seed, "validation/") : nil)
        guard share > 0 else {
            training = all
            validation =
                data.validationManifest.isEmpty
                ? [] : try Manifest(contentsOf: data.validationManifest).cuts
            return
        }
        let count = max(1, Int((share * Double(all.count)).rounded()))
        let chosen = Self.lowest(count, of: all.draws)
        var isChosen = [Bool](repeating: false, count: all.count)
        for position in chosen { isChosen[Int(position)] = true }
        validation = try chosen.map { try all.cuts.cut(at: Int($0)) }
        var training = all.selecting(
            (0..<UInt32(all.count)).filter { !isChosen[Int($0)] })
        training.draws = []
        self.training = training
    }

    /// The positions of the lowest draws, ascending.
    private static func lowest(_ count: Int, of draws: [UInt64]) -> [UInt32] {
        Array(0..<UInt32(draws.count))
            .sorted { (draws[Int($0)], $0) < (draws[Int($1)], $1) }
            .prefix(count).sorted()
    }

    /// How many of the held-out recordings are trained on too.
    ///
    /// - Throws: `CorpusError` where the training recordings can't be read.
    func sharedCount() throws -> Int {
        struct Place: Hashable {
            var path: String
            var offset: Double
            var channel: Int?
        }
        func place(_ cut: Cut) -> Place {
            Place(path: cut.audioPath, offset: cut.offset, channel: cut.channel)
        }
        // The validation's places are the fewer ones.
        var left = Dictionary(grouping: validation, by: place).mapValues(\.count)
        var shared = 0
        guard !validation.isEmpty else { return 0 }
        try training.cuts.forEachBlock { _, cuts in
            for cut in cuts { shared += left.removeValue(forKey: place(cut)) ?? 0 }
        }
        return shared
    }
}
