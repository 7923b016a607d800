import ApusCorpus
import Foundation
import TestSupport
import Testing

@Suite struct SHA256Tests {
    private func hash(_ bytes: [UInt8], pieces: Int = .max) -> String {
        var hash = SHA256()
        var rest = bytes[...]
        while !rest.isEmpty {
            Array(rest.prefix(pieces)).withUnsafeBytes { hash.update($0) }
            rest = rest.dropFirst(pieces)
        }
        return hash.finalize()
    }

    /// FIPS 180-2, appendix B, and the hash of nothing.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func standardExamples(text: String, expected: String) {
        #expect(hash(Array(text.utf8)) == expected)
    }

    @Test func aMillionTimesA() {
        #expect(
            hash([UInt8](repeating: UInt8(ascii: "a"), count: 1_000_000), pieces: 977)
                == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    /// However the bytes are cut, also at every place around a block's end.
    @Test func piecesDoNotMatter() {
        for count in [1, 55, 56, 63, 64, 65, 119, 120, 128, 200] {
            let bytes = (0..<count).map { UInt8($0 * 7 % 251) }
            let whole = hash(bytes)
            for pieces in [1, 3, 63, 64, 65] { #expect(hash(bytes, pieces: pieces) == whole) }
        }
    }

    @Test func filesAreReadAgainWhenTheyChange() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/a"
        try Data("abc".utf8).write(to: URL(fileURLWithPath: path))
        let hashes = ContentHashes()
        #expect(hashes.hash(of: path)?.hasPrefix("ba7816bf") == true)
        try Data("abcd".utf8).write(to: URL(fileURLWithPath: path))
        #expect(hashes.hash(of: path)?.hasPrefix("88d4266f") == true)
        #expect(hashes.hash(of: folder.path + "/absent") == nil)
        #expect(hashes.hash(of: folder.path) == nil)
    }
}
