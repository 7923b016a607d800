import ApusPretraining
import ApusSignal
import ApusTensor
import ArgumentParser
import Foundation

/// `apus doctor`: what there is on this machine, and what to install for what is missing.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Show libraries, versions, codecs, threads and accelerators.",
        discussion: """
            Example: apus doctor
            Exit code 69 where something that Apus needs is missing.
            """)

    /// Containers that the formats people bring need, by the name that libsndfile gives them.
    private static let wanted = [
        ("WAV", "WAV"), ("FLAC", "FLAC"), ("OGG", "Ogg Vorbis and Opus"), ("AIFF", "AIFF"),
        ("MPEG", "MP3"),
    ]

    func run() throws {
        Engine.start(threadCount: ProcessInfo.processInfo.activeProcessorCount)
        let formats = SoundFile.supportedFormats
        print("Apus        \(apusVersion)")
        print("libsndfile  \(SoundFile.libraryVersion)")
        print("FFTW        \(RealFFT.libraryVersion)")
        print("libsoxr     \(Waveform.resamplerVersion)")
        print("libtorch    \(Engine.libtorchVersion)")
        print("threads     \(Engine.threadCount)")
        let devices = Engine.cudaDeviceCount
        print(
            "CUDA        \(devices == 0 ? "no device; training runs on the processor" : "\(devices) devices")"
        )
        print(
            "collectives \(ProcessGroup.backends.joined(separator: ", ")), between the processes of "
                + "apus pretrain")
        print("formats     \(formats.joined(separator: ", "))")
        var isComplete = true
        for (key, name) in Self.wanted
        where !formats.contains(where: { $0.uppercased().contains(key) }) {
            isComplete = false
            Console.warning(
                "this libsndfile can't read \(name); install libsndfile1 1.1 or newer "
                    + "(apt-get install libsndfile1-dev)")
        }
        if !isComplete { throw ExitStatus.missingLibrary }
        print("everything that Apus needs is here")
    }
}
