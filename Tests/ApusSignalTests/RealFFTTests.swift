import ApusSignal
import Foundation
import Testing

@Suite struct RealFFTTests {
    @Test(arguments: [8, 15, 400, 512])
    func matchesTheDefinition(length: Int) {
        let samples = noise(count: length)
        let spectrum = RealFFT(length: length).forward(samples)
        #expect(spectrum.real.count == length / 2 + 1)
        for bin in 0...(length / 2) {
            var (real, imaginary) = (0.0, 0.0)
            for (index, sample) in samples.enumerated() {
                let angle = 2 * Double.pi * Double(bin * index % length) / Double(length)
                real += Double(sample) * cos(angle)
                imaginary -= Double(sample) * sin(angle)
            }
            #expect(abs(Double(spectrum.real[bin]) - real) < 1e-4)
            #expect(abs(Double(spectrum.imaginary[bin]) - imaginary) < 1e-4)
        }
    }

    @Test func aToneLandsInItsBin() {
        let power = RealFFT(length: 512).powerSpectrum(sine(frequency: 1000, count: 512))
        #expect(power.indices.max { power[$0] < power[$1] } == 32)
        #expect(abs(power[32] - 256 * 256) < 1)
    }

    @Test func powerIsKeptAsParsevalSays() {
        let samples = noise(count: 512)
        let power = RealFFT(length: 512).powerSpectrum(samples)
        let twoSided = power[0] + power[256] + 2 * power[1..<256].reduce(0, +)
        let energy = samples.reduce(0) { $0 + $1 * $1 }
        #expect(abs(twoSided / 512 - energy) < 1e-4 * energy)
    }

    @Test func shortInputIsFollowedByZeros() {
        let transform = RealFFT(length: 16)
        _ = transform.powerSpectrum(noise(count: 16))
        #expect(transform.powerSpectrum([1]) == [Float](repeating: 1, count: 9))
    }

    @Test func moreSamplesThanTheLengthTrap() async {
        await #expect(processExitsWith: .failure) {
            _ = RealFFT(length: 4).powerSpectrum([1, 2, 3, 4, 5])
        }
    }

    @Test func manyThreadsPlanAndAgree() async {
        let samples = noise(count: 480)
        let expected = RealFFT(length: 480).powerSpectrum(samples)
        await withTaskGroup(of: [Float].self) { group in
            for _ in 0..<16 {
                group.addTask { RealFFT(length: 480).powerSpectrum(samples) }
            }
            for await power in group { #expect(power == expected) }
        }
    }
}
