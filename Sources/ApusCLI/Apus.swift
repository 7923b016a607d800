import ApusPretraining
import ArgumentParser
import Foundation

/// The command `apus`.
@main
struct Apus: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apus",
        abstract: "Self-supervised learning from recordings without labels.",
        discussion: """
            A first look, with a network:     recipes/quickstart/run.sh \
            The same without one:             recipes/quickstart/run.sh --mini

            Results go to standard output, progress and warnings to standard error. \
            Exit codes: 0 done, 64 usage, 65 bad data, 66 missing input, 69 a missing library or \
            device, 70 a fault of ours, 73 cannot write.
            """,
        version: apusVersion,
        subcommands: [
            DoctorCommand.self, PrepareCommand.self, PackCommand.self, CheckCommand.self,
            FeaturesCommand.self, UnitsCommand.self, PretrainCommand.self, LaunchCommand.self,
            TrainCommand.self, CostCommand.self, EmbedCommand.self, MergeCommand.self,
            SearchCommand.self, CacheCommand.self, ProbeCommand.self, TrialsCommand.self,
            VerifyCommand.self, ClassifyCommand.self, DetectCommand.self, EnrollCommand.self,
            IdentifyCommand.self, CompareCommand.self, ImportCommand.self, ExportCommand.self,
            ReportCommand.self,
            InfoCommand.self,
        ])

    static func main() {
        do {
            var command = try parseAsRoot()
            try command.run()
            // Output that didn't arrive, as on a full disk, is not success.
            guard fflush(nil) == 0 else {
                Console.error("standard output: \(String(cString: strerror(errno)))")
                Foundation.exit(ExitStatus.cannotWrite.rawValue)
            }
        } catch {
            exit(reporting: error)
        }
    }
}
