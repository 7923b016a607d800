import ApusSignal
import Testing

/// The inverse transform and convolution against their definitions.
@Suite struct ConvolutionTests {
    @Test(arguments: [1, 2, 3, 7, 16, 45, 512, 1000])
    func theInverseUndoesTheTransform(length: Int) {
        let samples = noise(count: length)
        let (real, imaginary) = RealFFT(length: length).forward(samples)
        let inverse = InverseRealFFT(length: length)
        #expect(largestDifference(inverse(real: real, imaginary: imaginary), samples) < 2e-6)
        // Used again, it gives the same.
        #expect(
            inverse(real: real, imaginary: imaginary) == inverse(real: real, imaginary: imaginary))
    }

    /// One bin is one cosine; an imaginary bin is a sine.
    @Test func aBinIsAWave() {
        var real = [Float](repeating: 0, count: 9)
        var imaginary = real
        real[2] = 8
        imaginary[3] = -4
        let expected = zip(
            cosine(cycles: 2, count: 16), sine(frequency: 3, count: 16, sampleRate: 16)
        ).map { $0 + 0.5 * $1 }
        let wave = InverseRealFFT(length: 16)(real: real, imaginary: imaginary)
        #expect(largestDifference(wave, expected) < 1e-6)
    }

    @Test(arguments: [
        (1, 1), (1, 7), (7, 1), (5, 3), (3, 5), (1000, 999), (1023, 2), (5000, 17), (17, 5000),
        (16000, 4001),
    ])
    func itIsTheSumOfProducts(count: Int, responseCount: Int) {
        let samples = noise(count: count)
        let response = Array(noise(count: count + responseCount).suffix(responseCount))
        let result = convolution(of: samples, with: response)
        #expect(result.count == count + responseCount - 1)
        var expected = [Double](repeating: 0, count: result.count)
        for (n, sample) in samples.enumerated() {
            for (k, weight) in response.enumerated() {
                expected[n + k] += Double(sample) * Double(weight)
            }
        }
        let largest = expected.map(\.magnitude).max() ?? 0
        let error = zip(result, expected).map { abs(Double($0) - $1) }.max() ?? 0
        #expect(error < 2e-6 * max(1, largest), "\(error) of \(largest)")
    }

    @Test func anImpulseShifts() {
        let samples = noise(count: 3000)
        let shifted = convolution(of: samples, with: [0, 0, 1])
        #expect(largestDifference(Array(shifted.dropFirst(2)), samples) < 1e-6)
        #expect(shifted.prefix(2).allSatisfy { abs($0) < 1e-6 })
    }

    @Test func nothingConvolvedIsNothing() {
        #expect(convolution(of: [], with: [1]).isEmpty)
        #expect(convolution(of: [1], with: []).isEmpty)
    }

    private func cosine(cycles: Double, count: Int) -> [Float] {
        (0..<count).map { Float(cosOfTurns(cycles * Double($0) / Double(count))) }
    }
}
