import ApusPretraining
import ApusReport
import Foundation

/// The page that shows pretraining, training, probe, tagging, detection and verification runs: curves,
/// tables, pictures, confusions and maps.
public struct RunReport {
    private let folders: [String]

    /// A report on some runs.
    ///
    /// - Parameter folders: Folders that `apus pretrain`, `probe`, `verify` or `train` wrote.
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
        var verifications: [VerificationFolder] = []
        var taggings: [TaggingFolder] = []
        var detections: [DetectionFolder] = []
        var trainings: [ClassifierFolder] = []
        for folder in folders {
            guard FileManager.default.fileExists(atPath: folder) else {
                throw PretrainingError.missingFile(path: folder)
            }
            let probe = ProbeFolder(path: folder)
            if let run = PretrainingRun(folder: folder) {
                pretrained.append(run)
            } else if probe.isPresent {
                probes.append(probe)
            } else if VerificationFolder(path: folder).isPresent {
                verifications.append(VerificationFolder(path: folder))
            } else if TaggingFolder(path: folder).isPresent {
                taggings.append(TaggingFolder(path: folder))
            } else if DetectionFolder(path: folder).isPresent {
                detections.append(DetectionFolder(path: folder))
            } else if ClassifierFolder(path: folder).isPresent {
                trainings.append(ClassifierFolder(path: folder))
            } else {
                throw ReportError.cannotRead(
                    path: folder,
                    reason: "it holds none of metrics.jsonl, probe.json, tagging.json, "
                        + "detection.json, verification.json and classification.json of a run")
            }
        }
        var sections: [Report.Section] = []
        // Several evaluations have sections of the same names.
        let namesRuns =
            probes.count + taggings.count + detections.count + verifications.count
            + trainings.count > 1
        func add(_ added: [Report.Section], of folder: String) {
            let name = (folder as NSString).lastPathComponent
            sections += added.map {
                namesRuns ? Report.Section("\(name): \($0.heading)", $0.content) : $0
            }
        }
        for run in probes { add(try Self.sections(of: run), of: run.path) }
        for run in taggings { add(try Self.sections(of: run), of: run.path) }
        for run in detections { add(try Self.sections(of: run), of: run.path) }
        for run in verifications { add(try Self.sections(of: run), of: run.path) }
        for run in trainings { add(try Self.sections(of: run), of: run.path) }
        sections += Self.sections(of: pretrained)
        sections.append(Self.provenance(of: folders))
        return Report(
            title: title,
            subtitle: folders.map { ($0 as NSString).lastPathComponent }
                .joined(separator: ", "), sections: sections)
    }

    /// A run's paired tests, where it has any.
    static func pairedTests(of results: Results) -> [Report.Section] {
        ResultsTable.pairedTests(of: results).map {
            [Report.Section("Paired tests", [.table($0.reportTable())])]
        } ?? []
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
