import ApusSignal
import Foundation
import Testing

/// Inputs that fuzzing found: each reached code that no other did, or failed once.
///
/// They come from `Tests/Fuzzing/run.sh`. Every reader is given every one.
@Suite struct FuzzedFileTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("Fuzzed").path
    private static let names =
        (try? FileManager.default.contentsOfDirectory(atPath: folder).sorted()) ?? []
    private static let frontEnds = FrontEnd.presetNames.compactMap(FrontEnd.preset)

    /// Runs a body that may throw nothing but an error that names the file.
    private func attempt(_ path: String, _ body: () throws -> Void) {
        do {
            try body()
        } catch let error as SignalError {
            #expect(error.description.hasPrefix(path))
        } catch {
            Issue.record("an error of another type: \(error)")
        }
    }

    @Test func thereAreInputs() {
        #expect(Self.names.count > 20)
    }

    @Test(arguments: names)
    func soundIsFiniteFeaturesOrAnError(name: String) {
        let path = "\(Self.folder)/\(name)"
        let raw = RawFormat(encoding: .float32, sampleRate: 16000, channelCount: 2)
        for format in [nil, raw] {
            for frontEnd in Self.frontEnds {
                attempt(path) {
                    let file = try SoundFile(path: path, raw: format)
                    // Compressed silence can last for days.
                    let duration = file.duration > 1 ? 1.0 : nil
                    let reader = try FeatureReader(file, frontEnd, duration: duration)
                    var frameCount = 0
                    while let block = try reader.next() {
                        #expect(block.values.allSatisfy { $0.isFinite })
                        frameCount += block.frameCount
                    }
                    #expect(frameCount == reader.frameCount)
                }
            }
            attempt(path) {
                let file = try SoundFile(path: path, raw: format)
                let count = min(file.frameCount, file.sampleRate, 400_000)
                let waveform = try file.read(count: count)
                #expect(waveform.samples.count == count)
                #expect(waveform.samples.allSatisfy { $0.isFinite })
                #expect(try file.readAllChannels(count: count).count == file.channelCount)
            }
        }
    }

    @Test(arguments: names)
    func arraysAndArchivesAreReadOrAnError(name: String) {
        let path = "\(Self.folder)/\(name)"
        attempt(path) {
            let array = try NumPyFile.read(path)
            #expect(array.shape.reduce(1, *) == array.values.count)
        }
        attempt(path) {
            let archive = try NumPyArchive(contentsOf: path)
            for name in archive.names { attempt(path) { _ = try archive.read(name) } }
        }
        attempt(path) {
            let archive = try KaldiArchiveReader(path: path)
            while let record = try archive.next() { #expect(!record.key.isEmpty) }
        }
        attempt(path) {
            for entry in try KaldiScript(contentsOf: path).entries { #expect(!entry.key.isEmpty) }
        }
    }

    @Test(arguments: names)
    func frontEndsComputeOrAreRefused(name: String) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: "\(Self.folder)/\(name)"))
        guard let frontEnd = try? JSONDecoder().decode(FrontEnd.self, from: data) else { return }
        do {
            try frontEnd.validate()
            let isSmall =
                frontEnd.sampleRate <= 48000 && frontEnd.transformLength <= 8192
                && frontEnd.melBandCount <= 256 && frontEnd.featureCount <= 4096
            guard isSmall else { return }
            let waveform = Waveform(samples: noise(count: 2000), sampleRate: frontEnd.sampleRate)
            #expect(try FeatureExtractor(frontEnd)(waveform).values.allSatisfy { $0.isFinite })
        } catch {
            #expect(error is SignalError)
        }
    }
}
