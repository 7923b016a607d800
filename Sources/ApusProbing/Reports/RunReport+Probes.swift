import ApusCorpus
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
            Report.Section(heading(of: results.task), [.table(table.reportTable())])
        ]
        sections += pairedTests(of: results)
        if let chart = fewLabelChart(results, className: details.className) {
            sections.append(
                Report.Section(
                    "Few labels",
                    [
                        .chart(
                            .init(
                                caption:
                                    "Accuracy on the test recordings with 95 % intervals; where "
                                    + "labels are few, the mean over subsets.", svg: chart.svg()))
                    ]))
        }
        let amount = ", with the most labels"
        sections += classSections(
            of: details.bestSystem, className: details.className, classes: details.classes,
            confusion: details.confusion, amount: amount, results)
        let numbers = Dictionary(
            uniqueKeysWithValues: details.classes.enumerated().map { ($1, $0) })
        if let section = try reliabilitySection(
            (details.answers ?? []).filter { isShown($0.system) },
            // A label that isn't among the classes is never answered.
            targets: details.testLabels.map { numbers[$0] ?? -1 }, amount: amount)
        {
            sections.append(section)
        }
        if let curves = details.openSet { sections.append(openSetSection(curves)) }
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
                name: systems[0], caption: systems.joined(separator: ", "),
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
