import ApusSignal
import Foundation
import Testing

@Suite struct MelFilterBankTests {
    @Test func scalesPassThroughKnownPoints() {
        // 1000 mel is 1000 Hz by HTK's definition to within its rounded constants; 15 mel is Slaney's
        // knee, and 27 more steps multiply frequency by 6.4.
        #expect(abs(MelScale.htk.mel(frequency: 1000) - 1000) < 0.05)
        #expect(abs(MelScale.slaney.mel(frequency: 1000) - 15) < 1e-9)
        #expect(abs(MelScale.slaney.mel(frequency: 6400) - 42) < 1e-9)
        #expect(abs(MelScale.slaney.mel(frequency: 500) - 7.5) < 1e-9)
    }

    @Test(arguments: MelScale.allCases)
    func scalesInvert(scale: MelScale) {
        for frequency in stride(from: 0.0, through: 8000, by: 250) {
            let back = scale.frequency(mel: scale.mel(frequency: frequency))
            #expect(abs(back - frequency) < 1e-6)
        }
    }

    @Test func aFlatSpectrumGivesTheSumsOfTheRows() {
        let bank = MelFilterBank(
            bandCount: 23, fftLength: 512, sampleRate: 16000, lowFrequency: 20,
            highFrequency: 8000)
        let energies = bank([Float](repeating: 1, count: 257))
        for band in 0..<23 {
            #expect(abs(energies[band] - bank.weights(band: band).reduce(0, +)) < 1e-4)
        }
    }

    // Neighbouring triangles that are straight over the same axis add up to 1 between the centres.
    @Test(arguments: [MelTriangle.linearInMel, .linearInHertz], MelScale.allCases)
    func trianglesOfHeightOneAddUpToOne(triangle: MelTriangle, scale: MelScale) {
        let bank = MelFilterBank(
            bandCount: 20, fftLength: 1024, sampleRate: 16000, lowFrequency: 50,
            highFrequency: 7000, scale: scale, triangle: triangle)
        let rows = (0..<20).map { bank.weights(band: $0) }
        var checked = 0
        for bin in 0..<513 {
            let frequency = Double(bin) * 16000 / 1024
            guard frequency > bank.centers[0], frequency < bank.centers[19] else { continue }
            #expect(abs(rows.reduce(0) { $0 + $1[bin] } - 1) < 1e-5)
            checked += 1
        }
        #expect(checked > 300)
    }

    // Height 1 at the centre and straight over Hz: the area is half the width, so scaling makes it 1.
    @Test func slaneyNormalizationGivesAreaOne() {
        let bank = MelFilterBank(
            bandCount: 10, fftLength: 16384, sampleRate: 16000, lowFrequency: 0,
            highFrequency: 8000, scale: .slaney, triangle: .linearInHertz, normalization: .slaney)
        let binWidth: Float = 16000 / 16384
        for band in 0..<10 {
            #expect(abs(bank.weights(band: band).reduce(0, +) * binWidth - 1) < 1e-3)
        }
    }

    @Test func bandsWithoutABinAreEmpty() {
        let bank = MelFilterBank(
            bandCount: 128, fftLength: 256, sampleRate: 16000, lowFrequency: 0,
            highFrequency: 8000)
        let energies = bank([Float](repeating: 1, count: 129))
        #expect(energies.contains(0))
        #expect(energies.allSatisfy { $0 >= 0 && $0.isFinite })
    }
}
