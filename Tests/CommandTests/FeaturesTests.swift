import ApusSignal
import Foundation
import Testing

extension Commands {
    @Suite struct Features {
        @Test func anArrayHoldsWhatTheLibraryComputes() throws {
            let folder = try TemporaryFolder()
            let path = folder.path + "/clip.npy"
            let outcome = try BuiltCommand.run(["features", voice, "-o", path])
            #expect(outcome.status == 0, "\(outcome.error)")
            let array = try NumPyFile.read(path)
            let expected = try FeatureExtractor(.kaldi)(
                Waveform(contentsOf: voice, sampleRate: 16_000))
            #expect(array.shape == [expected.frameCount, 80])
            #expect(array.values == expected.values)
        }

        @Test func aPictureIsAPNG() throws {
            let folder = try TemporaryFolder()
            let path = folder.path + "/clip.png"
            #expect(try BuiltCommand.run(["features", voice, "-o", path]).status == 0)
            let data = try Data(contentsOf: URL(fileURLWithPath: path))
            #expect(data.starts(with: [0x89, 0x50, 0x4E, 0x47]))
            #expect(data.count > 5000)
        }

        @Test func aFolderGivesAFileEach() throws {
            let folder = try TemporaryFolder()
            let outcome = try BuiltCommand.run([
                "features", sample("voices/en-gb"), "--set", "melBandCount=40", "-o",
                folder.path + "/out",
            ])
            #expect(outcome.status == 0)
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/out")
            #expect(names.count == 8)
            #expect(try NumPyFile.read("\(folder.path)/out/\(names[0])").shape[1] == 40)
        }

        @Test func anUnknownOptionNamesTheNearest() throws {
            let outcome = try BuiltCommand.run(["features", "--explain", "--set", "melBandCont=40"])
            #expect(outcome.status == 64)
            #expect(outcome.error.contains("'melBandCont'"))
            #expect(outcome.error.contains("'melBandCount'"))
            let explained = try BuiltCommand.run(["features", "--explain"])
            #expect(explained.output.contains("preEmphasis: 0.97"))
        }

        @Test func oneBadFileLeavesTheOthers() throws {
            let folder = try TemporaryFolder()
            let good = try folder.file("good.wav", WAV.tone(300, seconds: 0.3))
            let bad = try folder.file("bad.wav", "text")
            let outcome = try BuiltCommand.run([
                "features", bad, good, "-o", folder.path + "/out",
            ])
            #expect(outcome.status == 65)
            #expect(outcome.error.contains(bad))
            #expect(outcome.error.contains("1 of 2"))
            #expect(FileManager.default.fileExists(atPath: folder.path + "/out/good.npy"))
        }
    }
}
