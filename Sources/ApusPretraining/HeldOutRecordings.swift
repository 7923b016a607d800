import ApusCorpus

/// Which recordings are trained on, and which are held out to validate on.
struct HeldOutRecordings {
    /// The recordings to train on.
    let training: [Cut]
    /// The others; empty where nothing is validated.
    let validation: [Cut]

    /// Reads the manifests of a configuration.
    ///
    /// A share is drawn by the seed and each recording's id: the order of the manifest decides
    /// nothing.
    init(_ configuration: PretrainingConfiguration) throws {
        let cuts = try Manifest(contentsOf: configuration.data.manifest).cuts
        if !configuration.data.validationManifest.isEmpty {
            training = cuts
            validation = try Manifest(contentsOf: configuration.data.validationManifest).cuts
            return
        }
        let wanted = configuration.data.validationShare * Double(cuts.count)
        let count = configuration.data.validationShare > 0 ? max(1, Int(wanted.rounded())) : 0
        let drawn = cuts.map { cut in
            var generator = SeededGenerator(
                seed: configuration.seed, stream: "validation/" + cut.id)
            return (draw: generator.next(), id: cut.id)
        }
        let chosen = Set(
            drawn.sorted { ($0.draw, $0.id) < ($1.draw, $1.id) }.prefix(count).map(\.id))
        training = cuts.filter { !chosen.contains($0.id) }
        validation = cuts.filter { chosen.contains($0.id) }
    }

    /// How many of the held-out recordings are trained on too.
    var sharedCount: Int {
        struct Place: Hashable {
            var path: String
            var offset: Double
            var channel: Int?
        }
        func place(_ cut: Cut) -> Place {
            Place(path: cut.audioPath, offset: cut.offset, channel: cut.channel)
        }
        let trained = Set(training.map(place))
        return validation.count { trained.contains(place($0)) }
    }
}
