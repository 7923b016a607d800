/// The linear convolution of two sequences, by FFT and overlap-add.
///
/// y[n] = sum over k of h[k] x[n - k], in single precision: the error is about 1e-7 of the largest
/// value that can come out. The samples are cut into blocks, each block is convolved by a product of
/// spectra, and the overlapping results are added.
///
/// ## Reference
/// T. G. Stockham, "High-speed convolution and correlation", AFIPS 1966.
///
/// - Parameters:
///   - samples: N samples x.
///   - response: M samples h.
/// - Returns: N + M - 1 samples; none where either sequence is empty.
public func convolution(of samples: [Float], with response: [Float]) -> [Float] {
    if samples.isEmpty || response.isEmpty { return [] }
    let count = samples.count + response.count - 1
    // Blocks of three times the response waste little on overlaps, and stay in the caches.
    let longEnough = min(count, max(1024, 4 * response.count))
    var length = 2
    while length < longEnough { length *= 2 }
    let blockLength = length - response.count + 1
    let (forward, inverse) = (RealFFT(length: length), InverseRealFFT(length: length))
    let filter = forward.forward(response)

    var result = [Float](repeating: 0, count: count)
    for start in stride(from: 0, to: samples.count, by: blockLength) {
        let block = Array(samples[start..<min(start + blockLength, samples.count)])
        var (real, imaginary) = forward.forward(block)
        for bin in real.indices {
            let (a, b) = (real[bin], imaginary[bin])
            real[bin] = a * filter.real[bin] - b * filter.imaginary[bin]
            imaginary[bin] = a * filter.imaginary[bin] + b * filter.real[bin]
        }
        let part = inverse(real: real, imaginary: imaginary)
        for index in 0..<min(block.count + response.count - 1, count - start) {
            result[start + index] += part[index]
        }
    }
    return result
}
