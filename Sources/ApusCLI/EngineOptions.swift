import ApusTensor
import ArgumentParser
import Foundation

/// What a command computes with.
struct EngineOptions: ParsableArguments {
    @Option(help: "How many threads one operation may use; 0 for all cores.")
    var threads = 0
    @Option(help: "Where models run: cpu, cuda or cuda:N.")
    var device = Device.cpu

    /// Starts the tensor engine; call it before the first tensor.
    func start() throws {
        try Engine.use(device)
        Engine.start(
            threadCount: threads > 0 ? threads : ProcessInfo.processInfo.activeProcessorCount)
    }
}

extension Device: ExpressibleByArgument {}
