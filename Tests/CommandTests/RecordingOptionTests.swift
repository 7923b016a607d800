import ApusSignal
import Foundation
import TestSupport
import Testing

extension Commands {
    /// Ways to recordings other than a file that says its own format.
    @Suite struct RecordingOptions {
        @Test func standardInputIsAFileOfAnyFormat() throws {
            let folder = try TemporaryFolder()
            let outcome = try BuiltCommand.run(
                ["features", "-", "-o", folder.path + "/a.npy"], input: voice)
            #expect(outcome.status == 0, "\(outcome.error)")
            #expect(
                try BuiltCommand.run(["features", voice, "-o", folder.path + "/b.npy"]).status == 0)
            #expect(
                try NumPyFile.read(folder.path + "/a.npy")
                    == NumPyFile.read(folder.path + "/b.npy"))
            let picture = try BuiltCommand.run(
                ["features", "-", "-o", folder.path + "/a.png"], input: voice)
            #expect(picture.status == 0, "\(picture.error)")
        }

        @Test func standardInputWithNothingInIt() throws {
            let folder = try TemporaryFolder()
            let outcome = try BuiltCommand.run(["features", "-", "-o", folder.path + "/a.npy"])
            #expect(outcome.status == 65)
            #expect(outcome.error.contains("standard input"), "\(outcome.error)")
            let many = try BuiltCommand.run(
                ["features", "-", "-o", folder.path + "/out"], input: voice)
            #expect(many.status == 64)
        }

        @Test func rawSamplesAreWhatTheirFormatSays() throws {
            let folder = try TemporaryFolder()
            let samples = (0..<8000).map { Int16(12000 * sin(Double($0) * 0.05)) }
            let bytes = samples.withUnsafeBytes { Data($0) }
            let path = try folder.write(bytes, "a.raw")
            let arguments = ["features", "--raw", "s16le:8000:1", "-o", folder.path + "/a.npy"]
            #expect(try BuiltCommand.run(arguments + [path]).status == 0)
            let expected = try FeatureExtractor(.kaldi)(
                Waveform(samples: samples.map { Float($0) / 32768 }, sampleRate: 8000))
            #expect(try NumPyFile.read(folder.path + "/a.npy").values == expected.values)
            #expect(try BuiltCommand.run(arguments + ["-"], input: path).status == 0)
            #expect(try NumPyFile.read(folder.path + "/a.npy").values == expected.values)
            let odd = try folder.write(bytes.dropLast(), "odd.raw")
            let cut = try BuiltCommand.run(arguments + [odd])
            #expect(cut.status == 65)
            #expect(cut.error.contains(odd))
            let bad = try BuiltCommand.run([
                "features", "--raw", "s17le:8000:1", path, "-o", folder.path + "/a.npy",
            ])
            #expect(bad.status == 64)
            #expect(bad.error.contains("s17"), "\(bad.error)")
        }

        @Test func channelsAreTakenApart() throws {
            let folder = try TemporaryFolder()
            let left = Waveform(samples: ramp(0.01), sampleRate: 16000)
            let right = Waveform(samples: ramp(0.03), sampleRate: 16000)
            try [left, right].write(to: folder.path + "/two.wav", format: .wavFloat)
            let all = try BuiltCommand.run([
                "features", folder.path + "/two.wav", "--channels", "all", "-o",
                folder.path + "/out",
            ])
            #expect(all.status == 0, "\(all.error)")
            for (channel, waveform) in [left, right].enumerated() {
                let found = try NumPyFile.read("\(folder.path)/out/two.wav#\(channel).npy")
                #expect(try found.values == FeatureExtractor(.kaldi)(waveform).values)
            }
            let one = try BuiltCommand.run([
                "features", folder.path + "/two.wav", "--channels", "1", "-o",
                folder.path + "/one.npy",
            ])
            #expect(one.status == 0)
            #expect(
                try NumPyFile.read(folder.path + "/one.npy").values
                    == FeatureExtractor(.kaldi)(right).values)
            let none = try BuiltCommand.run([
                "features", folder.path + "/two.wav", "--channels", "2", "-o",
                folder.path + "/none.npy",
            ])
            #expect(none.status == 65)
            #expect(none.error.contains("no channel 2"), "\(none.error)")
        }

        @Test func longRecordingsAreMadeBlockByBlock() throws {
            let folder = try TemporaryFolder()
            // Eleven minutes at a low rate, silent but for its start.
            var samples = [Float](repeating: 0, count: 11 * 60 * 8000)
            samples.replaceSubrange(0..<8000, with: ramp(0.02, count: 8000))
            let waveform = Waveform(samples: samples, sampleRate: 8000)
            try waveform.write(to: folder.path + "/long.flac", format: .flac16)
            let expected = try FeatureExtractor(.speechbrain)(
                Waveform(contentsOf: folder.path + "/long.flac"))
            for output in ["long.npy", "long.npz", "long.ark", "folder"] {
                let outcome = try BuiltCommand.run([
                    "features", folder.path + "/long.flac", "--front-end", "speechbrain", "-o",
                    "\(folder.path)/\(output)",
                ])
                #expect(outcome.status == 0, "\(outcome.error)")
                #expect(outcome.output.contains("\(expected.frameCount) x 40"))
            }
            #expect(try NumPyFile.read(folder.path + "/long.npy").values == expected.values)
            #expect(
                try NumPyFile.read(folder.path + "/folder/long.npy").values == expected.values)
            let archive = try NumPyArchive(contentsOf: folder.path + "/long.npz")
            #expect(try archive.read("long").values == expected.values)
            let script = try KaldiScript(contentsOf: folder.path + "/long.scp")
            #expect(try script.read("long") == .matrix(expected))
        }

        @Test func corpusStatisticsAreMeasuredAndKept() throws {
            let folder = try TemporaryFolder()
            let arguments = [
                "features", sample("voices/en-gb"), "--set", "stacking.right=1", "--statistics",
                folder.path + "/s.json", "-o", folder.path + "/out",
            ]
            let outcome = try BuiltCommand.run(arguments)
            #expect(outcome.status == 0, "\(outcome.error)")
            let statistics = try JSONDecoder().decode(
                FeatureStatistics.self,
                from: Data(contentsOf: URL(fileURLWithPath: folder.path + "/s.json")))
            #expect(statistics.mean.count == 80)
            let names = (1...8).map { "\(folder.path)/out/0\($0).npy" }
            let values = try names.flatMap { try NumPyFile.read($0).values }
            #expect(abs(values.reduce(0, +) / Float(values.count)) < 0.05)
            // The same file serves other recordings.
            let other = try BuiltCommand.run([
                "features", voice, "--statistics", folder.path + "/s.json", "-o",
                folder.path + "/one.npy",
            ])
            #expect(other.status == 0)
            var frontEnd = FrontEnd.kaldi
            frontEnd.normalization = .corpus(statistics)
            let expected = try FeatureExtractor(frontEnd)(
                Waveform(contentsOf: voice, sampleRate: 16000))
            #expect(try NumPyFile.read(folder.path + "/one.npy").values == expected.values)
            let misfit = try BuiltCommand.run([
                "features", voice, "--set", "melBandCount=40", "--statistics",
                folder.path + "/s.json", "-o", folder.path + "/two.npy",
            ])
            #expect(misfit.status == 64)
            #expect(misfit.error.contains("statistics: expected means"), "\(misfit.error)")
            let bad = try folder.write("{}", "bad.json")
            let unreadable = try BuiltCommand.run([
                "features", voice, "--statistics", bad, "-o", folder.path + "/two.npy",
            ])
            #expect(unreadable.status == 65 || unreadable.status == 66)
            #expect(unreadable.error.contains(bad))
        }

        @Test func speechMasksLieBesideTheFeatures() throws {
            let folder = try TemporaryFolder()
            let outcome = try BuiltCommand.run([
                "features", voice, "--speech-mask", "-o", folder.path + "/out",
            ])
            #expect(outcome.status == 0, "\(outcome.error)")
            let features = try NumPyFile.read(folder.path + "/out/01.npy")
            let mask = try NumPyFile.read(folder.path + "/out/01.speech.npy")
            #expect(mask.shape == [features.shape[0]])
            let expected = try SpeechActivity().mask(
                of: Waveform(contentsOf: voice, sampleRate: 16000), frontEnd: .kaldi)
            #expect(mask.values == expected.map { $0 ? 1 : 0 })
            #expect(Set(mask.values) == [0, 1])
        }

        @Test(arguments: FrontEnd.presetNames)
        func everyPresetExplainsItself(preset: String) throws {
            let outcome = try BuiltCommand.run(["features", "--explain", "--front-end", preset])
            #expect(outcome.status == 0)
            let folder = try TemporaryFolder()
            // What is printed can be given back, one option at a time.
            let lines = outcome.output.split(separator: "\n").filter {
                !$0.hasPrefix("#") && !$0.hasPrefix(" ") && $0.contains(": ")
            }
            let settings = lines.flatMap { line -> [String] in
                let parts = line.split(separator: ":", maxSplits: 1)
                let value = parts[1].trimmingCharacters(in: .whitespaces)
                return ["--set", "\(parts[0])=\(value)"]
            }
            let again = try BuiltCommand.run(["features", "--explain"] + settings)
            #expect(again.output == outcome.output, "\(again.error)")
            let made = try BuiltCommand.run([
                "features", voice, "--front-end", preset, "-o", folder.path + "/a.npy",
            ])
            #expect(made.status == 0, "\(made.error)")
        }

        @Test func wordsThatAreNoneAreAnsweredWithThoseThatAre() throws {
            let window = try BuiltCommand.run(["features", "--explain", "--set", "window=hanning"])
            #expect(window.status == 64)
            #expect(window.error.contains("povey, hann, hamming"), "\(window.error)")
            let pcen = try BuiltCommand.run([
                "features", "--explain", "--set", "log=none", "--set", "pcen={gian: 1}",
            ])
            #expect(pcen.status == 64)
            #expect(pcen.error.contains("gian"))
        }

        private func ramp(_ step: Double, count: Int = 16000) -> [Float] {
            (0..<count).map { Float(0.4 * sin(step * Double($0) * (1 + Double($0) / 40000))) }
        }
    }
}
