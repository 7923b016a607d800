import ApusNN
import Foundation
import Testing

/// Damaged and hostile files: each is an error that names the file, and none traps.
@Suite struct HostileSafetensorsTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var data: Data
        /// What the error says.
        var words: String

        /// A file that is only bytes.
        init(_ name: String, bytes: [UInt8], _ words: String) {
            (testDescription, data, self.words) = (name, Data(bytes), words)
        }

        /// A file with a header and a number of payload bytes.
        init(_ name: String, _ header: String, payload: Int = 8, _ words: String) {
            var data = Data()
            withUnsafeBytes(of: UInt64(header.utf8.count).littleEndian) {
                data.append(contentsOf: $0)
            }
            data.append(contentsOf: header.utf8)
            data.append(Data(count: payload))
            (testDescription, self.data, self.words) = (name, data, words)
        }
    }

    private static func entry(
        _ name: String = "x", type: String = "F32", shape: String = "[2]", offsets: String = "[0,8]"
    ) -> String {
        "\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":\(offsets)}"
    }

    static let cases: [Case] = [
        Case("empty file", bytes: [], "0 bytes are too few"),
        Case("seven bytes", bytes: [1, 0, 0, 0, 0, 0, 0], "7 bytes are too few"),
        Case(
            "header of 2^63 bytes", bytes: [0, 0, 0, 0, 0, 0, 0, 0x80, 0x7B, 0x7D],
            "a header of 9223372036854775808 bytes"),
        Case(
            "header of 2^64 - 1 bytes", bytes: [UInt8](repeating: 0xFF, count: 16),
            "a header of 18446744073709551615 bytes"),
        Case(
            "header longer than the file", bytes: [3, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x7D],
            "a header of 3 bytes is announced in a file of 10 bytes"),
        Case("header of no bytes", bytes: [UInt8](repeating: 0, count: 8), "not JSON"),
        Case("not JSON", "{\"x\":", "not JSON"),
        Case("not an object", "[1, 2]", "not JSON"),
        Case(
            "nested without end", String(repeating: "[", count: 100_000), "not JSON"),
        Case("invalid UTF-8", bytes: [3, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0xFF, 0x7D], "not JSON"),
        Case("entry that is no object", "{\"x\":5}", "the entry of x is incomplete"),
        Case(
            "entry without offsets", "{\"x\":{\"dtype\":\"F32\",\"shape\":[2]}}",
            "the entry of x is incomplete"),
        Case("three offsets", "{\(entry(offsets: "[0,4,8]"))}", "the entry of x is incomplete"),
        Case("shape of text", "{\(entry(shape: "[\"2\"]"))}", "the entry of x is incomplete"),
        Case("broken size", "{\(entry(shape: "[1.5]"))}", "the entry of x is incomplete"),
        Case(
            "size beyond 64 bits", "{\(entry(shape: "[99999999999999999999]"))}",
            "the entry of x is incomplete"),
        Case("integers", "{\(entry(type: "I32"))}", "x has the type I32, expected F32"),
        Case(
            "a tensor twice", "{\(entry()),\(entry())}", "the tensor x is there twice"),
        Case(
            "a field twice", "{\"x\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}",
            "the entry of x has dtype twice"),
        Case(
            "a field of no meaning", "{\"x\":{\"strides\":[1]}}",
            "the entry of x has the field strides"),
        Case(
            "metadata twice in itself", "{\"__metadata__\":{\"a\":\"b\",\"a\":\"c\"}}",
            "the metadata a is there twice"),
        Case("text after the header", "{\(entry())} x", "not JSON"),
        Case("a half of a character", "{\"\\ud800\":{}}", "not JSON"),
        Case(
            "more overlaps than memory",
            "{" + (0..<1000).map { entry("t\($0)") }.joined(separator: ",") + "}",
            "two tensors overlap"),
        Case("unknown type", "{\(entry(type: "F33"))}", "x has the type F33, expected F32"),
        Case("offsets out of range", "{\(entry(offsets: "[8,16]"))}", "x lies outside the file"),
        Case(
            "offsets near the end of the integers",
            "{\(entry(offsets: "[9223372036854775800,9223372036854775807]"))}",
            "x lies outside the file"),
        Case("negative offset", "{\(entry(offsets: "[-8,0]"))}", "x lies outside the file"),
        Case("offsets that run back", "{\(entry(offsets: "[8,0]"))}", "x lies outside the file"),
        Case("negative size", "{\(entry(shape: "[-2]"))}", "x lies outside the file"),
        Case(
            "negative sizes with a positive product", "{\(entry(shape: "[-1,-2]"))}",
            "x lies outside the file"),
        Case(
            "sizes whose product overflows",
            "{\(entry(shape: "[4294967296,4294967296,2]"))}", "x has the shape"),
        Case(
            "a number of bytes that overflows", "{\(entry(shape: "[4611686018427387904]"))}",
            "x of shape [4611686018427387904] has 8 bytes"),
        Case("shape of fewer bytes", "{\(entry(shape: "[1]"))}", "x of shape [1] has 8 bytes"),
        Case("truncated payload", "{\(entry())}", payload: 7, "x lies outside the file"),
        Case("no payload", "{\(entry())}", payload: 0, "x lies outside the file"),
        Case(
            "overlapping tensors",
            "{\(entry(offsets: "[0,8]")),\(entry("y", offsets: "[4,12]"))}", payload: 12,
            "two tensors overlap"),
        Case(
            "one tensor inside another",
            "{\(entry(shape: "[4]", offsets: "[0,16]")),\(entry("y", shape: "[1]", offsets: "[4,8]"))}",
            payload: 16, "two tensors overlap"),
        Case(
            "a hole", "{\(entry("x", offsets: "[4,12]"))}", payload: 12,
            "the bytes from 0 to 4 belong to no tensor"),
        Case("bytes left over", "{\(entry())}", payload: 9, "1 bytes after the last tensor"),
        Case("metadata that is no text", "{\"__metadata__\":{\"a\":1}}", "metadata is not text"),
    ]

    @Test(arguments: cases)
    func isAnErrorThatNamesTheFile(hostile: Case) throws {
        try withFolder { folder in
            let path = folder + "/hostile.safetensors"
            try hostile.data.write(to: URL(fileURLWithPath: path))
            let error = #expect(throws: NNError.self) { try Safetensors(contentsOf: path) }
            guard case .notSafetensors(let named, let reason) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(named == path)
            #expect(reason.contains(hostile.words), "\(reason)")
            #expect(error?.description.contains(path) == true)
        }
    }

    @Test func everyTruncationIsAnError() throws {
        let whole = try Safetensors(
            tensors: [
                "x": TensorValues(shape: [2], values: [1, 2]),
                "y": TensorValues(shape: [1], values: [3]),
            ], metadata: ["a": "b"]
        ).encoded()
        try withFolder { folder in
            let path = folder + "/cut.safetensors"
            for length in 0..<whole.count {
                try whole.prefix(length).write(to: URL(fileURLWithPath: path))
                #expect(throws: NNError.self) { try Safetensors(contentsOf: path) }
            }
        }
    }

    @Test func missingFileAndFolder() throws {
        try withFolder { folder in
            let path = folder + "/none.safetensors"
            #expect(throws: NNError.missingFile(path: path)) { try Safetensors(contentsOf: path) }
            #expect(throws: NNError.notSafetensors(path: folder, reason: "it cannot be read")) {
                try Safetensors(contentsOf: folder)
            }
        }
    }
}
