import Foundation

/// Tar archives by hand, faulty ones too.
struct TarBytes {
    var bytes: [UInt8] = []

    /// A header with any fields.
    static func header(
        _ name: String, size: String, type: Character = "0", magic: String = "ustar\u{0}00",
        prefix: String = "", checksum: String? = nil
    ) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, _ place: Int) {
            for (index, byte) in text.utf8.enumerated() { block[place + index] = byte }
        }
        put(name, 0)
        put("0000644\u{0}0000000\u{0}0000000\u{0}", 100)
        put(size, 124)
        put("00000000000\u{0}", 136)
        put(String(type), 156)
        put(magic, 257)
        put(prefix, 345)
        put("        ", 148)
        let sum = block.reduce(0) { $0 + Int($1) }
        let octal = String(sum, radix: 8)
        put(checksum ?? String(repeating: "0", count: 6 - octal.count) + octal + "\u{0} ", 148)
        return block
    }

    mutating func add(_ name: String, _ content: [UInt8], type: Character = "0") {
        let octal = String(content.count, radix: 8)
        bytes += Self.header(
            name, size: String(repeating: "0", count: 11 - octal.count) + octal, type: type)
        bytes += content
        bytes += [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }

    mutating func add(_ name: String, _ text: String, type: Character = "0") {
        add(name, Array(text.utf8), type: type)
    }

    /// Pax's attributes for the next member.
    mutating func addAttributes(_ pairs: [(String, String)]) {
        var text = ""
        for (key, value) in pairs {
            let rest = " \(key)=\(value)\n"
            var length = rest.utf8.count + 1
            while String(length).utf8.count + rest.utf8.count != length { length += 1 }
            text += "\(length)\(rest)"
        }
        add("PaxHeaders/x", text, type: "x")
    }

    /// The archive with its end.
    var data: Data { Data(bytes + [UInt8](repeating: 0, count: 1024)) }
}
