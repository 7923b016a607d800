import CFFTW
import Foundation

/// FFTW's planner is the one part of it that is not safe to call from several threads.
private let plannerLock = NSLock()

/// The discrete Fourier transform of N real samples, by FFTW in single precision.
///
/// X[k] = sum over n of x[n] exp(-2 pi i k n / N), for k = 0 ... N/2, without scaling. An instance
/// owns its buffers and is used by one task at a time; instances of one length give the same bits,
/// as plans are estimated and never timed.
public final class RealFFT {
    /// The number of samples N.
    public let length: Int
    /// The number of frequency bins F = N/2 + 1.
    public let binCount: Int

    /// N samples to transform, kept by ``execute()``.
    let input: UnsafeMutablePointer<Float>
    /// F bins as (real, imaginary).
    let output: UnsafeMutablePointer<fftwf_complex>
    private let plan: fftwf_plan

    /// Plans a transform.
    ///
    /// - Parameter length: The number of samples N.
    /// - Precondition: `length` is positive.
    public init(length: Int) {
        precondition(length > 0, "a transform has one sample or more")
        guard let input = fftwf_alloc_real(length),
            let output = fftwf_alloc_complex(length / 2 + 1),
            let plan = plannerLock.withLock({
                fftwf_plan_dft_r2c_1d(Int32(length), input, output, FFTW_ESTIMATE)
            })
        else { preconditionFailure("no memory for a transform of \(length) samples") }
        self.length = length
        binCount = length / 2 + 1
        self.input = input
        self.output = output
        self.plan = plan
        input.update(repeating: 0, count: length)
    }

    deinit {
        plannerLock.withLock { fftwf_destroy_plan(plan) }
        fftwf_free(input)
        fftwf_free(output)
    }

    /// Transforms what is in `input` into `output`.
    func execute() {
        fftwf_execute(plan)
    }

    /// Writes |X[k]|^2 of what is in `output`.
    ///
    /// - Parameter power: Room for F values.
    func writePower(to power: UnsafeMutablePointer<Float>) {
        for bin in 0..<binCount {
            let (real, imaginary) = output[bin]
            power[bin] = real * real + imaginary * imaginary
        }
    }

    /// The spectrum of samples.
    ///
    /// - Parameter samples: At most N samples; zeros follow them.
    /// - Returns: F real and F imaginary parts.
    /// - Precondition: There are no more than N samples.
    public func forward(_ samples: [Float]) -> (real: [Float], imaginary: [Float]) {
        load(samples)
        execute()
        let bins = UnsafeBufferPointer(start: output, count: binCount)
        return (bins.map { $0.0 }, bins.map { $0.1 })
    }

    /// The power spectrum |X[k]|^2 of samples.
    ///
    /// - Parameter samples: At most N samples; zeros follow them.
    /// - Returns: F values.
    /// - Precondition: There are no more than N samples.
    public func powerSpectrum(_ samples: [Float]) -> [Float] {
        load(samples)
        execute()
        return [Float](unsafeUninitializedCapacity: binCount) { buffer, count in
            if let base = buffer.baseAddress { writePower(to: base) }
            count = binCount
        }
    }

    private func load(_ samples: [Float]) {
        precondition(samples.count <= length, "more samples than the transform has")
        input.update(repeating: 0, count: length)
        for (index, sample) in samples.enumerated() { input[index] = sample }
    }
}
