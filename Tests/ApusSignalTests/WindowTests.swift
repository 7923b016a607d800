import ApusSignal
import Foundation
import Testing

@Suite struct WindowTests {
    // A periodic cosine window sums to N times its constant term.
    @Test(arguments: [
        (Window.hann, 0.5), (.hamming, 0.54), (.blackman, 0.42), (.rectangular, 1.0),
    ])
    func periodicWindowsSumToTheirConstant(window: Window, constant: Double) {
        let sum = window.weights(length: 400, symmetry: .periodic).reduce(0) { $0 + Double($1) }
        #expect(abs(sum - 400 * constant) < 1e-3)
    }

    @Test(arguments: Window.allCases)
    func symmetricWindowsMirror(window: Window) {
        let weights = window.weights(length: 401)
        #expect(largestDifference(weights, weights.reversed()) < 1e-6)
        #expect(abs(weights[200] - 1) < 1e-6)
    }

    @Test func edgesAreAsDefined() {
        #expect(Window.hann.weights(length: 400)[0] == 0)
        #expect(Window.povey.weights(length: 400)[0] == 0)
        #expect(abs(Window.hamming.weights(length: 400)[0] - 0.08) < 1e-6)
        #expect(abs(Window.blackman.weights(length: 400)[0]) < 1e-6)
    }

    @Test func poveyIsHannToThePowerOf085() {
        let hann = Window.hann.weights(length: 64)
        let povey = Window.povey.weights(length: 64)
        #expect(largestDifference(povey, hann.map { pow($0, 0.85) }) < 1e-6)
    }

    @Test func oneSampleWeighsOne() {
        #expect(Window.hann.weights(length: 1) == [1])
    }
}
