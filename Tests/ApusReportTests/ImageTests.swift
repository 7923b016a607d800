import ApusReport
import CPNG
import Foundation
import Testing

@Suite struct ImageTests {
    @Test func aPNGFileHoldsTheSamePixels() throws {
        var image = RGBImage(width: 5, height: 3, color: .white)
        image[4, 0] = RGBColor(red: 1, green: 2, blue: 3)
        image.fill(
            columns: -2..<1, rows: 2..<9, color: RGBColor(red: 200, green: 100, blue: 50))
        let file = try image.png()
        #expect(Array(file.prefix(8)) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        let decoded = try decode(file)
        #expect(decoded.width == 5)
        #expect(decoded.height == 3)
        #expect(decoded.pixels == image.pixels)
        #expect(image[0, 2] == RGBColor(red: 200, green: 100, blue: 50))
    }

    @Test func aPictureThatCannotBeWrittenIsAnError() {
        let url = URL(fileURLWithPath: "/nonexistent/picture.png")
        #expect {
            try RGBImage(width: 1, height: 1).writePNG(to: url)
        } throws: { error in
            guard case .cannotWrite(let path, _) = error as? ReportError else { return false }
            return path == url.path
        }
    }

    @Test(arguments: [ColorMap.ember, ColorMap.ink])
    func lightnessIsMonotonic(map: ColorMap) {
        let luminance = map.colors.map { color in
            0.2126 * linear(color.red) + 0.7152 * linear(color.green) + 0.0722 * linear(color.blue)
        }
        let differences = zip(luminance.dropFirst(), luminance).map { $0 - $1 }
        let rising = luminance[255] > luminance[0]
        #expect(differences.allSatisfy { rising ? $0 > -1e-4 : $0 < 1e-4 })
        #expect(abs(luminance[255] - luminance[0]) > 0.7)
        #expect(map(.nan) == map.colors[0])
        #expect(map(7) == map.colors[255])
    }

    @Test func aLoudBandIsBrightAtItsFrequency() {
        // 10 frames of 8 bands at 0, 500, ... 3500 Hz; the band of 1000 Hz is loud.
        let values = (0..<80).map { Float($0 % 8 == 2 ? 0 : -60) }
        var picture = SpectrogramImage(
            values: values, frameCount: 10, bandFrequencies: (0..<8).map { 500 * Double($0) },
            frameShift: 0.01, title: "tone")
        picture.plotWidth = 100
        picture.plotHeight = 80
        let image = picture.image()
        let loud = ColorMap.ember(1)
        let rows = (0..<image.height).filter { y in
            (0..<image.width).filter { image[$0, y] == loud }.count >= 100
        }
        // 10 rows a band; the third band from the bottom.
        #expect(rows.count == 10)
        let quiet = (0..<image.height).filter { y in
            (0..<image.width).filter { image[$0, y] == ColorMap.ember(0) }.count >= 100
        }
        #expect(quiet.count == 70)
        #expect(quiet.filter { $0 > rows[9] }.count == 20)
        #expect(quiet.filter { $0 < rows[0] }.count == 50)
    }

    @Test func melBandsHaveTicksAnOctaveApart() {
        let mel = (0..<40).map { 700 * (pow(10, Double($0) * 71 / 2595) - 1) + 20 }
        let picture = SpectrogramImage(
            values: [], frameCount: 0, bandFrequencies: mel, frameShift: 0.01)
        let ticks = picture.frequencyTicks(atMost: 8)
        #expect(ticks.map(\.hertz) == [125, 250, 500, 1000, 2000, 4000])
        for tick in ticks {
            let below = Int(tick.band)
            #expect(mel[below] <= tick.hertz && tick.hertz <= mel[below + 1])
        }
    }

    @Test func evenBandsHaveEvenTicks() {
        let picture = SpectrogramImage(
            values: [], frameCount: 0, bandFrequencies: (0...256).map { 31.25 * Double($0) },
            frameShift: 0.01)
        let ticks = picture.frequencyTicks(atMost: 6)
        #expect(ticks.map(\.hertz) == [0, 2000, 4000, 6000, 8000])
        #expect(ticks.map(\.band) == [0, 64, 128, 192, 256])
    }

    @Test func featuresOfNoFrequencyAreCounted() {
        let picture = SpectrogramImage(
            values: (0..<26).map(Float.init), frameCount: 2, featureCount: 13,
            featureName: "Coefficient", frameShift: 0.01)
        let ticks = picture.frequencyTicks(atMost: 8)
        #expect(ticks.map(\.hertz) == [0, 2, 4, 6, 8, 10, 12])
        #expect(ticks.map(\.band) == [0, 2, 4, 6, 8, 10, 12])
        // There is no half of a coefficient.
        let few = SpectrogramImage(
            values: [], frameCount: 0, featureCount: 3, featureName: "Coefficient",
            frameShift: 0.01)
        #expect(few.frequencyTicks(atMost: 8).map(\.hertz) == [0, 1, 2])
        // The axis says what they are.
        let hertz = SpectrogramImage(
            values: (0..<26).map(Float.init), frameCount: 2,
            bandFrequencies: (0..<13).map(Double.init), frameShift: 0.01, unit: "")
        #expect(picture.axisTitle == "Coefficient")
        #expect(hertz.axisTitle == "Frequency (Hz)")
        #expect(picture.image() != hertz.image())
    }

    @Test(arguments: [
        [Float](), [.nan], [.infinity, .nan, -.infinity, 3], [1, 1, 1],
    ])
    func emptyAndNonFiniteLevelsAreDrawn(values: [Float]) throws {
        let picture = SpectrogramImage(
            values: values, frameCount: values.count, bandFrequencies: [100], frameShift: 0.01)
        let decoded = try decode(picture.image().png())
        #expect(decoded.width > picture.plotWidth)
        #expect(decoded.height > picture.plotHeight)
    }

    @Test func everyPrintableCharacterLooksDifferent() {
        var seen: [[UInt8]: Character] = [:]
        for code in UInt8(32)..<127 {
            let character = Character(UnicodeScalar(code))
            var picture = SpectrogramImage(
                values: [], frameCount: 0, bandFrequencies: [], frameShift: 0.01,
                title: String(character))
            picture.plotWidth = 16
            picture.plotHeight = 16
            let pixels = picture.image().pixels
            #expect(seen[pixels] == nil, "\(character) looks like another character")
            seen[pixels] = character
        }
    }
}

private func linear(_ channel: UInt8) -> Double {
    let value = Double(channel) / 255
    return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
}

private func decode(_ file: Data) throws -> (width: Int, height: Int, pixels: [UInt8]) {
    var header = png_image()
    header.version = png_uint_32(PNG_IMAGE_VERSION)
    defer { png_image_free(&header) }
    // libpng reads from where the bytes lie, in both calls.
    let bytes = [UInt8](file)
    return try bytes.withUnsafeBytes { source in
        let base = try #require(source.baseAddress)
        try #require(png_image_begin_read_from_memory(&header, base, source.count) != 0)
        header.format = png_uint_32(PNG_FORMAT_FLAG_COLOR)
        var pixels = [UInt8](repeating: 0, count: 3 * Int(header.width) * Int(header.height))
        try #require(png_image_finish_read(&header, nil, &pixels, 0, nil) != 0)
        return (Int(header.width), Int(header.height), pixels)
    }
}
