import ApusProbing
import ArgumentParser
import Foundation

/// `apus report`: one page on some runs, which opens offline.
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Write one HTML page with curves, tables, spectrograms, confusions and maps.",
        discussion: """
            Example: apus report runs/probe runs/cpc -o report.html --figures figures
            The page needs no network and no other file. --figures writes its charts (.svg) and \
            pictures (.png) as files too, for papers and slides.
            """)

    @Argument(help: "Folders that apus pretrain, probe, verify or train wrote.")
    var runs: [String]
    @Option(name: [.short, .customLong("output")], help: "The page's file.")
    var output: String
    @Option(help: "A folder for each chart and picture of the page as a file of its own.")
    var figures: String?
    @Option(help: "The page's title.")
    var title = "Apus"

    func run() throws {
        let page = try RunReport(folders: runs).page(title: title)
        if let figures { try Inputs.makeFolder(figures) }
        try page.write(to: URL(fileURLWithPath: output))
        print(output)
        guard let figures else { return }
        let written = try page.writeFigures(toFolder: figures)
        print("\(figures): \(written.count) figures")
    }
}
