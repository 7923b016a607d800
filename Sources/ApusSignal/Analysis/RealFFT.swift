import CFFTW
import Foundation

/// FFTW's planner is the one part of it that is not safe to call from several threads.
private let plannerLock = NSLock()

/// The discrete Fourier transform of N real samples, by FFTW in single precision.
///
/// X[k] = sum over n of x[n] exp(-2 pi i k n / N), for k = 0 ... N/2, without scaling. An instance
/// owns its buffers and is used by one task at a time; instances of one length give the same bits,
/// as plans are estimated and never timed.
///
/// For even N the samples are transformed as M = N/2 complex numbers z[n] = x[2n] + i x[2n+1], and
/// the two spectra are taken apart afterwards: X[k] = E[k] + exp(-2 pi i k / N) O[k] with
/// 2 E[k] = Z[k] + conj Z[M-k] and 2i O[k] = Z[k] - conj Z[M-k]. With what follows fused into it,
/// this takes less time than FFTW's own transform of real samples.
///
/// ## Reference
/// H. V. Sorensen et al., "Real-valued fast Fourier transform algorithms", IEEE Trans. ASSP 35(6),
/// 1987, section II.
public final class RealFFT {
    /// The number of samples N.
    public let length: Int
    /// The number of frequency bins F = N/2 + 1.
    public let binCount: Int

    /// N samples to transform, kept by ``execute()``.
    let input: UnsafeMutablePointer<Float>
    /// Pairs of real and imaginary parts: of Z for even N, of X for odd N.
    private let output: UnsafeMutablePointer<Float>
    private let plan: fftwf_plan
    /// The real and the imaginary parts of exp(-2 pi i k / N), for k from 0 to M/2.
    private let cosines: [Float]
    private let sines: [Float]

    /// Plans a transform.
    ///
    /// - Parameter length: The number of samples N.
    /// - Precondition: `length` is positive.
    public init(length: Int) {
        precondition(length > 0, "a transform has one sample or more")
        guard let input = fftwf_alloc_real(length), let output = fftwf_alloc_real(length + 2)
        else { preconditionFailure("no memory for a transform of \(length) samples") }
        let complexOutput = UnsafeMutableRawPointer(output)
            .assumingMemoryBound(to: fftwf_complex.self)
        let made = plannerLock.withLock {
            if length % 2 == 1 {
                return fftwf_plan_dft_r2c_1d(Int32(length), input, complexOutput, FFTW_ESTIMATE)
            }
            let complexInput = UnsafeMutableRawPointer(input)
                .assumingMemoryBound(to: fftwf_complex.self)
            return fftwf_plan_dft_1d(
                Int32(length / 2), complexInput, complexOutput, FFTW_FORWARD, FFTW_ESTIMATE)
        }
        guard let made else {
            preconditionFailure("no memory for a transform of \(length) samples")
        }
        self.length = length
        binCount = length / 2 + 1
        self.input = input
        self.output = output
        plan = made
        let angles = (0...length / 4).map { -2 * Double.pi * Double($0) / Double(length) }
        cosines = angles.map { Float(cos($0)) }
        sines = angles.map { Float(sin($0)) }
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

    /// Writes |X[k]|^2 of what was transformed last.
    ///
    /// - Parameter power: Room for F values.
    func writePower(to power: UnsafeMutablePointer<Float>) {
        guard length % 2 == 0 else {
            for bin in 0..<binCount {
                let (real, imaginary) = (output[2 * bin], output[2 * bin + 1])
                power[bin] = real * real + imaginary * imaginary
            }
            return
        }
        let half = length / 2
        let (first, second) = (output[0] + output[1], output[0] - output[1])
        power[0] = first * first
        power[half] = second * second
        cosines.withUnsafeBufferPointer { cosines in
            sines.withUnsafeBufferPointer { sines in
                guard let cosines = cosines.baseAddress, let sines = sines.baseAddress else {
                    return
                }
                var bin = 1
                while 2 * bin + 6 < half {
                    writePower(
                        ofFour: bin, mirrored: half - bin - 3, to: power,
                        cosine: load4(cosines + bin), sine: load4(sines + bin))
                    bin += 4
                }
                while 2 * bin <= half {
                    let (one, other) = separated(
                        bin, half - bin, cosine: cosines[bin], sine: sines[bin])
                    power[bin] = one.real * one.real + one.imaginary * one.imaginary
                    power[half - bin] = other.real * other.real + other.imaginary * other.imaginary
                    bin += 1
                }
            }
        }
    }

    /// Writes |X|^2 of four bins from k on, and of their mirror images up to M - k.
    @inline(__always)
    private func writePower(
        ofFour bin: Int, mirrored mirror: Int, to power: UnsafeMutablePointer<Float>,
        cosine: SIMD4<Float>, sine: SIMD4<Float>
    ) {
        let here = load8(output + 2 * bin)
        let there = load8(output + 2 * mirror)
        let (a, b) = (here.evenHalf, here.oddHalf)
        let (c, d) = (reversed(there.evenHalf), reversed(there.oddHalf))
        let (evenReal, evenImaginary) = (a + c, b - d)
        let (oddReal, oddImaginary) = (b + d, c - a)
        let turnedReal = cosine * oddReal - sine * oddImaginary
        let turnedImaginary = cosine * oddImaginary + sine * oddReal
        let (sumReal, sumImaginary) = (evenReal + turnedReal, evenImaginary + turnedImaginary)
        let (leftReal, leftImaginary) = (evenReal - turnedReal, evenImaginary - turnedImaginary)
        let quarter = SIMD4<Float>(repeating: 0.25)
        store4(
            (sumReal * sumReal + sumImaginary * sumImaginary) * quarter, to: power + bin)
        store4(
            reversed((leftReal * leftReal + leftImaginary * leftImaginary) * quarter),
            to: power + mirror)
    }

    /// X[k] and conj X[M - k].
    @inline(__always)
    private func separated(
        _ bin: Int, _ mirror: Int, cosine: Float, sine: Float
    ) -> (one: (real: Float, imaginary: Float), other: (real: Float, imaginary: Float)) {
        let (a, b) = (output[2 * bin], output[2 * bin + 1])
        let (c, d) = (output[2 * mirror], output[2 * mirror + 1])
        let (evenReal, evenImaginary) = (0.5 * (a + c), 0.5 * (b - d))
        let (oddReal, oddImaginary) = (0.5 * (b + d), 0.5 * (c - a))
        let turnedReal = cosine * oddReal - sine * oddImaginary
        let turnedImaginary = cosine * oddImaginary + sine * oddReal
        return (
            (evenReal + turnedReal, evenImaginary + turnedImaginary),
            (evenReal - turnedReal, evenImaginary - turnedImaginary)
        )
    }

    /// The spectrum of samples.
    ///
    /// - Parameter samples: At most N samples; zeros follow them.
    /// - Returns: F real and F imaginary parts.
    /// - Precondition: There are no more than N samples.
    public func forward(_ samples: [Float]) -> (real: [Float], imaginary: [Float]) {
        load(samples)
        execute()
        var real = [Float](repeating: 0, count: binCount)
        var imaginary = real
        guard length % 2 == 0 else {
            for bin in 0..<binCount {
                (real[bin], imaginary[bin]) = (output[2 * bin], output[2 * bin + 1])
            }
            return (real, imaginary)
        }
        let half = length / 2
        (real[0], real[half]) = (output[0] + output[1], output[0] - output[1])
        for bin in stride(from: 1, through: half / 2, by: 1) {
            let (one, other) = separated(
                bin, half - bin, cosine: cosines[bin], sine: sines[bin])
            (real[half - bin], imaginary[half - bin]) = (other.real, -other.imaginary)
            (real[bin], imaginary[bin]) = one
        }
        return (real, imaginary)
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
