import Foundation

/// A continuous scale of colours for values from 0 to 1.
public struct ColorMap: Sendable {
    /// The colours of 256 evenly spaced values from 0 to 1.
    public let colors: [RGBColor]

    /// The colour of a value.
    ///
    /// - Parameter value: The value; beyond 0...1 the end colours hold, NaN has the first colour.
    /// - Returns: The colour.
    public func callAsFunction(_ value: Double) -> RGBColor {
        guard value > 0 else { return colors[0] }
        return colors[Int((min(value, 1) * Double(colors.count - 1)).rounded())]
    }

    /// From near black through violet, red and orange to pale yellow, for spectrograms.
    ///
    /// Lightness rises evenly from 0.13 to 0.96 in OKLab, so equal steps of the value look like
    /// equal steps; the hue turns evenly through 185 degrees, which keeps steps apart that differ
    /// little in lightness; every colour lies inside sRGB.
    public static let ember = ColorMap { value in
        OKLCh(
            lightness: 0.13 + 0.83 * value, chroma: 0.03 + 0.14 * sin(.pi * value),
            hueDegrees: 280 + 185 * value)
    }

    /// From white to deep blue, for shares on a light page.
    ///
    /// Lightness falls evenly from 1 to 0.42 in OKLab at one hue.
    public static let ink = ColorMap { value in
        OKLCh(lightness: 1 - 0.58 * value, chroma: 0.125 * value, hueDegrees: 250)
    }

    private init(_ color: (Double) -> OKLCh) {
        colors = (0..<256).map { color(Double($0) / 255).sRGB }
    }
}

/// A colour by lightness, chroma and hue in OKLab, a space of even perceived steps.
///
/// ## Reference
/// B. Ottosson, "A perceptual color space for image processing", 2020 (the two matrices).
struct OKLCh {
    var lightness: Double
    var chroma: Double
    var hueDegrees: Double

    /// The nearest 8-bit sRGB colour, each channel clipped to its range.
    var sRGB: RGBColor {
        let hue = hueDegrees * .pi / 180
        let a = chroma * cos(hue)
        let b = chroma * sin(hue)
        let long = cube(lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b)
        let medium = cube(lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b)
        let short = cube(lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b)
        return RGBColor(
            red: encoded(
                4.076_741_662_1 * long - 3.307_711_591_3 * medium + 0.230_969_929_2 * short),
            green: encoded(
                -1.268_438_004_6 * long + 2.609_757_401_1 * medium - 0.341_319_396_5 * short),
            blue: encoded(
                -0.004_196_086_3 * long - 0.703_418_614_7 * medium + 1.707_614_701_0 * short))
    }

    private func cube(_ value: Double) -> Double { value * value * value }

    /// The sRGB transfer curve (IEC 61966-2-1), to 8 bits.
    private func encoded(_ linear: Double) -> UInt8 {
        let value =
            linear <= 0.003_130_8 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - 0.055
        return UInt8((255 * min(1, max(0, value))).rounded())
    }
}
