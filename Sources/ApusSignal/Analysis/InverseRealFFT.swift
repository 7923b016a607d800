/// The inverse of ``RealFFT``: N real samples from the F = N/2 + 1 bins of their spectrum.
///
/// x[n] = 1/N sum over k of X[k] exp(2 pi i k n / N), where the bins above N/2 are the complex
/// conjugates of those below. It is computed with the forward transform alone: with
/// H[k] = Re X[k] - Im X[k] the Hartley transform of x, which is its own inverse,
/// x[n] = (Re G[n] - Im G[n]) / N for G the Fourier transform of H. An instance owns its buffers and
/// is used by one task at a time.
///
/// ## Reference
/// R. N. Bracewell, "Discrete Hartley transform", J. Opt. Soc. Am. 73(12), 1983.
public final class InverseRealFFT {
    /// The number of samples N.
    public let length: Int

    private let transform: RealFFT
    private var hartley: [Float]

    /// Plans a transform.
    ///
    /// - Parameter length: The number of samples N.
    /// - Precondition: `length` is positive.
    public init(length: Int) {
        self.length = length
        transform = RealFFT(length: length)
        hartley = [Float](repeating: 0, count: length)
    }

    /// The samples that have a spectrum.
    ///
    /// The imaginary parts of bin 0 and, where N is even, of bin N/2 are those of no real signal and
    /// count as 0.
    ///
    /// - Parameters:
    ///   - real: The real parts of F bins.
    ///   - imaginary: The imaginary parts of F bins.
    /// - Returns: N samples.
    /// - Precondition: There are F of each.
    public func callAsFunction(real: [Float], imaginary: [Float]) -> [Float] {
        let binCount = length / 2 + 1
        precondition(
            real.count == binCount && imaginary.count == binCount, "\(binCount) bins are expected")
        for bin in 0..<binCount {
            if bin == 0 || 2 * bin == length {
                hartley[bin] = real[bin]
            } else {
                hartley[bin] = real[bin] - imaginary[bin]
                hartley[length - bin] = real[bin] + imaginary[bin]
            }
        }
        let (evenPart, oddPart) = transform.forward(hartley)
        let scale = 1 / Float(length)
        return (0..<length).map { index in
            index < binCount
                ? (evenPart[index] - oddPart[index]) * scale
                : (evenPart[length - index] + oddPart[length - index]) * scale
        }
    }
}
