import ApusCorpus
import ApusPretraining
import ApusProbing
import ApusSignal
import ArgumentParser
import Foundation

/// `apus enroll`: speakers by a few recordings each, without training.
struct EnrollCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "enroll",
        abstract: "Enrol speakers by a few recordings each, without training.",
        discussion: """
            Examples: apus enroll runs/cpc/model.safetensors enrol.jsonl --dev dev.jsonl \\
                        -o speakers.safetensors
                      apus enroll runs/cpc/model.safetensors more.jsonl --add \\
                        -o speakers.safetensors

            Keeps the mean vector of each speaker of the manifest, and with --dev the thresholds from \
            which on apus identify takes nobody for a speaker. --add adds to the file that is there, \
            and fits nothing anew. MODEL may be a classifier.safetensors of apus train: its head's \
            embedding is taken.
            """)

    @Argument(help: "A model.safetensors, or a classifier.safetensors of apus train.")
    var model: String
    @Argument(help: "The manifest of the recordings, each with its speaker.")
    var manifest: String
    @Option(name: [.short, .customLong("output")], help: "The file of the speakers.")
    var output: String
    @Flag(help: "Add to the speakers that the file has.")
    var add = false
    @Option(help: "Labelled recordings that mean, LDA and PLDA are fitted to. Default: MANIFEST.")
    var train: String?
    @Option(help: "Recordings of enrolled speakers and strangers that thresholds are found on.")
    var dev: String?
    @Option(help: "The rates of false alarms to find thresholds for, separated by commas.")
    var falseAlarm = "0.01,0.05,0.1"
    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: "Set one option, such as scoring=plda or discriminantCount=20; may be repeated.")
    var settings: [String] = []
    @OptionGroup var engine: EngineOptions

    private func rates() throws -> [Double] {
        let rates = falseAlarm.split(separator: ",").map {
            Double($0.trimmingCharacters(in: .whitespaces)) ?? .nan
        }
        guard !rates.isEmpty, rates.allSatisfy({ (0..<1).contains($0) }) else {
            throw ValidationError(
                "--false-alarm is \(falseAlarm), expected numbers from 0 up to 1.")
        }
        return rates
    }

    func run() throws {
        let rates = try rates()
        if add, train != nil || !settings.isEmpty {
            throw ValidationError("--train and --set belong to a new file, not to --add.")
        }
        try engine.start()
        let options = try ConfigurationFile.resolve(EnrolmentOptions(), settings: settings)
        let recordings = try Manifest(contentsOf: manifest)
        var problems = 0
        func warn(_ problem: CorpusError) {
            problems += 1
            Console.warning("\(problem)")
        }
        let withoutSpeaker = recordings.cuts.count { $0.speaker == nil }
        if withoutSpeaker > 0 {
            Console.warning(
                "\(manifest): \(withoutSpeaker) of \(recordings.cuts.count) recordings name no speaker "
                    + "and are left out")
        }
        let gallery: SpeakerGallery
        if add {
            gallery = try SpeakerGallery(contentsOf: output)
            guard gallery.card.modelHash == (try ModelCard.TrainingData.hash(ofFile: model)) else {
                throw ProbingError.notAClassifier(
                    path: output, reason: "was made with another model than \(model)")
            }
            let hadThresholds = !gallery.card.thresholds.isEmpty
            try gallery.add(recordings, problem: warn)
            if hadThresholds, dev == nil {
                Console.warning(
                    "\(output): its thresholds are gone, as they were found without the new "
                        + "speakers; name --dev to find new ones")
            }
        } else {
            gallery = try SpeakerGallery(
                modelPath: model, enrolling: recordings,
                background: try train.map { try Manifest(contentsOf: $0) }, options: options,
                problem: warn)
        }
        if let dev {
            try gallery.calibrate(
                on: Manifest(contentsOf: dev), falseAlarmRates: rates, problem: warn)
        }
        // Of those that the file had before, too.
        LabelSpellings(gallery.card.speakers + recordings.cuts.compactMap(\.speaker))
            .warnings(plural: "speakers").forEach { Console.warning("\(output): \($0)") }
        try writeAtomically(gallery.encoded(), to: output)
        print(
            "\(output): \(gallery.card.speakers.count) speakers, "
                + "\(gallery.card.counts.reduce(0, +)) recordings")
        for threshold in gallery.card.thresholds {
            print(
                String(
                    format: "%g %% of false alarms: threshold %.4f, %.1f %% identified",
                    100 * threshold.falseAlarmRate, threshold.value,
                    100 * threshold.identificationRate))
        }
        if !gallery.card.origin.isEmpty { print("on \(gallery.card.origin)") }
        if problems > 0 {
            Console.error("\(problems) recordings could not be used")
            throw ExitStatus.badData
        }
    }
}
