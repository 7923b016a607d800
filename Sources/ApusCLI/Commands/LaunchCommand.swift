import ApusTensor
import ArgumentParser
import Foundation

/// `apus launch`: several processes on this machine that train one model.
struct LaunchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "launch",
        abstract: "Start several processes on this machine that train one model together.",
        discussion: """
            Example: apus launch --processes 2 -- pretrain conf.yaml --set threads=8 -o runs/cpc

            Sets the variables that torchrun sets (RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, \
            MASTER_ADDR, MASTER_PORT) and puts each process's rank before its lines. SIGINT and \
            SIGTERM are passed on. Where a process fails, the others are stopped, and the exit code \
            is that of the first that failed, 128 and the signal where one ended it. \
            Several machines have starters of their own, which apus pretrain understands: torchrun, \
            Slurm's srun and Open MPI's mpirun.
            """)

    @Option(help: "How many processes.")
    var processes: Int
    @Option(help: "The port on this machine where they meet; a free one by default.")
    var port: Int?
    @Option(help: "The seconds that processes have to end in once one has failed.")
    var grace = 30.0
    @Argument(parsing: .postTerminator, help: "The command, pretrain, and what belongs to it.")
    var command: [String] = []

    func validate() throws {
        guard (1...1024).contains(processes) else {
            throw ValidationError("--processes is \(processes), expected 1 to 1024")
        }
        guard port.map({ (1...65535).contains($0) }) ?? true else {
            throw ValidationError("--port is \(port ?? 0), expected 1 to 65535")
        }
        guard grace >= 0, grace.isFinite else {
            throw ValidationError("--grace is \(grace), expected 0 or more")
        }
        guard command.first == "pretrain" else {
            throw ValidationError(
                "Name the command behind two dashes: apus launch --processes N -- pretrain ...")
        }
    }

    func run() throws {
        let launcher = Launcher(command, count: processes, grace: grace)
        let code = try launcher.run(port: try port ?? freePort())
        if code != 0 { throw ExitCode(code) }
    }
}
