import ApusCorpus
import ApusNN
import ApusPretraining
import ApusReport
import ApusSignal
import Foundation

/// The page that shows pretraining and probe runs: curves, tables, pictures, confusions and maps.
public struct RunReport {
    private let folders: [String]

    /// At most so many classes have a picture of a clip.
    private static let mostPictures = 24

    /// A report on some runs.
    ///
    /// - Parameter folders: Folders that `apus pretrain` or `apus probe` wrote.
    public init(folders: [String]) { self.folders = folders }

    /// Reads the runs and composes the page.
    ///
    /// - Parameter title: The page's title.
    /// - Returns: The page, to be written with `write(to:)`.
    /// - Throws: `PretrainingError.missingFile` for a folder that isn't there, `ReportError.cannotRead`
    ///   for one that holds no run.
    public func page(title: String) throws -> Report {
        var pretrained: [PretrainingRun] = []
        var probes: [ProbeFolder] = []
        for folder in folders {
            guard FileManager.default.fileExists(atPath: folder) else {
                throw PretrainingError.missingFile(path: folder)
            }
            let probe = ProbeFolder(path: folder)
            if let run = PretrainingRun(folder: folder) {
                pretrained.append(run)
            } else if probe.isPresent {
                probes.append(probe)
            } else {
                throw ReportError.cannotRead(
                    path: folder, reason: "it holds neither metrics.jsonl nor probe.json of a run")
            }
        }
        var sections: [Report.Section] = []
        for probe in probes { sections += try Self.sections(of: probe) }
        if !pretrained.isEmpty { sections.append(Self.section(of: pretrained)) }
        sections.append(Self.provenance(of: folders))
        return Report(
            title: title,
            subtitle: folders.map { ($0 as NSString).lastPathComponent }
                .joined(separator: ", "), sections: sections)
    }

    // MARK: - Probe runs

    private static func sections(of probe: ProbeFolder) throws -> [Report.Section] {
        let details = try probe.details()
        let results = try Results(contentsOf: URL(fileURLWithPath: probe.path + "/results.json"))
        let table = ResultsTable(
            results, className: details.className, notes: ProbeFolder.notes(details))
        var sections = [
            Report.Section(
                results.task.replacing("-", with: " ").capitalizingFirstLetter,
                [.table(table.reportTable()), .text([results.protocol])])
        ]
        sections.append(
            Report.Section(
                "Confusions",
                [
                    .svg(
                        caption: "\(details.bestSystem), all labels: rows are the true "
                            + "\(details.className)s, columns what was answered.",
                        ConfusionMatrixChart(
                            title: details.bestSystem, labels: details.classes,
                            counts: details.confusion
                        ).svg())
                ]))
        sections.append(try maps(of: probe, details))
        let pictures = spectrograms(details)
        if !pictures.isEmpty {
            sections.append(
                Report.Section("One clip of each \(details.className)", [.images(pictures)]))
        }
        return sections
    }

    private static func maps(
        of probe: ProbeFolder, _ details: ProbeFolder.Details
    ) throws -> Report.Section {
        let file = try Safetensors(contentsOf: probe.path + "/embeddings.safetensors")
        let numbers = Dictionary(
            uniqueKeysWithValues: details.classes.enumerated().map { ($1, $0) })
        let figures: [Report.Figure] = try details.systems.compactMap { system in
            guard let tensor = file.tensors[system], tensor.shape.count == 2, tensor.shape[0] > 4,
                tensor.shape[0] == details.testLabels.count
            else { return nil }
            let map = try EmbeddingMap(
                points: standardized(tensor.values, width: tensor.shape[1]),
                count: tensor.shape[0])
            return Report.Figure(
                caption: system,
                svg: ScatterMap(
                    title: system, coordinates: map.coordinates,
                    classes: map.rows.map { numbers[details.testLabels[$0]] ?? 0 },
                    classNames: details.classes
                ).svg())
        }
        return Report.Section(
            "Maps of the test recordings",
            [
                .text([
                    "Each point is a recording; t-SNE of its standardised mean and standard "
                        + "deviation. Only what lies close together says something."
                ]),
                .figures(figures),
            ])
    }

    /// Brings each column to mean 0 and deviation 1, so that no loud one decides all distances.
    private static func standardized(_ rows: [Float], width: Int) -> [Float] {
        var rows = rows
        FeatureScaling(fitting: rows, width: width).apply(to: &rows)
        return rows
    }

    private static func spectrograms(
        _ details: ProbeFolder.Details
    ) -> [(caption: String, png: Data)] {
        // What a model sees is relative to its corpus; a picture shows levels in dB.
        var frontEnd = details.frontEnd
        frontEnd.normalization = .none
        // Without the recordings, as on another machine, the report has all else.
        guard let manifest = try? Manifest(contentsOf: details.testManifest),
            let extractor = try? FeatureExtractor(frontEnd)
        else { return [] }
        let labels = Dictionary(
            zip(details.testIDs, details.testLabels), uniquingKeysWith: { first, _ in first })
        return details.classes.prefix(mostPictures).compactMap { name in
            guard let cut = manifest.cuts.first(where: { labels[$0.id] == name }),
                let waveform = try? cut.waveform(for: frontEnd),
                let features = try? extractor(waveform),
                let png = try? features.picture(frontEnd: frontEnd, title: cut.id).png()
            else { return nil }
            return (name, png)
        }
    }

    // MARK: - Pretraining runs

    private static func section(of runs: [PretrainingRun]) -> Report.Section {
        var content: [Report.Content] = []
        for (kind, group) in Dictionary(grouping: runs, by: \.kind).sorted(by: { $0.key < $1.key })
        {
            func series(_ figure: String, smoothing: Double) -> [LineChart.Series] {
                group.compactMap { run in
                    let points = run.points(of: figure)
                    guard !points.isEmpty else { return nil }
                    return LineChart.Series(
                        name: run.name, x: points.map(\.step), y: points.map(\.value),
                        smoothing: smoothing)
                }
            }
            content.append(
                .svg(
                    caption: "\(kind): the loss of each step's batch, smoothed.",
                    LineChart(
                        title: "Loss, \(kind)", xTitle: "step",
                        yTitle: ObjectiveKind(rawValue: kind)?.lossUnit ?? "loss",
                        series: series("loss", smoothing: 0.95)
                    ).svg()))
            guard let run = group.first, kind == ObjectiveKind.cpc.rawValue else { continue }
            let steps = [1, 2, 4, 8, 12].compactMap { step -> LineChart.Series? in
                let points = run.points(of: "accuracy/step-\(step)")
                guard !points.isEmpty else { return nil }
                return LineChart.Series(
                    name: "\(step) frames ahead", x: points.map(\.step),
                    y: points.map { 100 * $0.value }, smoothing: 0.8)
            }
            content.append(
                .svg(
                    caption: "\(run.name): the share of frames whose true future scores above "
                        + "every negative.",
                    LineChart(
                        title: "Accuracy of the contrast", xTitle: "step", yTitle: "%",
                        series: steps
                    ).svg()))
        }
        content.append(
            .keyValues(
                runs.flatMap { run in
                    run.summary.map { Report.KeyValue("\(run.name): \($0.name)", $0.value) }
                }))
        return Report.Section("Training without labels", content)
    }

    private static func provenance(of folders: [String]) -> Report.Section {
        let pairs = folders.flatMap { folder -> [Report.KeyValue] in
            let file = URL(fileURLWithPath: folder + "/provenance.json")
            guard let data = try? Data(contentsOf: file),
                let provenance = try? JSONDecoder().decode(Provenance.self, from: data)
            else { return [] }
            let name = (folder as NSString).lastPathComponent
            return [
                Report.KeyValue("\(name): command", provenance.command.joined(separator: " ")),
                Report.KeyValue(
                    "\(name): made",
                    "\(provenance.date), Apus \(provenance.version), libtorch "
                        + "\(provenance.libtorch), \(provenance.processor), "
                        + "\(provenance.cores) cores"),
            ]
        }
        return Report.Section("How it was made", [.keyValues(pairs)])
    }
}

/// What a pretraining run's folder tells.
private struct PretrainingRun {
    let name: String
    let kind: String
    private let lines: [[String: Double]]

    init?(folder: String) {
        guard let text = try? String(contentsOfFile: folder + "/metrics.jsonl", encoding: .utf8),
            let configuration = try? ConfigurationFile.resolve(
                PretrainingConfiguration(), file: folder + "/config.yaml")
        else { return nil }
        name = (folder as NSString).lastPathComponent
        kind = configuration.objective.kind.rawValue
        lines = text.split(separator: "\n").compactMap { line in
            let object = try? JSONSerialization.jsonObject(with: Data(line.utf8))
            return (object as? [String: Any])?.compactMapValues { $0 as? Double }
        }
    }

    func points(of figure: String) -> [(step: Double, value: Double)] {
        lines.compactMap { line in
            guard let step = line["step"], let value = line[figure] else { return nil }
            return (step, value)
        }
    }

    var summary: [(name: String, value: String)] {
        guard let last = lines.last(where: { $0["trainingSeconds"] != nil }),
            let step = last["step"], let seconds = last["trainingSeconds"]
        else { return [] }
        var pairs = [
            (
                "steps",
                String(format: "%.0f in %.0f s, %.2f a second", step, seconds, step / seconds)
            ),
            (
                "waiting for data",
                String(format: "%.2f %% of the time", 100 * (last["secondsWaited"] ?? 0) / seconds)
            ),
            ("hours of audio an hour", String(format: "%.0f", last["audioHoursPerHour"] ?? 0)),
        ]
        if let bound = last["informationBound"] {
            pairs.append(("log(N + 1) - L at the end", String(format: "%.2f nats", bound)))
        }
        return pairs
    }
}

extension String {
    fileprivate var capitalizingFirstLetter: String { prefix(1).uppercased() + dropFirst() }
}
