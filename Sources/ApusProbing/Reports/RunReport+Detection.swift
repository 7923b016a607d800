import ApusReport
import Foundation

// What a report shows of a detection run: the table and each label's figures.
extension RunReport {
    static func sections(of run: DetectionFolder) throws -> [Report.Section] {
        let results = try Results(contentsOf: URL(fileURLWithPath: run.path + "/results.json"))
        let details = try run.details()
        let table = ResultsTable(results, className: "label", notes: details.notes)
        let classes = ResultsTable.classes(results, of: details.bestSystem)
        return [
            Report.Section(
                "Sound events", [.table(table.reportTable())]),
            Report.Section("Each label", [.table(classes.reportTable())]),
        ]
    }
}
