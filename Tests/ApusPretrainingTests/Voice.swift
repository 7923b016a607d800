import ApusCorpus
import Foundation

/// A voice: five harmonics of a pitch of its own, with vibrato, an envelope and a little noise.
func voice(_ number: Int, sampleCount: Int) -> [Float] {
    var generator = SeededGenerator(seed: 3, stream: "voice", number)
    let pitch = 90.0 * pow(2, Double(number % 12) / 6)
    let (vibrato, phase) = (3 + 3 * generator.unitInterval(), 6 * generator.unitInterval())
    return (0..<sampleCount).map { index in
        let time = Double(index) / 16000
        let angle = 2 * Double.pi * pitch * time + 0.5 * sin(2 * Double.pi * vibrato * time + phase)
        let sound = (1...5).reduce(0.0) { $0 + sin(Double($1) * angle) / Double($1) }
        let envelope = 0.6 + 0.4 * sin(2 * Double.pi * vibrato * time)
        return Float(0.2 * envelope * sound + 0.01 * (generator.unitInterval() - 0.5))
    }
}
