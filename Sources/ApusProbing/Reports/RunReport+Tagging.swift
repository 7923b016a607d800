import ApusMetrics
import ApusReport
import Foundation

// What a report shows of a tagging run: the table, each tag's figures, ROC curves and reliability.
extension RunReport {
    static func sections(of run: TaggingFolder) throws -> [Report.Section] {
        let details = try run.details()
        let results = try Results(contentsOf: URL(fileURLWithPath: run.path + "/results.json"))
        let table = ResultsTable(results, className: "tag")
        let classes = ResultsTable.classes(results, of: details.bestSystem)
        return [
            Report.Section(
                "Audio tagging", [.table(table.reportTable())]),
            Report.Section("Each tag", [.table(classes.reportTable())]),
        ] + pairedTests(of: results) + [
            Report.Section(
                "Receiver operating characteristic",
                [
                    .chart(
                        .init(
                            caption:
                                "All pairs of a test recording and a tag together; the dashed line "
                                + "is chance.", svg: try characteristicChart(details).svg()))
                ]),
            Report.Section(
                "Reliability",
                [
                    .chart(
                        .init(
                            caption:
                                "How often a tag is there, by its probability, in ten bins; on the "
                                + "dashed line probabilities mean what they say. Behind the names "
                                + "the expected calibration error.",
                            svg: try reliabilityChart(details).svg()))
                ]),
        ]
    }

    private static func characteristicChart(
        _ details: TaggingFolder.Details
    ) throws -> LineChart {
        try characteristicChart(
            details.systems.map { system in
                let trials = try DetectionTrials(
                    scores: system.scores, isTarget: details.isPresent)
                return (system.name, trials.errorTradeoff(resolution: 0.01))
            }, words: ("False alarms", "Hits"))
    }

    private static func reliabilityChart(_ details: TaggingFolder.Details) throws -> LineChart {
        try reliabilityChart(
            details.systems.filter { isShown($0.name) }.map { system in
                let found = try reliability(
                    confidences: system.scores.map { min(1, max(0, Double($0))) },
                    isRight: details.isPresent)
                return (system.name, found)
            }, yTitle: "Share with the tag (%)")
    }
}
