import ApusSignal
import Foundation
import Testing

/// Front ends against the packages that they are named after; `References/make_*.py` made the data.
///
/// Differences are in natural-logarithm units. With `APUS_PRINT_DIFFERENCES` in the environment
/// the largest and the mean one of each case are printed: the numbers in the article "Front ends".
@Suite struct FrontEndReferenceTests {
    /// A package, and how far its values may be from ours.
    struct Peer: Sendable, CustomTestStringConvertible {
        let name: String
        let caseCount: Int
        let bound: Double
        var testDescription: String { name }
    }

    // kaldi-native-fbank rounds its bands, torchaudio its cosine transform: against double precision
    // they are themselves 2e-4 and 3e-4 off in these data.
    static let peers = [
        Peer(name: "kaldi", caseCount: 41, bound: 5e-4),
        Peer(name: "torchaudio", caseCount: 39, bound: 5e-4),
        Peer(name: "librosa", caseCount: 39, bound: 2e-4),
        Peer(name: "speechbrain", caseCount: 13, bound: 2e-4),
        Peer(name: "whisper", caseCount: 6, bound: 1e-4),
    ]

    /// A bin can be a thousandth of its neighbours, and then has only few digits in single precision.
    static let spectrogramBound = 1e-3

    @Test(arguments: peers)
    func agrees(with peer: Peer) throws {
        let cases = try ReferenceCase.all(of: peer.name)
        #expect(cases.count == peer.caseCount)
        for reference in cases {
            let difference = try reference.difference()
            if ProcessInfo.processInfo.environment["APUS_PRINT_DIFFERENCES"] != nil {
                print("difference", peer.name, reference.name, difference.largest, difference.mean)
            }
            let bound =
                try reference.frontEnd().kind == .spectrogram ? Self.spectrogramBound : peer.bound
            #expect(difference.largest < bound, "\(reference.name)")
        }
    }
}

/// One line of a `cases-PEER.json`: a front end, its input and what it must give.
struct ReferenceCase {
    let peer: String
    let name: String
    let facts: [String: Any]

    static func all(of peer: String) throws -> [ReferenceCase] {
        let file = try Data(contentsOf: URL(fileURLWithPath: "\(references)/cases-\(peer).json"))
        let cases = try #require(
            try JSONSerialization.jsonObject(with: file) as? [String: [String: Any]])
        return cases.sorted { $0.key < $1.key }.map {
            ReferenceCase(peer: peer, name: $0.key, facts: $0.value)
        }
    }

    /// The preset with the case's options in place of its own.
    func frontEnd() throws -> FrontEnd {
        let presetName = try #require(facts["preset"] as? String)
        let preset = try #require(FrontEnd.preset(named: presetName))
        var options = try #require(
            try JSONSerialization.jsonObject(with: JSONEncoder().encode(preset)) as? [String: Any])
        let changes = try #require(facts["options"] as? [String: Any])
        #expect(Set(changes.keys).isSubset(of: options.keys), "\(name)")
        options.merge(changes) { $1 }
        return try JSONDecoder().decode(
            FrontEnd.self, from: JSONSerialization.data(withJSONObject: options))
    }

    private func samples() throws -> Waveform {
        let signal = try #require(facts["signal"] as? String)
        let all = try NumPyFile.read("\(references)/\(signal).npy").values
        let zeros = [Float](repeating: 0, count: facts["appendedZeros"] as? Int ?? 0)
        return Waveform(
            samples: all.prefix(facts["sampleCount"] as? Int ?? all.count) + zeros,
            sampleRate: signal == "signal" ? 16000 : 22050)
    }

    /// The largest and the mean difference from the package, in natural-logarithm units.
    func difference() throws -> (largest: Double, mean: Double) {
        let expected = try NumPyFile.read("\(references)/\(peer)-\(name).npy")
        let features = try FeatureExtractor(frontEnd())(samples())
        try #require([features.frameCount, features.featureCount] == expected.shape, "\(name)")
        var unit = facts["unit"] as? Double ?? 1
        var (ours, theirs) = (features.values.map(Double.init), expected.values.map(Double.init))
        if facts["linear"] as? Bool == true {
            // Energies are compared by their logarithms, over a range of 90 dB.
            let floor = (theirs.max() ?? 0) * 1e-9
            ours = ours.map { log(max($0, floor)) }
            theirs = theirs.map { log(max($0, floor)) }
            unit = 1
        }
        // NaN would be lost among the others.
        let differences = zip(ours, theirs).map {
            $0.isFinite ? abs($0 - $1) * unit : .infinity
        }
        return (
            differences.max() ?? .infinity,
            differences.reduce(0, +) / Double(differences.count)
        )
    }
}
