/// M triangular bands over F frequency bins, kept as sparse rows.
public struct MelFilterBank: Sendable {
    /// The number of bands M.
    public let bandCount: Int
    /// The number of bins F that a spectrum has.
    public let binCount: Int
    /// The centre of every band (Hz), M values.
    public let centers: [Double]

    /// How many values of a spectrum a vector weighs; a spectrum has as many readable ones after it.
    static let vectorWidth = 4
    /// How many bands are summed side by side.
    private static let groupSize = 4

    /// For every band, and for empty ones that fill the last group: its first bin.
    private let firstBins: [Int32]
    /// Where the vectors of every group of bands begin, and where the last ends.
    private let groupStarts: [Int]
    /// Weights: in a group the first vector of each band, the second of each, ...; bands of a group are
    /// filled with zeros to the length of the longest.
    private let vectors: [SIMD4<Float>]

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

        let rows = (0..<bandCount).map { band -> (first: Int, weights: [Float]) in
            let (left, center) = (edges[band], edges[band + 1])
            let right =
                triangle == .symmetricInHertz ? 2 * center - left : edges[band + 2]
            let gain =
                normalization == .slaney
                ? 2 / (edgesInHertz[band + 2] - edgesInHertz[band]) : 1
            let first = bins.firstIndex { $0 > left } ?? binCount
            let end = max(first, bins.firstIndex { $0 >= right } ?? binCount)
            let weights = bins[first..<end].map { position in
                let height =
                    position <= center
                    ? (position - left) / (center - left)
                    : (right - position) / (right - center)
                return Float(height * gain)
            }
            return (first, weights)
        }
        self.bandCount = bandCount
        self.binCount = binCount
        centers = Array(edgesInHertz[1...bandCount])

        var firstBins: [Int32] = []
        var groupStarts = [0]
        var vectors: [SIMD4<Float>] = []
        for start in stride(from: 0, to: bandCount, by: Self.groupSize) {
            let group = rows[start..<min(start + Self.groupSize, bandCount)]
            let longest = group.map { $0.weights.count }.max() ?? 0
            let count = (longest + Self.vectorWidth - 1) / Self.vectorWidth
            // A short band that is filled up begins early enough to end within the spectrum.
            let lastStart = binCount + Self.vectorWidth - count * Self.vectorWidth
            var padded: [[Float]] = []
            for (first, weights) in group {
                let begin = max(0, min(first, lastStart))
                firstBins.append(Int32(begin))
                var row = [Float](repeating: 0, count: count * Self.vectorWidth)
                row.replaceSubrange(first - begin..<first - begin + weights.count, with: weights)
                padded.append(row)
            }
            while padded.count < Self.groupSize {
                firstBins.append(0)
                padded.append([Float](repeating: 0, count: count * Self.vectorWidth))
            }
            for index in 0..<count {
                for row in padded {
                    let lane = index * Self.vectorWidth
                    vectors.append(SIMD4(row[lane..<lane + Self.vectorWidth]))
                }
            }
            groupStarts.append(vectors.count)
        }
        self.firstBins = firstBins
        self.groupStarts = groupStarts
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
        let (group, member) = band.quotientAndRemainder(dividingBy: Self.groupSize)
        var bin = Int(firstBins[band])
        for index in stride(
            from: groupStarts[group] + member, to: groupStarts[group + 1], by: Self.groupSize)
        {
            for lane in 0..<Self.vectorWidth { row[bin + lane] = vectors[index][lane] }
            bin += Self.vectorWidth
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
            firstBins.withUnsafeBufferPointer { firstBins in
                for group in 0..<groupStarts.count - 1 {
                    let band = group * Self.groupSize
                    var (a, b, c, d) = (
                        SIMD4<Float>(), SIMD4<Float>(), SIMD4<Float>(), SIMD4<Float>()
                    )
                    let (sourceA, sourceB, sourceC, sourceD) = (
                        spectrum + Int(firstBins[band]), spectrum + Int(firstBins[band + 1]),
                        spectrum + Int(firstBins[band + 2]), spectrum + Int(firstBins[band + 3])
                    )
                    var offset = 0
                    for index in stride(
                        from: groupStarts[group], to: groupStarts[group + 1], by: Self.groupSize)
                    {
                        a += vectors[index] * load4(sourceA + offset)
                        b += vectors[index + 1] * load4(sourceB + offset)
                        c += vectors[index + 2] * load4(sourceC + offset)
                        d += vectors[index + 3] * load4(sourceD + offset)
                        offset += Self.vectorWidth
                    }
                    let sums = sumsOfLanes(a, b, c, d)
                    if band + Self.groupSize <= bandCount {
                        store4(sums, to: energies + band)
                    } else {
                        for member in 0..<bandCount - band {
                            energies[band + member] = sums[member]
                        }
                    }
                }
            }
        }
    }
}

/// The sum of the lanes of each of four vectors.
@inline(__always)
private func sumsOfLanes(
    _ a: SIMD4<Float>, _ b: SIMD4<Float>, _ c: SIMD4<Float>, _ d: SIMD4<Float>
) -> SIMD4<Float> {
    let low = SIMD4(a.x, b.x, c.x, d.x) + SIMD4(a.y, b.y, c.y, d.y)
    let high = SIMD4(a.z, b.z, c.z, d.z) + SIMD4(a.w, b.w, c.w, d.w)
    return low + high
}
