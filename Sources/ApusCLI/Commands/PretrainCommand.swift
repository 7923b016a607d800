import ApusPretraining
import ApusTensor
import ArgumentParser
import Foundation

/// `apus pretrain`: an encoder from recordings without labels.
struct PretrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pretrain",
        abstract: "Train an encoder without labels; continues by itself where a run was cut off.",
        discussion: """
            Examples: apus pretrain recipes/quickstart/conf/cpc.yaml \\
                        --set data.manifest=data/train.jsonl -o runs/cpc
                      apus pretrain --from runs/cpc/model.safetensors \\
                        --set data.manifest=mine/train.jsonl -o runs/adapted

            Writes config.yaml, provenance.json, metrics.jsonl, a TensorBoard event file, \
            checkpoints/ and model.safetensors into the run's folder. A step's draws depend on the \
            seed and the step alone: the same seed gives the same weights, interrupted or not. \
            --from trains a model on, on other recordings: objective, front end and normalisation are \
            the model's unless they are set anew; it has to have every weight of the objective. \
            SIGINT (Ctrl-C) and SIGTERM end the run after a checkpoint of the step at hand. \
            Processes that torchrun, Slurm's srun, Open MPI's mpirun or apus launch start together \
            share each batch and train one model, that of one process with the same batches; where \
            one is lost, the others end with exit code 69, and the same command continues. \
            apus pretrain --print-defaults shows every option.
            """)

    @Argument(help: "A YAML file of options; what it leaves out keeps its default.")
    var config: String?
    @Option(name: [.short, .customLong("output")], help: "The run's folder.")
    var output: String?
    @Option(help: "A model.safetensors whose training is taken up, on other recordings.")
    var from: String?
    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: "Set one option, such as optimizer.rate=2e-3; may be repeated.")
    var settings: [String] = []
    @Flag(help: "Print every option with its default as YAML, and end.")
    var printDefaults = false

    func run() throws {
        if printDefaults {
            print(try ConfigurationFile.text(of: PretrainingConfiguration()), terminator: "")
            return
        }
        guard let output else { throw ValidationError("Name the run's folder: -o RUN") }
        let defaults =
            try from.map { .continuing(try PretrainedModel(contentsOf: $0)) }
            ?? PretrainingConfiguration()
        let configuration = try ConfigurationFile.resolve(
            defaults, file: config, settings: settings)
        let processes = try ProcessPlace(environment: ProcessInfo.processInfo.environment).map {
            try ProcessGroup(
                $0, timeout: configuration.distributed.timeout,
                joining: configuration.distributed.joiningTimeout)
        }
        var progress: ProgressDisplay?
        let pretrainer = try Pretrainer(
            configuration, folder: output, source: config ?? "--set", processes: processes
        ) { event in
            switch event {
            case .message(let text): Console.message(text)
            case .warning(let text): Console.warning(text)
            case .progress(let now):
                let display = progress ?? ProgressDisplay(total: now.steps, unit: "steps")
                progress = display
                // A run that time ends knows its steps by its pace alone.
                display.total = now.steps
                display.update(
                    now.step,
                    String(format: "loss %.4f  %.2f steps/s", now.loss, now.stepsPerSecond))
            }
        }
        let signals = pretrainer.stopRequest.stops(on: [SIGINT, SIGTERM])
        defer { signals.forEach { $0.cancel() } }
        let summary = try pretrainer.run()
        try processes?.close()
        guard processes?.isFirst ?? true else { return }
        guard summary.end != nil else {
            print("\(output): stopped after step \(summary.steps); the same command continues")
            return
        }
        print(
            "\(summary.modelPath): \(summary.steps) steps in "
                + String(
                    format: "%.1f s, loss %.4f, %.0f h of audio an hour, waiting for data %.2f %%",
                    summary.trainingSeconds, summary.loss, summary.audioHoursPerHour,
                    100 * summary.waitingShare))
        if summary.end == .earlyStopping {
            print("ended early: the loss on the held-out recordings no longer improved")
        }
        if let loss = summary.bestValidationLoss {
            print(
                "\(output)/best.safetensors: loss "
                    + String(format: "%.4f", loss) + " on the held-out recordings")
        }
        if summary.skippedSteps > 0 {
            print("steps skipped without a finite loss: \(summary.skippedSteps)")
        }
        if summary.problemCount > 0 {
            print("recordings left out: \(summary.problemCount)")
            throw ExitStatus.badData
        }
    }
}
