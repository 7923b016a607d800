import ApusCorpus
import ApusMetrics
import ApusNN
import ApusReport
import ApusSignal
import Foundation

// What a report shows of a probe run: the table, confusions, maps and pictures.
extension RunReport {
    /// At most so many classes have a picture of a clip.
    private static let mostPictures = 24

    static func sections(of probe: ProbeFolder) throws -> [Report.Section] {
        let details = try probe.details()
        let results = try Results(contentsOf: URL(fileURLWithPath: probe.path + "/results.json"))
        let table = ResultsTable(
            results, className: details.className, notes: ProbeFolder.notes(details))
        var sections = [
            Report.Section(
                results.task.replacing("-", with: " ").capitalizingFirstLetter,
                [.table(table.reportTable())])
        ]
        if let chart = fewLabelChart(results, className: details.className) {
            sections.append(
                Report.Section(
                    "Few labels",
                    [
                        .svg(
                            caption: "Accuracy on the test recordings, the mean over subsets.",
                            chart.svg())
                    ]))
        }
        sections.append(
            Report.Section(
                "Confusions",
                [
                    .svg(
                        caption: "\(details.bestSystem), all labels: rows are the true "
                            + "\(details.className.plural), columns what was answered.",
                        ConfusionMatrixChart(
                            title: details.bestSystem, labels: details.classes,
                            counts: details.confusion
                        ).svg())
                ]))
        if let chart = try reliabilityChart(details) {
            sections.append(
                Report.Section(
                    "Reliability",
                    [
                        .svg(
                            caption:
                                "How often the answer is right, by the probability that the "
                                + "classifier gave it, in ten bins, with the most labels; on the dashed "
                                + "line probabilities mean what they say. Behind the names the "
                                + "expected calibration error.", chart.svg())
                    ]))
        }
        sections.append(try maps(of: probe, details))
        let pictures = spectrograms(details)
        if !pictures.isEmpty {
            sections.append(
                Report.Section("One clip of each \(details.className)", [.images(pictures)]))
        }
        return sections
    }

    /// The trained systems and log-mel statistics: with all the others lines hide each other.
    private static func reliabilityChart(_ details: ProbeFolder.Details) throws -> LineChart? {
        let others = FeatureBaseline.allCases.filter { $0 != .logMelStatistics }.map(\.name)
        let shown = (details.answers ?? []).filter {
            !others.contains($0.system) && !$0.system.hasPrefix(ProbeRun.untrainedPrefix)
        }
        let systems = try shown.map { answers in
            let isRight = zip(answers.predictions, details.testLabels).map { predicted, label in
                details.classes.indices.contains(predicted) && details.classes[predicted] == label
            }
            let found = try reliability(confidences: answers.confidences, isRight: isRight)
            return (answers.system, found)
        }
        return systems.isEmpty ? nil : reliabilityChart(systems, yTitle: "Share that is right (%)")
    }

    private static func maps(
        of probe: ProbeFolder, _ details: ProbeFolder.Details
    ) throws -> Report.Section {
        let file = try Safetensors(contentsOf: probe.path + "/embeddings.safetensors")
        let numbers = Dictionary(
            uniqueKeysWithValues: details.classes.enumerated().map { ($1, $0) })
        // Encoders of one kind and seed are the same before they are trained.
        var drawn: [(systems: [String], vectors: [Float], width: Int)] = []
        for system in details.systems {
            guard let tensor = file.tensors[system], tensor.shape.count == 2, tensor.shape[0] > 4,
                tensor.shape[0] == details.testLabels.count
            else { continue }
            if let index = drawn.firstIndex(where: { $0.vectors == tensor.values }) {
                drawn[index].systems.append(system)
            } else {
                drawn.append(([system], tensor.values, tensor.shape[1]))
            }
        }
        let figures: [Report.Figure] = try drawn.map { systems, vectors, width in
            let map = try EmbeddingMap(
                points: standardized(vectors, width: width), count: details.testLabels.count)
            return Report.Figure(
                caption: systems.joined(separator: ", "),
                svg: ScatterMap(
                    title: systems[0], coordinates: map.coordinates,
                    classes: map.rows.map { numbers[details.testLabels[$0]] ?? 0 },
                    classNames: details.classes
                ).svg())
        }
        return Report.Section(
            "Maps of the test recordings",
            [
                .text([
                    "Each point is a recording; t-SNE of its standardised vector, which the probes see. "
                        + "Only what lies close together says something."
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
}

extension String {
    fileprivate var capitalizingFirstLetter: String { prefix(1).uppercased() + dropFirst() }
}
