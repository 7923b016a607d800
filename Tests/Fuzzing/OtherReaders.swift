import ApusNN
import ApusSignal
import Foundation

/// Reads a file as a NumPy array.
func readNumPyFile(_ path: String) throws {
    let array = try NumPyFile.read(path)
    check(array.shape.reduce(1, *) == array.values.count, "the shape is another")
}

/// Reads a file as an archive of NumPy arrays.
func readNumPyArchive(_ path: String) throws {
    let archive = try NumPyArchive(contentsOf: path)
    for name in archive.names {
        let array = try archive.read(name)
        check(array.shape.reduce(1, *) == array.values.count, "the shape is another")
    }
}

/// Reads a file as a Kaldi archive.
func readKaldiArchive(_ path: String) throws {
    let reader = try KaldiArchiveReader(path: path)
    while let (key, value) = try reader.next() {
        check(!key.isEmpty, "a record without a key")
        if let features = value.features {
            check(
                features.values.count == features.frameCount * features.featureCount,
                "the shape is another")
        }
    }
}

/// Reads a file as a list of places, and not what is there: that may be any file.
func readKaldiScript(_ path: String) throws {
    for (key, location) in try KaldiScript(contentsOf: path).entries {
        check(!key.isEmpty, "an entry without a key")
        check(KaldiLocation(location.description) == location, "another place: \(location)")
    }
}

/// Reads a file as weights: as a checkpoint of PyTorch where it looks like one, else as safetensors.
func readWeights(_ path: String) throws {
    do {
        let tensors: [String: TensorValues]
        if TorchCheckpoint.looksLike(path) {
            let checkpoint = try TorchCheckpoint(contentsOf: path)
            tensors = try checkpoint.values(of: checkpoint.content.tensors)
        } else {
            let file = try Safetensors(contentsOf: path)
            tensors = file.tensors
            check(try !file.encoded().isEmpty, "what was read can't be written")
        }
        check(
            tensors.values.allSatisfy { $0.shape.reduce(1, *) == $0.values.count },
            "the shape is another")
    } catch let error as NNError {
        check(error.description.hasPrefix(path), "no path: \(error)")
    }
}

/// Reads a front end, and computes features with it where they are no great work.
func readFrontEnd(_ content: Data) {
    guard let frontEnd = try? JSONDecoder().decode(FrontEnd.self, from: content) else { return }
    do {
        try frontEnd.validate()
        guard frontEnd.sampleRate <= 48000, frontEnd.transformLength <= 8192,
            frontEnd.melBandCount <= 256, frontEnd.featureCount <= 4096
        else { return }
        let samples = (0..<2000).map { Float($0 * 7919 % 1000) / 1000 - 0.5 }
        let waveform = Waveform(samples: samples, sampleRate: frontEnd.sampleRate)
        let features = try FeatureExtractor(frontEnd)(waveform, ditherSeed: 1)
        check(features.values.allSatisfy(\.isFinite), "features that are no numbers")
        let data = try JSONEncoder().encode(frontEnd)
        let again = try JSONDecoder().decode(FrontEnd.self, from: data)
        check(again == frontEnd, "another front end is read than was written")
    } catch is SignalError {
    } catch {
        fatalError("an error of another type: \(error)")
    }
}
