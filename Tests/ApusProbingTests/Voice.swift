import ApusCorpus
import Foundation

/// A sung vowel: harmonics of a pitch with a timbre of their own, and a little noise.
///
/// The voice decides pitch and timbre, the take what differs between recordings of one voice.
func voice(_ voice: Int, take: Int, sampleCount: Int, sampleRate: Int = 16000) -> [Float] {
    var generator = SeededGenerator(seed: 7, stream: "voice", voice, take)
    let pitch = 110.0 * (1 + 0.35 * Double(voice)) * (1 + 0.04 * generator.unitInterval())
    let phase = 6.28 * generator.unitInterval()
    let tremolo = 2 + 3 * generator.unitInterval()
    return (0..<sampleCount).map { index in
        let time = Double(index) / Double(sampleRate)
        var value = 0.0
        for harmonic in 1...8 {
            let loudness = 1 / (1 + abs(Double(harmonic) - 1.5 * Double(voice + 1)))
            value += loudness * sin(6.2831853 * pitch * Double(harmonic) * time + phase)
        }
        let envelope = 0.6 + 0.4 * sin(6.2831853 * tremolo * time)
        return Float(0.12 * envelope * value + 0.02 * (generator.unitInterval() - 0.5))
    }
}
