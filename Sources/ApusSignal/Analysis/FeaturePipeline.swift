/// The stages of a front end after the spectrum: from rows of bins or bands to features.
///
/// A recording's maximum acts between the spectrum and ``levels``, its statistics between `levels`
/// and ``sequence``.
final class FeaturePipeline {
    private let frontEnd: FrontEnd
    private let bandCount: Int
    private let rowWidth: Int
    /// The number of features before stacking.
    let levelCount: Int
    private let levels: [any FrameStage]
    private let sequence: [any FrameStage]

    init(_ frontEnd: FrontEnd, analyzer: SpectrumAnalyzer) {
        self.frontEnd = frontEnd
        bandCount = analyzer.bandCount
        rowWidth = analyzer.width
        var levels: [any FrameStage] = []
        var width: Int { levels.last?.outputWidth ?? analyzer.width }
        if frontEnd.kind == .mfcc {
            levels.append(Cepstrum(frontEnd))
        } else if frontEnd.energy != .none {
            let replacesFirst = frontEnd.kind == .spectrogram
            if replacesFirst || !frontEnd.htkOrder {
                levels.append(EnergyPlacement(width: width, replacesFirst: replacesFirst))
            }
        }
        if frontEnd.deltaOrder > 0 {
            levels.append(
                Deltas(
                    width: width, order: frontEnd.deltaOrder, window: frontEnd.deltaWindow,
                    method: frontEnd.deltaMethod))
        }
        levelCount = width
        var sequence: [any FrameStage] = []
        if case .sliding(let window, let variance) = frontEnd.normalization {
            sequence.append(
                SlidingNormalizer(width: levelCount, window: window, variance: variance))
        }
        if frontEnd.stacking != FrameStacking() {
            sequence.append(FrameStacker(width: levelCount, stacking: frontEnd.stacking))
        }
        self.levels = levels
        self.sequence = sequence
    }

    /// The largest logarithm in rows of bins or bands.
    func maximum(of rows: [Float]) -> Float? {
        guard !rows.isEmpty else { return nil }
        var largest = -Float.infinity
        rows.withUnsafeBufferPointer { rows in
            guard let base = rows.baseAddress else { return }
            for start in stride(from: 0, to: rows.count, by: rowWidth) {
                largest = max(largest, maximumOf(base + start, count: bandCount))
            }
        }
        return largest
    }

    /// From rows of bins or bands to rows that are not normalized yet.
    func levels(_ rows: [Float], maximum: Float?, isLast: Bool) -> [Float] {
        var rows = rows
        if let maximum { bound(&rows, maximum) }
        if frontEnd.kind != .mfcc { scale(&rows) }
        for stage in levels { rows = stage(rows, isLast: isLast) }
        return rows
    }

    /// From rows that are not normalized yet to features.
    func sequence(_ rows: [Float], statistics: FeatureStatistics?, isLast: Bool) -> [Float] {
        var rows = rows
        if let statistics = statistics ?? corpusStatistics { normalize(&rows, by: statistics) }
        for stage in sequence { rows = stage(rows, isLast: isLast) }
        return rows
    }

    /// The statistics that a recording's own features are normalized by.
    func normalization(by own: FeatureStatistics) -> FeatureStatistics {
        guard case .perRecording(variance: false) = frontEnd.normalization else { return own }
        return FeatureStatistics(
            mean: own.mean,
            standardDeviation: [Float](repeating: 1, count: own.mean.count))
    }

    private var corpusStatistics: FeatureStatistics? {
        if case .corpus(let statistics) = frontEnd.normalization { statistics } else { nil }
    }

    private func bound(_ rows: inout [Float], _ maximum: Float) {
        let reference = frontEnd.logReference == .maximum ? maximum : 0
        let decibel = frontEnd.decibel
        let lowest =
            frontEnd.dynamicRange.map { maximum - Float($0) * decibel } ?? -Float.infinity
        rows.withUnsafeMutableBufferPointer { rows in
            for start in stride(from: 0, to: rows.count, by: rowWidth) {
                for index in start..<start + bandCount {
                    let value = rows[index]
                    rows[index] = (value > lowest ? value : lowest) - reference
                }
            }
        }
    }

    private func scale(_ rows: inout [Float]) {
        let (scale, offset) = (frontEnd.outputScale, frontEnd.outputOffset)
        guard scale != 1 || offset != 0 else { return }
        rows.withUnsafeMutableBufferPointer { rows in
            for index in rows.indices { rows[index] = rows[index] * scale + offset }
        }
    }

    private func normalize(_ rows: inout [Float], by statistics: FeatureStatistics) {
        let width = statistics.mean.count
        rows.withUnsafeMutableBufferPointer { rows in
            statistics.mean.withUnsafeBufferPointer { mean in
                statistics.standardDeviation.withUnsafeBufferPointer { deviation in
                    for start in stride(from: 0, to: rows.count, by: width) {
                        for feature in 0..<width {
                            rows[start + feature] =
                                (rows[start + feature] - mean[feature]) / deviation[feature]
                        }
                    }
                }
            }
        }
    }
}
