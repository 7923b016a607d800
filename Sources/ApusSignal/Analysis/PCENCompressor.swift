import Foundation

/// Applies ``PCEN`` to the frames of a recording, one after the other.
final class PCENCompressor {
    private let options: PCEN
    private let smoothing: Float
    /// The smoothed energy of each band.
    private var smoothed: [Float]

    init(_ options: PCEN, bandCount: Int, frameRate: Double) {
        self.options = options
        smoothing = Float(options.smoothing(frameRate: frameRate))
        smoothed = [Float](repeating: 1, count: bandCount)
    }

    /// Starts a recording.
    func reset() {
        for band in smoothed.indices { smoothed[band] = 1 }
    }

    /// Replaces the energies of a frame.
    func compress(_ row: UnsafeMutablePointer<Float>) {
        let (gain, bias) = (Float(options.gain), Float(options.bias))
        let (power, epsilon) = (Float(options.power), Float(options.epsilon))
        let (logEpsilon, root) = (logf(epsilon), powf(bias, power))
        for band in smoothed.indices {
            let energy = row[band]
            smoothed[band] = smoothing * energy + (1 - smoothing) * smoothed[band]
            let inverse = expf(-gain * (logEpsilon + log1pf(smoothed[band] / epsilon)))
            if power == 0 {
                row[band] = log1pf(energy * inverse)
            } else if bias == 0 {
                row[band] = powf(energy * inverse, power)
            } else {
                row[band] = root * expm1f(power * log1pf(energy * inverse / bias))
            }
        }
    }
}
