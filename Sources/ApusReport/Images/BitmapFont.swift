import Foundation

/// A fixed-width bitmap font for the printable ASCII characters: 5 x 7 pixels and two rows of
/// descender.
enum BitmapFont {
    /// The width of a character, pixels.
    static let width = 5
    /// The height of a capital above the base line, pixels.
    static let capitalHeight = 7
    /// The height with descender, pixels.
    static let height = 9
    /// The distance from a character to the next, pixels.
    static let advance = 6

    /// The rows of every character from space to tilde, from the top: a row is one digit to base
    /// 32, whose five bits are the pixels from the left.
    private static let rows = """
        000000000 444440400 AA0000000 AAVAVAA00 4FKE5U400 OP248J300 CIK8LID00 440000000
        248884200 842224800 04LEL4000 044V44000 000004480 000V00000 00000CC00 11248GG00
        EHJLPHE00 4C4444E00 EH1248V00 V2421HE00 26AIV2200 VGU11HE00 68GUHHE00 V12488800
        EHHEHHE00 EHHF12C00 0CC0CC000 0CC0C4800 248G84200 00V0V0000 842124800 EH1240400
        EH1DLLE00 EHHVHHH00 UHHUHHU00 EHGGGHE00 SIHHHIS00 VGGUGGV00 VGGUGGG00 EHGNHHF00
        HHHVHHH00 E44444E00 72222IC00 HIKOKIH00 GGGGGGV00 HRLLHHH00 HHPLJHH00 EHHHHHE00
        UHHUGGG00 EHHHLID00 UHHUKIH00 FGGE11U00 V44444400 HHHHHHE00 HHHHHA400 HHHLLLA00
        HHA4AHH00 HHHA44400 V1248GV00 E88888E00 GG8421100 E22222E00 4AH000000 000000V00
        840000000 00E1FHF00 GGMPHHU00 00EGGHE00 11DJHHF00 00EHVGE00 698S88800 00FHHHF1E
        GGMPHHH00 40C444E00 2062222IC GGIKOKI00 C44444E00 00QLLLL00 00MPHHH00 00EHHHE00
        00UHHHUGG 00FHHHF11 00MPGGG00 00FGE1U00 88S889600 00HHHJD00 00HHHA400 00HHLLA00
        00HA4AH00 00HHHHF1E 00V248V00 244844200 444444400 842248800 08L200000
        """.split(whereSeparator: \.isWhitespace).map { glyph in
            glyph.map { UInt8(String($0), radix: 32) ?? 0 }
        }

    /// What stands for a character outside of ASCII that has no ASCII base: an empty box.
    private static let unknown: [UInt8] = [31, 17, 17, 17, 17, 17, 31, 0, 0]

    /// The width of a line of text, pixels.
    static func width(of text: String) -> Int {
        max(0, text.count * advance - (advance - width))
    }

    /// The pixels of a line of text, from the top left of its first character's cell.
    ///
    /// Letters with accents are drawn without them.
    static func pixels(of text: String) -> [(x: Int, y: Int)] {
        let plain = text.folding(options: .diacriticInsensitive, locale: nil)
        var pixels: [(x: Int, y: Int)] = []
        for (position, character) in plain.enumerated() {
            for (y, row) in glyph(character).enumerated() {
                for x in 0..<width where row & (0b10000 >> x) != 0 {
                    pixels.append((position * advance + x, y))
                }
            }
        }
        return pixels
    }

    private static func glyph(_ character: Character) -> [UInt8] {
        guard let code = character.asciiValue, code >= 32, code < 127 else { return unknown }
        return rows[Int(code) - 32]
    }
}

/// Where the point given for a text lies in it.
enum TextAnchor {
    case start
    case middle
    case end
}

extension RGBImage {
    /// Draws a line of text.
    ///
    /// `x` is the anchor's column and `y` the top row of the capitals; for a text that is turned,
    /// which reads upwards, `y` is the anchor's row and `x` the left column.
    mutating func draw(
        _ text: String, x: Int, y: Int, anchor: TextAnchor = .start, scale: Int,
        color: RGBColor, turned: Bool = false
    ) {
        let length = BitmapFont.width(of: text) * scale
        let shift =
            switch anchor {
            case .start: 0
            case .middle: length / 2
            case .end: length
            }
        for pixel in BitmapFont.pixels(of: text) {
            let along = pixel.x * scale - shift
            let left = turned ? x + pixel.y * scale : x + along
            let top = turned ? y - along - scale : y + pixel.y * scale
            fill(columns: left..<(left + scale), rows: top..<(top + scale), color: color)
        }
    }
}
