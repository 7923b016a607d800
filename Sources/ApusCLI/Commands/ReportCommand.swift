import ApusProbing
import ArgumentParser
import Foundation

/// `apus report`: one page on some runs, which opens offline.
struct ReportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Write one HTML page with curves, tables, spectrograms, confusions and maps.",
        discussion: """
            Example: apus report runs/probe runs/cpc -o report.html
            The page needs no network and no other file.
            """)

    @Argument(help: "Folders that apus pretrain, apus probe or apus verify wrote.")
    var runs: [String]
    @Option(name: [.short, .customLong("output")], help: "The page's file.")
    var output: String
    @Option(help: "The page's title.")
    var title = "Apus"

    func run() throws {
        let page = try RunReport(folders: runs).page(title: title)
        try page.write(to: URL(fileURLWithPath: output))
        print(output)
    }
}
