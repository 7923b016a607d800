import ApusCorpus
import ApusPretraining
import ApusProbing
import ApusSignal
import ArgumentParser
import Foundation

/// `apus units`: centroids of frames, whose numbers masked prediction predicts.
struct UnitsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "units",
        abstract: "Find units, HuBERT's targets: k-means of MFCCs or of a model's layer.",
        discussion: """
            Examples: apus units data/train.jsonl -o units.safetensors
                      apus pretrain hubert.yaml -o runs/first \\
                        --set objective.maskedPrediction.units.file=units.safetensors
                      apus units data/train.jsonl --model runs/first/model.safetensors \\
                        --layer layer-2 --clusters 500 -o better.safetensors

            MFCCs are 13 cepstra with their first and second derivatives, made of the \
            log-mels of the front end, which has to be the training's (its \
            normalization aside). Units of a layer hold the model, so that their file \
            stands alone. The last line of the output is what apus pretrain needs to \
            train on the units.
            """)

    @Argument(help: "Audio files, folders or .jsonl manifests.")
    var inputs: [String]
    @Option(name: [.short, .customLong("output")], help: "The file of units.")
    var output: String
    @Option(help: "The number of units.")
    var clusters = 100
    @Option(help: "A model.safetensors: units of one of its layers instead of MFCCs.")
    var model: String?
    @Option(help: "The layer, by its name; apus info lists them. Default: the last.")
    var layer: String?
    @Option(help: "What all draws depend on.")
    var seed: UInt64 = 1
    @Option(help: "So many frames are enough; recordings are read whole, in a drawn order.")
    var frames = 400_000
    @Option(help: "The number of k-means steps.")
    var steps = KMeans.Options().steps
    @Option(help: "The frames drawn for a step.")
    var batch = KMeans.Options().batchSize
    @OptionGroup var engine: EngineOptions
    @OptionGroup(title: "What MFCCs are made of")
    var frontEndOptions: FrontEndOptions

    func validate() throws {
        for (name, value, least) in [
            ("clusters", clusters, 2), ("frames", frames, 1), ("steps", steps, 1),
            ("batch", batch, 1),
        ] where value < least {
            throw ValidationError("--\(name) is \(value), expected at least \(least).")
        }
        if model == nil, layer != nil {
            throw ValidationError("--layer needs the --model that it belongs to.")
        }
        if model != nil, frontEndOptions.isGiven {
            throw ValidationError("A model has its own front end; leave out --front-end and --set.")
        }
    }

    func run() throws {
        try engine.start()
        let cuts = Inputs.withoutRepetitions(try Inputs.cuts(inputs))
        var options = KMeans.Options()
        (options.clusterCount, options.batchSize) = (clusters, batch)
        (options.steps, options.seed) = (steps, seed)
        let progress = ProgressDisplay(total: cuts.count, unit: "recordings")
        var failures = Failures()
        var (read, leftOut) = (0, 0)
        func report(_ event: UnitSet.FittingEvent) {
            switch event {
            case .leftOut(let error):
                failures.failed("\(error)")
                leftOut += 1
            case .read(let recordings, let frames):
                read = recordings
                // Where there are frames enough, the other recordings aren't read.
                if frames >= self.frames { progress.total = recordings }
                progress.update(recordings, "\(frames) frames")
            }
        }
        let units: UnitSet
        let source: String
        if let model {
            let model = try PretrainedModel(contentsOf: model)
            let (index, name) = try layerPlace(in: model)
            source = "layer \(name)"
            units = try UnitSet.layer(
                index, of: model, cuts: cuts, options: options, frameLimit: frames, report: report)
        } else {
            source = "MFCCs"
            units = try UnitSet.cepstra(
                of: cuts, frontEnd: frontEndOptions.resolve(), options: options,
                frameLimit: frames, report: report)
        }
        for _ in 0..<read - leftOut { failures.succeeded() }
        try writeAtomically(units.encoded(), to: output)
        describe(units, of: source, recordingCount: read - leftOut)
        try failures.finish()
    }

    /// The number and name of the layer that is asked for.
    private func layerPlace(in model: PretrainedModel) throws -> (index: Int, name: String) {
        let names = model.encoder.layerNames
        let name = layer ?? names.last ?? ""
        guard let index = names.firstIndex(of: name) else {
            throw ProbingError.noSuchLayer(path: model.path, layer: name, layers: names)
        }
        return (index, name)
    }

    private func describe(_ units: UnitSet, of source: String, recordingCount: Int) {
        let (card, width) = (units.card, units.clusters.width)
        print("\(output): \(clusters) units of \(source), \(width) numbers each")
        print("frames      \(card.frameCount) of \(recordingCount) recordings")
        print("codes used  \(card.usedCount) of \(clusters)")
        print("perplexity  \(String(format: "%.1f", card.perplexity))")
        print(
            "inertia     "
                + String(
                    format: "%.4g, %.4g a frame",
                    card.meanSquaredDistance * Double(card.frameCount),
                    card.meanSquaredDistance))
        var settings = [
            "objective.kind=maskedPrediction", "objective.maskedPrediction.targets=units",
            "objective.maskedPrediction.units.file=\(output)",
            "objective.maskedPrediction.units.source=\(card.source.rawValue)",
            "objective.maskedPrediction.units.count=\(clusters)",
        ]
        if card.source == .layer {
            settings.append("objective.maskedPrediction.units.layerWidth=\(width)")
        }
        print("train with  " + settings.map { "--set \($0)" }.joined(separator: " "))
    }
}
