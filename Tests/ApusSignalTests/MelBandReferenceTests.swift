import ApusSignal
import Foundation
import Testing

/// Mel bands against librosa's.
@Suite struct LibrosaMelBandTests {
    struct Parameters: Decodable {
        let sampleRate: Int
        let fftLength: Int
        let bandCount: Int
        let lowFrequency: Double
        let highFrequency: Double?
        let usesHTK: Bool
        let normalization: String?

        /// librosa's names.
        enum CodingKeys: String, CodingKey {
            case sampleRate = "sr"
            case fftLength = "n_fft"
            case bandCount = "n_mels"
            case lowFrequency = "fmin"
            case highFrequency = "fmax"
            case usesHTK = "htk"
            case normalization = "norm"
        }
    }

    @Test func bandsAgree() throws {
        let file = try Data(
            contentsOf: URL(fileURLWithPath: "\(references)/cases-librosa-mel.json"))
        let sets = try JSONDecoder().decode([Parameters].self, from: file)
        #expect(sets.count >= 12)
        let row = try NumPyFile.read("\(references)/librosa-mel-bands.npy").values
        var next = 0
        for set in sets {
            let bank = MelFilterBank(
                bandCount: set.bandCount, fftLength: set.fftLength, sampleRate: set.sampleRate,
                lowFrequency: set.lowFrequency,
                highFrequency: set.highFrequency ?? Double(set.sampleRate) / 2,
                scale: set.usesHTK ? .htk : .slaney, triangle: .linearInHertz,
                normalization: set.normalization == nil ? .none : .slaney)
            for band in 0..<set.bandCount {
                let (first, count) = (Int(row[next]), Int(row[next + 1]))
                var expected = [Float](repeating: 0, count: set.fftLength / 2 + 1)
                expected.replaceSubrange(
                    first..<first + count, with: row[(next + 2)..<(next + 2 + count)])
                next += 2 + count
                let weights = bank.weights(band: band)
                let scale = expected.max() ?? 0
                #expect(weights.count == expected.count)
                #expect(
                    largestDifference(weights, expected) <= 1e-6 * scale + 1e-12,
                    "\(set), band \(band)")
            }
        }
        #expect(next == row.count)
    }
}
