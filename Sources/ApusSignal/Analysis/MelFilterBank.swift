/// M triangular bands over F frequency bins, kept as sparse rows.
public struct MelFilterBank: Sendable {
    /// The number of bands M.
    public let bandCount: Int
    /// The number of bins F that a spectrum has.
    public let binCount: Int
    /// The centre of every band (Hz), M values.
    public let centers: [Double]

    /// Rows are padded with zeros to whole vectors of this many weights.
    static let vectorWidth = 4

    /// For every band: its first bin, and where its vectors begin and end in `vectors`.
    let firstBins: [Int]
    let vectorStarts: [Int]
    let vectors: [SIMD4<Float>]

    /// Lays out the bands between two frequencies at equal distances of pitch.
    ///
    /// Band m rises from edge m to edge m + 1 and falls to edge m + 2, of M + 2 edges. A band so
    /// narrow that no bin falls into it is empty: its energy is 0.
    ///
    /// - Parameters:
    ///   - bandCount: The number of bands M.
    ///   - fftLength: The length N of the transform; a spectrum has F = N/2 + 1 bins.
    ///   - sampleRate: Samples a second (Hz).
    ///   - lowFrequency: The lower edge of the first band (Hz).
    ///   - highFrequency: The upper edge of the last band (Hz).
    ///   - scale: The scale of pitch.
    ///   - triangle: What the sides are straight over.
    ///   - normalization: How bands are scaled.
    /// - Precondition: There is a band, 0 <= `lowFrequency` < `highFrequency`.
    public init(
        bandCount: Int, fftLength: Int, sampleRate: Int, lowFrequency: Double,
        highFrequency: Double, scale: MelScale = .htk, triangle: MelTriangle = .linearInMel,
        normalization: MelNormalization = .none
    ) {
        precondition(bandCount > 0 && fftLength > 0 && sampleRate > 0, "bands need a spectrum")
        precondition(0 <= lowFrequency && lowFrequency < highFrequency, "bands need a range")
        let low = scale.mel(frequency: lowFrequency)
        let step = (scale.mel(frequency: highFrequency) - low) / Double(bandCount + 1)
        let binWidth = Double(sampleRate) / Double(fftLength)
        let binCount = fftLength / 2 + 1
        // Positions of bins and edges on the axis that the sides are straight over.
        let edgesInMel = (0..<bandCount + 2).map { low + Double($0) * step }
        let edgesInHertz = edgesInMel.map { scale.frequency(mel: $0) }
        let edges = triangle == .linearInMel ? edgesInMel : edgesInHertz
        let bins = (0..<binCount).map { bin in
            let frequency = Double(bin) * binWidth
            return triangle == .linearInMel ? scale.mel(frequency: frequency) : frequency
        }

        var firstBins: [Int] = []
        var vectorStarts = [0]
        var vectors: [SIMD4<Float>] = []
        for band in 0..<bandCount {
            let (left, center) = (edges[band], edges[band + 1])
            let right =
                triangle == .symmetricInHertz ? 2 * center - left : edges[band + 2]
            let gain =
                normalization == .slaney
                ? 2 / (edgesInHertz[band + 2] - edgesInHertz[band]) : 1
            let first = bins.firstIndex { $0 > left } ?? binCount
            let end = bins.firstIndex { $0 >= right } ?? binCount
            for start in stride(from: first, to: end, by: Self.vectorWidth) {
                var vector = SIMD4<Float>()
                for bin in start..<min(end, start + Self.vectorWidth) {
                    let position = bins[bin]
                    let height =
                        position <= center
                        ? (position - left) / (center - left)
                        : (right - position) / (right - center)
                    vector[bin - start] = Float(height * gain)
                }
                vectors.append(vector)
            }
            firstBins.append(first)
            vectorStarts.append(vectors.count)
        }
        self.bandCount = bandCount
        self.binCount = binCount
        centers = Array(edgesInHertz[1...bandCount])
        self.firstBins = firstBins
        self.vectorStarts = vectorStarts
        self.vectors = vectors
    }

    /// The energies of the bands.
    ///
    /// - Parameter spectrum: F values.
    /// - Returns: M values.
    /// - Precondition: The spectrum has F values.
    public func callAsFunction(_ spectrum: [Float]) -> [Float] {
        precondition(spectrum.count == binCount, "a spectrum of \(binCount) bins is expected")
        let padded = spectrum + [Float](repeating: 0, count: Self.vectorWidth)
        return [Float](unsafeUninitializedCapacity: bandCount) { buffer, count in
            padded.withUnsafeBufferPointer { source in
                if let source = source.baseAddress, let target = buffer.baseAddress {
                    apply(to: source, into: target)
                }
            }
            count = bandCount
        }
    }

    /// The weights of one band over all bins.
    ///
    /// - Parameter band: The band, from 0.
    /// - Returns: F weights.
    public func weights(band: Int) -> [Float] {
        var row = [Float](repeating: 0, count: binCount + Self.vectorWidth)
        for index in vectorStarts[band]..<vectorStarts[band + 1] {
            let start = firstBins[band] + (index - vectorStarts[band]) * Self.vectorWidth
            for lane in 0..<Self.vectorWidth { row[start + lane] = vectors[index][lane] }
        }
        return Array(row[..<binCount])
    }

    /// The energies of the bands, without bounds checks.
    ///
    /// - Parameters:
    ///   - spectrum: F values and `vectorWidth` finite ones after them.
    ///   - energies: Room for M values.
    func apply(to spectrum: UnsafePointer<Float>, into energies: UnsafeMutablePointer<Float>) {
        vectors.withUnsafeBufferPointer { vectors in
            for band in 0..<bandCount {
                var sum = SIMD4<Float>()
                var source = UnsafeRawPointer(spectrum + firstBins[band])
                for index in vectorStarts[band]..<vectorStarts[band + 1] {
                    sum += vectors[index] * source.loadUnaligned(as: SIMD4<Float>.self)
                    source += MemoryLayout<SIMD4<Float>>.size
                }
                energies[band] = sum.sum()
            }
        }
    }
}
