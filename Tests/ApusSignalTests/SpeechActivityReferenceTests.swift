import ApusSignal
import Foundation
import Testing

/// Speech activity against Kaldi's rule, written out in `References/make_kaldi.py`.
@Suite struct SpeechActivityReferenceTests {
    @Test func masksAgree() throws {
        let file = try Data(
            contentsOf: URL(fileURLWithPath: "\(references)/cases-kaldi-vad.json"))
        let rules = try JSONDecoder().decode([SpeechActivity].self, from: file)
        let table = try NumPyFile.read("\(references)/kaldi-vad.npy")
        #expect(table.shape == [1 + rules.count, 58])
        let rows = (0..<table.shape[0]).map { row in
            Array(table.values[(row * 58)..<((row + 1) * 58)])
        }
        let signal = Waveform(
            samples: try NumPyFile.read("\(references)/signal.npy").values, sampleRate: 16000)
        for (rule, row) in zip(rules, rows.dropFirst()) {
            let expected = row.map { $0 == 1 }
            #expect(expected.contains(true) && expected.contains(false))
            #expect(rule.mask(logEnergies: rows[0]) == expected)
            #expect(try rule.mask(of: signal, frontEnd: .kaldi) == expected)
        }
    }
}
