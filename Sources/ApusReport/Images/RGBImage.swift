/// A colour of 8 bits a channel, sRGB.
public struct RGBColor: Hashable, Sendable {
    /// The red channel.
    public var red: UInt8
    /// The green channel.
    public var green: UInt8
    /// The blue channel.
    public var blue: UInt8

    /// A colour from its channels.
    ///
    /// - Parameters:
    ///   - red: The red channel, 0...255.
    ///   - green: The green channel, 0...255.
    ///   - blue: The blue channel, 0...255.
    public init(red: UInt8, green: UInt8, blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    /// White.
    public static let white = RGBColor(red: 255, green: 255, blue: 255)

    /// The colour as HTML and SVG write it, for example `#0072b2`.
    public var hexadecimal: String {
        "#"
            + [red, green, blue].map { channel in
                let digits = String(channel, radix: 16)
                return digits.count == 1 ? "0" + digits : digits
            }.joined()
    }
}

/// A picture of 8-bit RGB pixels, row by row from the top.
public struct RGBImage: Equatable, Sendable {
    /// The width in pixels.
    public let width: Int
    /// The height in pixels.
    public let height: Int
    /// The channels red, green, blue of every pixel; `3 * width * height` bytes.
    public private(set) var pixels: [UInt8]

    /// A picture of one colour.
    ///
    /// - Parameters:
    ///   - width: The width in pixels, at least 1.
    ///   - height: The height in pixels, at least 1.
    ///   - color: The colour of every pixel.
    public init(width: Int, height: Int, color: RGBColor = .white) {
        precondition(width > 0 && height > 0, "A picture has at least one pixel")
        self.width = width
        self.height = height
        pixels = []
        pixels.reserveCapacity(3 * width * height)
        for _ in 0..<(width * height) {
            pixels += [color.red, color.green, color.blue]
        }
    }

    /// The colour of a pixel.
    ///
    /// - Parameters:
    ///   - x: The column, from 0 at the left.
    ///   - y: The row, from 0 at the top.
    public subscript(x: Int, y: Int) -> RGBColor {
        get {
            let start = offset(x, y)
            return RGBColor(
                red: pixels[start], green: pixels[start + 1], blue: pixels[start + 2])
        }
        set {
            let start = offset(x, y)
            pixels[start] = newValue.red
            pixels[start + 1] = newValue.green
            pixels[start + 2] = newValue.blue
        }
    }

    /// Fills a rectangle; what lies outside of the picture is left out.
    ///
    /// - Parameters:
    ///   - columns: The columns, from 0 at the left.
    ///   - rows: The rows, from 0 at the top.
    ///   - color: The new colour.
    public mutating func fill(columns: Range<Int>, rows: Range<Int>, color: RGBColor) {
        for y in rows.clamped(to: 0..<height) {
            for x in columns.clamped(to: 0..<width) {
                self[x, y] = color
            }
        }
    }

    private func offset(_ x: Int, _ y: Int) -> Int {
        precondition(x >= 0 && x < width && y >= 0 && y < height, "The pixel is in the picture")
        return 3 * (y * width + x)
    }
}
