import ApusCorpus
import ApusNN
import ApusPretraining
import ApusProbing
import ApusSignal
import ArgumentParser
import Foundation

/// `apus search`: what is alike among stored embeddings.
struct SearchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "search",
        abstract: "Find what is alike, what is there twice and what is unlike the rest.",
        discussion: """
            Examples: apus search corpus.npy queries.npy
                      apus search model.safetensors corpus.npy clip.ogg --top 5
                      apus search corpus.npy --duplicates 0.98
                      apus search corpus.npy --outliers 20

            INDEX is a file or folder that apus embed wrote, and queries are others like it, or \
            recordings with the model that INDEX was made by; layer, pooling, windows and length are \
            those of INDEX. Vectors are compared by the cosine, all of them. \
            --duplicates prints pairs, the most alike first. --outliers prints what is least like its \
            nearest others, by the mean of their cosines.
            """)

    @Argument(
        help: ArgumentHelp(
            "A model if there is one, INDEX, and queries.", valueName: "[model] index query"))
    var arguments: [String]
    @Option(help: "How many neighbours of a query, or pairs, are printed.")
    var top: Int?
    @Option(help: "Print pairs with at least this cosine.")
    var duplicates: Double?
    @Option(help: "Print so many of the vectors that are least like others.")
    var outliers: Int?
    @Option(help: "By how many nearest others --outliers judges.")
    var neighbours = 10
    @Option(help: "The whitening of --fit-whitening, where INDEX was whitened.")
    var whiten: String?
    @OptionGroup var cacheOptions: CacheOptions
    @OptionGroup var engine: EngineOptions
    @Flag(help: "Print a JSON object a line.")
    var json = false

    func validate() throws {
        guard !arguments.isEmpty else { throw ValidationError("Name a file of embeddings.") }
        if let top, top < 1 { throw ValidationError("--top is \(top), expected 1 or more.") }
        if let outliers, outliers < 1 {
            throw ValidationError("--outliers is \(outliers), expected 1 or more.")
        }
        guard neighbours > 0 else {
            throw ValidationError("--neighbours is \(neighbours), expected 1 or more.")
        }
        if let duplicates, !(-1...1).contains(duplicates) {
            throw ValidationError("--duplicates is \(duplicates), expected -1 to 1.")
        }
    }

    private struct Neighbour: Encodable {
        var id: String
        var cosine: Float
    }
    private struct Found: Encodable {
        var query: String
        var neighbours: [Neighbour]
    }
    private struct Duplicate: Encodable {
        var first: String
        var second: String
        var cosine: Float
    }

    func run() throws {
        var rest = arguments[...]
        var model: String?
        if let first = rest.first, (first as NSString).pathExtension == "safetensors",
            FileManager.default.fileExists(atPath: first), try !Inputs.isEmbeddingFile(first)
        {
            model = first
            rest = rest.dropFirst()
        }
        guard let path = rest.popFirst() else {
            throw ValidationError("Name a file of embeddings after the model.")
        }
        guard !rest.isEmpty || duplicates != nil || outliers != nil else {
            throw ValidationError("Name queries, --duplicates or --outliers.")
        }
        try engine.start()
        let search = try EmbeddingSearch(contentsOf: path)
        var failures = Failures()
        if !rest.isEmpty { try find(Array(rest), search, path, model, &failures) }
        if let duplicates { try listDuplicates(search, Float(duplicates)) }
        if let outliers {
            for match in search.outliers(count: outliers, neighbours: neighbours) {
                try output(Neighbour(id: search.ids[match.row], cosine: match.cosine)) {
                    [String(format: "%.4f  ", match.cosine) + search.ids[match.row]]
                }
            }
        }
        try failures.finish()
    }

    private func output(_ value: some Encodable, _ lines: () -> [String]) throws {
        guard json else { return lines().forEach { print($0) } }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    private func listDuplicates(_ search: EmbeddingSearch, _ threshold: Float) throws {
        let most = top ?? 1000
        let (pairs, total) = search.duplicates(above: threshold, count: most)
        for pair in pairs {
            let (first, second) = (search.ids[pair.first], search.ids[pair.second])
            try output(Duplicate(first: first, second: second, cosine: pair.cosine)) {
                [String(format: "%.4f  ", pair.cosine) + "\(first)  \(second)"]
            }
        }
        if total > pairs.count {
            Console.message("\(total) pairs in all; --top says how many are printed")
        } else if total == 0 {
            Console.message("no pairs with a cosine of \(threshold) or more")
        }
    }

    private func find(
        _ arguments: [String], _ search: EmbeddingSearch, _ path: String, _ model: String?,
        _ failures: inout Failures
    ) throws {
        func show(_ names: [String], _ rows: FeatureMatrix, from source: String) throws {
            guard rows.featureCount == search.width else {
                throw ProbingError.badEmbeddings(
                    path: source,
                    reason: "has vectors of \(rows.featureCount) values, \(path) of "
                        + "\(search.width)")
            }
            for (name, matches) in zip(
                names, search.nearest(to: rows.values, count: top ?? 10))
            {
                let found = matches.map {
                    Neighbour(id: search.ids[$0.row], cosine: $0.cosine)
                }
                try output(Found(query: name, neighbours: found)) {
                    [name] + found.map { String(format: "  %.4f  ", $0.cosine) + $0.id }
                }
            }
        }
        var embedder: Embedder?
        for argument in arguments {
            if try Inputs.isEmbeddingFile(argument) {
                // Blocks of an array of one recording's rows are small; few at a time cost most.
                var (names, values): ([String], [Float]) = ([], [])
                func flush() throws {
                    guard !names.isEmpty else { return }
                    try show(
                        names,
                        FeatureMatrix(
                            values: values, frameCount: names.count,
                            featureCount: values.count / names.count), from: argument)
                    (names, values) = ([], [])
                }
                try EmbeddingFile(path: argument).forEachBlock { block in
                    if let first = names.first, !first.isEmpty,
                        values.count / names.count != block.rows.featureCount
                    {
                        try flush()
                    }
                    names += block.names
                    values += block.rows.values
                    if names.count >= 256 { try flush() }
                }
                try flush()
                failures.succeeded()
                continue
            }
            let cuts = try Inputs.cuts([argument])
            guard let model else {
                throw ValidationError(
                    "\(argument) is no file of embeddings: name the model before \(path).")
            }
            let made = try embedder ?? Embedder(model, path, whiten, cacheOptions.cache)
            embedder = made
            try made.extractor.forEachEmbedding(of: cuts) { index, result in
                switch result {
                case .failure(let problem): failures.failed("\(problem)")
                case .success(let rows):
                    let names = (0..<rows.frameCount).map { row in
                        rows.frameCount == 1 ? cuts[index].id : "\(cuts[index].id)[\(row)]"
                    }
                    try show(names, made.finish(rows), from: cuts[index].audioPath)
                    failures.succeeded()
                }
            }
        }
    }

    /// Embeds queries as an index was.
    private struct Embedder {
        let extractor: EmbeddingExtractor
        let finish: EmbeddingExport.Finish

        init(
            _ model: String, _ index: String, _ whiten: String?, _ cache: RepresentationCache?
        ) throws {
            let description = try EmbeddingDescription(ofFile: index)
            let file = try Safetensors(contentsOf: model)
            let workers = ProcessInfo.processInfo.activeProcessorCount
            let layer = description.flatMap { $0.layer == EmbeddingExtractor.head ? nil : $0.layer }
            let pooling = description?.pooling ?? .meanAndStandardDeviation
            func misfit() -> ProbingError {
                .badEmbeddings(
                    path: index,
                    reason:
                        "was made by another model (\(description?.modelPath ?? "")) than \(model)")
            }
            do {
                extractor =
                    TrainedClassifier.isTrainedClassifier(file)
                    ? try EmbeddingExtractor(
                        TrainedClassifier(path: model, file: file), layer: layer, pooling: pooling,
                        windows: description?.windows, workers: workers, cache: cache)
                    : try EmbeddingExtractor(
                        PretrainedModel(path: model, file: file), layer: layer, pooling: pooling,
                        windows: description?.windows, workers: workers, cache: cache)
            } catch ProbingError.noSuchLayer {
                throw misfit()
            }
            if let description, description.model != extractor.description().model {
                throw misfit()
            }
            let whitening = try whiten.map { try Whitening(contentsOf: $0) }
            if let description, description.whitening != whitening?.fingerprint {
                throw ProbingError.badEmbeddings(
                    path: index,
                    reason: description.whitening == nil
                        ? "was not whitened" : "was whitened: name the same file with --whiten")
            }
            // The cosine takes lengths away in any case.
            finish = EmbeddingExport.Finish(whitening: whitening)
        }
    }
}
