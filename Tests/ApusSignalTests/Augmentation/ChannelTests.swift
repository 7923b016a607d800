import ApusSignal
import Foundation
import Testing

/// Bands in and out, G.711, and the telephone.
@Suite struct ChannelTests {
    /// The gain at a frequency: root mean squares away from the ends.
    private func gain(
        at frequency: Double, sampleRate: Int = 16000, _ change: (Waveform) throws -> Waveform
    ) rethrows -> Double {
        let tone = Waveform(
            samples: sine(frequency: frequency, count: 16000, sampleRate: sampleRate),
            sampleRate: sampleRate)
        let changed = try change(tone)
        #expect(changed.samples.count == 16000 && changed.sampleRate == sampleRate)
        let inside = 4000..<12000
        return
            (energy(Array(changed.samples[inside])) / energy(Array(tone.samples[inside])))
            .squareRoot()
    }

    @Test(arguments: [200.0, 400, 1000])
    func aBandIsDropped(width: Double) {
        let drop = { (wave: Waveform) in wave.droppingBand(center: 2000, width: width) }
        for inside in [2000, 2000 - width / 4, 2000 + width / 4] {
            #expect(gain(at: inside, drop) < 2e-4)
        }
        for outside in [50, 500, 2000 - 0.75 * width, 2000 + 0.75 * width, 7000] {
            #expect(abs(gain(at: outside, drop) - 1) < 2e-3)
        }
        #expect(abs(gain(at: 2000 - width / 2, drop) - 0.5) < 0.01)
        #expect(abs(gain(at: 2000 + width / 2, drop) - 0.5) < 0.01)
    }

    /// A passed wave is where it was: the filter delays nothing.
    @Test func bandsDelayNothing() {
        let tone = Waveform(samples: sine(frequency: 1000, count: 8000), sampleRate: 16000)
        for wave in [
            tone.droppingBand(center: 5000, width: 300), tone.bandLimited(from: 300, to: 3400),
        ] {
            #expect(
                largestDifference(
                    Array(wave.samples[2000..<6000]), Array(tone.samples[2000..<6000])) < 2e-3)
        }
    }

    @Test func bandsMayReachOverTheEnds() {
        #expect(gain(at: 30) { $0.droppingBand(center: 50, width: 400) } < 2e-4)
        #expect(abs(gain(at: 500) { $0.droppingBand(center: 50, width: 400) } - 1) < 2e-3)
        #expect(gain(at: 7990) { $0.droppingBand(center: 7950, width: 400) } < 2e-4)
        #expect(abs(gain(at: 7000) { $0.bandLimited(from: 300, to: 9000) } - 1) < 2e-3)
        #expect(abs(gain(at: 3000) { $0.bandLimited(from: 0, to: 3400) } - 1) < 2e-3)
        #expect(gain(at: 3000) { $0.bandLimited(from: 8000, to: 9000) } < 2e-4)
        let short = Waveform(samples: [0.5], sampleRate: 16000)
        #expect(short.droppingBand(center: 1000, width: 100).samples.count == 1)
        let none = Waveform(samples: [], sampleRate: 16000)
        #expect(none.droppingBand(center: 1000, width: 100) == none)
    }

    private struct Tables: Decodable {
        struct Law: Decodable {
            var encoded: [[Int]]
            var decoded: [Int]
        }
        var muLaw: Law
        var aLaw: Law
    }

    /// Every code of every 16-bit sample, and every sample of every code, as audioop has them.
    @Test(arguments: CompandingLaw.allCases)
    func companding(law: CompandingLaw) throws {
        let data = try Data(contentsOf: URL(fileURLWithPath: references + "/companding.json"))
        let tables = try JSONDecoder().decode(Tables.self, from: data)
        let table = law == .muLaw ? tables.muLaw : tables.aLaw
        #expect((0...UInt8.max).map { Int(law.sample(of: $0)) } == table.decoded)
        var run = 0
        var wrong = 0
        for sample in Int16.min...Int16.max {
            if run + 1 < table.encoded.count, table.encoded[run + 1][0] == Int(sample) { run += 1 }
            if Int(law.code(of: sample)) != table.encoded[run][1] { wrong += 1 }
        }
        #expect(run == table.encoded.count - 1 && wrong == 0, "\(wrong) samples")
    }

    /// The first and last values of the tables of G.711, in its own units.
    @Test func theStandardsExtremes() {
        #expect(CompandingLaw.muLaw.sample(of: 0x80) == 4 * 8031)
        #expect(CompandingLaw.muLaw.sample(of: 0x00) == -4 * 8031)
        #expect(CompandingLaw.muLaw.sample(of: 0xFF) == 0)
        #expect(CompandingLaw.muLaw.code(of: .max) == 0x80)
        #expect(CompandingLaw.aLaw.sample(of: 0x80 ^ 0x7F ^ 0x55) == 8 * 4032)
        #expect(CompandingLaw.aLaw.sample(of: 0xD5) == 8)
        #expect(CompandingLaw.aLaw.code(of: .min) == 0x2A)
    }

    /// A sine at full scale keeps about 38 dB, as 8 companded bits do.
    @Test(arguments: CompandingLaw.allCases, [0.9, 0.1, 0.03])
    func compandingKeepsItsRatio(law: CompandingLaw, amplitude: Double) {
        let tone = Waveform(
            samples: sine(frequency: 441.3, amplitude: amplitude, count: 16000), sampleRate: 16000)
        let companded = tone.companded(by: law)
        let error = zip(companded.samples, tone.samples).map { $0 - $1 }
        let ratio = 10 * log10(energy(tone.samples) / energy(error))
        #expect((33...42).contains(ratio), "\(ratio) dB")
        // What was companded stays.
        #expect(companded.companded(by: law) == companded)
        // Beyond full scale there is nothing.
        let loud = Waveform(samples: [7, -7], sampleRate: 8000).companded(by: law)
        #expect(loud.samples.allSatisfy { abs($0) > 0.95 && abs($0) <= 1 })
        let broken = Waveform(samples: [.nan, .infinity, 0.5], sampleRate: 8000).companded(by: law)
        #expect(broken.samples[0].isNaN && broken.samples[1] > 0.95 && broken.samples[2] > 0.45)
    }

    @Test(arguments: [8000, 16000, 44100])
    func theTelephonesBand(sampleRate: Int) throws {
        let line = { (wave: Waveform) in try wave.overTelephone() }
        for inside in [400.0, 1000, 3200] {
            #expect(try abs(gain(at: inside, sampleRate: sampleRate, line) - 1) < 0.03)
        }
        for outside in [60.0, 200, 3600] {
            #expect(try gain(at: outside, sampleRate: sampleRate, line) < 0.01)
        }
        if sampleRate > 8000 {
            #expect(try gain(at: 6000, sampleRate: sampleRate, line) < 0.01)
        }
    }

    @Test(arguments: [0, 1, 2, 3, 999, 16001])
    func theTelephoneKeepsTheLength(count: Int) throws {
        for sampleRate in [4000, 8000, 11025, 16000, 44100] {
            let wave = Waveform(samples: noise(count: count), sampleRate: sampleRate)
            #expect(try wave.overTelephone(law: .aLaw).samples.count == count)
        }
    }
}
