import Foundation

/// A picture of a spectrogram or of other features: time in seconds, frequency in Hz or the numbers
/// of the features, a colour bar for the level.
public struct SpectrogramImage: Sendable {
    /// The values by frame and band, T x M, row-major; NaN and infinities are drawn grey.
    public let values: [Float]
    /// The number of frames T.
    public let frameCount: Int
    /// The centre frequency of every band in Hz, ascending: the centres of mel filters, or the
    /// frequencies of Fourier bins; the numbers of features that stand for no frequency.
    public let bandFrequencies: [Double]
    /// The time from a frame to the next, seconds.
    public let frameShift: Double
    /// What the vertical axis says: `Frequency (Hz)`, or what features of no frequency are called.
    public let axisTitle: String
    /// Whether the vertical axis has the numbers of features.
    private let countsFeatures: Bool
    /// The text above the picture.
    public var title: String
    /// What the colour bar's numbers are: `"dB"`, or `"ln"` for natural logarithms.
    public var unit: String
    /// The values at the two ends of the colour bar; by default from the first percentile of the
    /// finite values to the greatest of them.
    public var range: ClosedRange<Double>?
    /// The width of the plot without its axes, pixels.
    public var plotWidth = 520
    /// The height of the plot without its axes, pixels.
    public var plotHeight = 240
    /// Pixels to a dot of the text.
    public var textScale = 2
    /// The colours of the levels.
    public var colorMap = ColorMap.ember

    /// A picture of T x M values.
    ///
    /// - Parameters:
    ///   - values: The values by frame and band, T x M, row-major.
    ///   - frameCount: The number of frames T; with no frames the picture has empty axes.
    ///   - bandFrequencies: The M centre frequencies in Hz, ascending.
    ///   - frameShift: The time from a frame to the next, seconds, above zero.
    ///   - title: The text above the picture.
    ///   - unit: What the values are, for the colour bar.
    public init(
        values: [Float], frameCount: Int, bandFrequencies: [Double], frameShift: Double,
        title: String = "", unit: String = "dB"
    ) {
        precondition(
            values.count == frameCount * bandFrequencies.count, "T x M values for M frequencies")
        precondition(frameShift > 0, "Frames follow each other in time")
        self.values = values
        self.frameCount = frameCount
        self.bandFrequencies = bandFrequencies
        self.frameShift = frameShift
        self.title = title
        self.unit = unit
        axisTitle = "Frequency (Hz)"
        countsFeatures = false
    }

    /// A picture of T x D values that stand for no frequencies, such as cepstral coefficients.
    ///
    /// - Parameters:
    ///   - values: The values by frame and feature, T x D, row-major.
    ///   - frameCount: The number of frames T; with no frames the picture has empty axes.
    ///   - featureCount: The number of features D; the axis counts them from 0.
    ///   - featureName: What a feature is called, for the axis.
    ///   - frameShift: The time from a frame to the next, seconds, above zero.
    ///   - title: The text above the picture.
    ///   - unit: What the values are, for the colour bar; may be empty.
    public init(
        values: [Float], frameCount: Int, featureCount: Int, featureName: String,
        frameShift: Double, title: String = "", unit: String = ""
    ) {
        precondition(values.count == frameCount * featureCount, "T x D values")
        precondition(frameShift > 0, "Frames follow each other in time")
        self.values = values
        self.frameCount = frameCount
        bandFrequencies = (0..<featureCount).map(Double.init)
        self.frameShift = frameShift
        self.title = title
        self.unit = unit
        axisTitle = featureName
        countsFeatures = true
    }

    /// Draws the picture.
    ///
    /// - Returns: The picture with title, axes and colour bar.
    public func image() -> RGBImage {
        let layout = Layout(plotWidth: plotWidth, plotHeight: plotHeight, textScale: textScale)
        var image = RGBImage(width: layout.width, height: layout.height)
        let shown = shownRange()
        drawLevels(on: &image, layout: layout, range: shown)
        drawFrame(on: &image, left: layout.left, width: plotWidth, layout: layout)
        drawTimeAxis(on: &image, layout: layout)
        drawFrequencyAxis(on: &image, layout: layout)
        drawColorBar(on: &image, layout: layout, range: shown)
        // The bar's unit stands beside the title; of a long path the end says most.
        let room = max(
            2, (layout.barLeft - layout.gap - layout.left) / (BitmapFont.advance * textScale))
        image.draw(
            title.count <= room ? title : ".." + title.suffix(room - 2), x: layout.left,
            y: layout.margin, scale: textScale,
            color: Self.textColor)
        return image
    }

    /// The ticks of the frequency axis: round numbers with their place among the bands.
    ///
    /// Evenly spaced bands have evenly spaced ticks; others, like mel bands, have one an octave
    /// from 125 Hz on.
    ///
    /// - Parameter count: The most ticks there may be, at least 2.
    /// - Returns: The ticks' frequencies with the places, in bands from 0 for the lowest band's
    ///   centre.
    public func frequencyTicks(atMost count: Int) -> [(hertz: Double, band: Double)] {
        guard let lowest = bandFrequencies.first, let highest = bandFrequencies.last,
            highest > lowest
        else { return [] }
        let candidates: [Double]
        if bandsAreEven {
            let even = AxisTicks.linear(over: lowest...highest, atMost: count).positions
            candidates = countsFeatures ? even.filter { $0 == $0.rounded() } : even
        } else {
            let octaves = (0..<9).map { 125 * pow(2, Double($0)) }
            candidates = octaves.filter { $0 >= lowest && $0 <= highest }.suffix(count)
        }
        return candidates.compactMap { hertz in band(of: hertz).map { (hertz, $0) } }
    }

    private static let textColor = RGBColor(red: 40, green: 44, blue: 52)
    private static let axisColor = RGBColor(red: 90, green: 96, blue: 106)
    private static let missingColor = RGBColor(red: 190, green: 190, blue: 190)

    private var bandCount: Int { bandFrequencies.count }

    private var bandsAreEven: Bool {
        let steps = zip(bandFrequencies.dropFirst(), bandFrequencies).map { $0 - $1 }
        guard let least = steps.min(), let greatest = steps.max() else { return true }
        return greatest - least <= 0.02 * greatest
    }

    private func band(of hertz: Double) -> Double? {
        guard let above = bandFrequencies.firstIndex(where: { $0 >= hertz }) else { return nil }
        guard above > 0 else { return bandFrequencies[0] == hertz ? 0 : nil }
        let low = bandFrequencies[above - 1]
        return Double(above - 1) + (hertz - low) / (bandFrequencies[above] - low)
    }

    private func shownRange() -> ClosedRange<Double> {
        if let range { return range }
        let finite = values.filter(\.isFinite).sorted()
        guard let greatest = finite.last else { return 0...1 }
        let least = finite[finite.count / 100]
        return least < greatest
            ? Double(least)...Double(greatest) : Double(least) - 1...Double(greatest) + 1
    }

    private func drawLevels(
        on image: inout RGBImage, layout: Layout, range: ClosedRange<Double>
    ) {
        guard frameCount > 0, bandCount > 0 else { return }
        let span = max(range.upperBound - range.lowerBound, .leastNonzeroMagnitude)
        let columns = (0..<plotWidth).map {
            Self.cells(of: $0, pixels: plotWidth, cells: frameCount)
        }
        for row in 0..<plotHeight {
            // The lowest band lies at the bottom.
            let bands = Self.cells(
                of: plotHeight - 1 - row, pixels: plotHeight, cells: bandCount)
            for (column, frames) in columns.enumerated() {
                let color = mean(frames: frames, bands: bands).map { level in
                    colorMap((level - range.lowerBound) / span)
                }
                image[layout.left + column, layout.top + row] = color ?? Self.missingColor
            }
        }
    }

    /// The cells whose middle lies in a pixel, or the one cell that the pixel lies in.
    private static func cells(of pixel: Int, pixels: Int, cells: Int) -> Range<Int> {
        let first = pixel * cells / pixels
        let end = (pixel + 1) * cells / pixels
        return first..<max(first + 1, end)
    }

    private func mean(frames: Range<Int>, bands: Range<Int>) -> Double? {
        var sum = 0.0
        for frame in frames {
            for band in bands {
                let value = values[frame * bandCount + band]
                guard value.isFinite else { return nil }
                sum += Double(value)
            }
        }
        return sum / Double(frames.count * bands.count)
    }

    private func drawTimeAxis(on image: inout RGBImage, layout: Layout) {
        let duration = Double(frameCount) * frameShift
        let base = layout.top + plotHeight + layout.line
        if duration > 0 {
            let labelWidth = BitmapFont.width(of: "0.00") * textScale
            let ticks = AxisTicks.linear(
                over: 0...duration, atMost: max(2, min(9, plotWidth / (2 * labelWidth))))
            for (time, label) in zip(ticks.positions, ticks.labels) {
                let x = layout.left + Int((time / duration * Double(plotWidth - 1)).rounded())
                image.fill(
                    columns: x..<(x + layout.line), rows: base..<(base + layout.tick),
                    color: Self.axisColor)
                image.draw(
                    label, x: x, y: base + layout.tick + layout.gap, anchor: .middle,
                    scale: textScale, color: Self.textColor)
            }
        }
        image.draw(
            "Time (s)", x: layout.left + plotWidth / 2,
            y: base + layout.tick + 2 * layout.gap + layout.textHeight, anchor: .middle,
            scale: textScale, color: Self.textColor)
    }

    private func drawFrequencyAxis(on image: inout RGBImage, layout: Layout) {
        let room = max(2, plotHeight / (2 * layout.textHeight))
        let perBand = Double(plotHeight) / Double(max(1, bandCount))
        var free = 0
        // From the top, because octaves lie closest at the bottom of a mel scale.
        for tick in frequencyTicks(atMost: min(8, room)).reversed() {
            let y = layout.top + plotHeight - 1 - Int(((tick.band + 0.5) * perBand).rounded())
            guard y >= free else { continue }
            free = y + layout.textHeight
            image.fill(
                columns: (layout.left - layout.line - layout.tick)..<(layout.left - layout.line),
                rows: y..<(y + layout.line), color: Self.axisColor)
            image.draw(
                AxisTicks.label(tick.hertz, step: 1),
                x: layout.left - layout.line - layout.tick - layout.gap,
                y: y - BitmapFont.capitalHeight * textScale / 2, anchor: .end, scale: textScale,
                color: Self.textColor)
        }
        image.draw(
            axisTitle, x: layout.margin, y: layout.top + plotHeight / 2, anchor: .middle,
            scale: textScale, color: Self.textColor, turned: true)
    }

    private func drawColorBar(
        on image: inout RGBImage, layout: Layout, range: ClosedRange<Double>
    ) {
        for row in 0..<plotHeight {
            let value = 1 - Double(row) / Double(max(1, plotHeight - 1))
            let columns = layout.barLeft..<(layout.barLeft + layout.barWidth)
            let y = layout.top + row
            image.fill(columns: columns, rows: y..<(y + 1), color: colorMap(value))
        }
        drawFrame(on: &image, left: layout.barLeft, width: layout.barWidth, layout: layout)
        let right = layout.barLeft + layout.barWidth + layout.line
        let ticks = AxisTicks.linear(
            over: range, atMost: max(2, min(9, 2 * plotHeight / (3 * layout.textHeight))))
        for (value, label) in zip(ticks.positions, ticks.labels) {
            let share = (value - range.lowerBound) / (range.upperBound - range.lowerBound)
            let y = layout.top + Int(((1 - share) * Double(plotHeight - 1)).rounded())
            image.fill(
                columns: right..<(right + layout.tick), rows: y..<(y + layout.line),
                color: Self.axisColor)
            image.draw(
                label, x: right + layout.tick + layout.gap,
                y: y - BitmapFont.capitalHeight * textScale / 2, scale: textScale,
                color: Self.textColor)
        }
        image.draw(
            unit, x: layout.barLeft, y: layout.margin, scale: textScale, color: Self.textColor)
    }

    private func drawFrame(on image: inout RGBImage, left: Int, width: Int, layout: Layout) {
        let columns = (left - layout.line)..<(left + width + layout.line)
        let rows = (layout.top - layout.line)..<(layout.top + plotHeight + layout.line)
        for y in [rows.lowerBound, rows.upperBound - layout.line] {
            image.fill(columns: columns, rows: y..<(y + layout.line), color: Self.axisColor)
        }
        for x in [columns.lowerBound, columns.upperBound - layout.line] {
            image.fill(columns: x..<(x + layout.line), rows: rows, color: Self.axisColor)
        }
    }
}

/// Where the parts of the picture lie, pixels.
private struct Layout {
    let line: Int
    let tick: Int
    let gap: Int
    let margin: Int
    let textHeight: Int
    let left: Int
    let top: Int
    let barLeft: Int
    let barWidth: Int
    let width: Int
    let height: Int

    init(plotWidth: Int, plotHeight: Int, textScale: Int) {
        precondition(
            plotWidth >= 16 && plotHeight >= 16 && textScale >= 1, "A plot has room for its axes")
        line = max(1, textScale / 2)
        tick = 3 * textScale
        gap = 3 * textScale
        margin = 5 * textScale
        textHeight = BitmapFont.height * textScale
        let labels = BitmapFont.width(of: "16000") * textScale
        left = margin + textHeight + gap + labels + gap + tick + line
        top = margin + textHeight + gap + BitmapFont.capitalHeight * textScale / 2
        barLeft = left + plotWidth + 8 * textScale
        barWidth = 8 * textScale
        width =
            barLeft + barWidth + line + tick + gap + BitmapFont.width(of: "-100.0") * textScale
            + margin
        height = top + plotHeight + line + tick + 2 * gap + 2 * textHeight + margin
    }
}
