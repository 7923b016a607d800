import ApusProbing
import ApusSignal
import Foundation
import TestSupport
import Testing

@Suite struct StoredEmbeddingsTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func message(_ path: String) -> String {
        do {
            _ = try StoredEmbeddings(contentsOf: path)
            return "none"
        } catch {
            return "\(error)"
        }
    }

    private func write(_ text: String, _ name: String) throws -> String {
        try text.write(toFile: folder.path + "/" + name, atomically: true, encoding: .utf8)
        return folder.path + "/" + name
    }

    @Test func threeKindsOfFilesHoldTheSame() throws {
        let values: [Float] = [1, 2, 3, 4, 5, 6.5]
        let array = folder.path + "/a.npy"
        try NumPyFile.write(values, shape: [2, 3], to: array)
        _ = try write("first\nsecond one\n", "a.npy.ids.txt")
        let lines = try write(
            "{\"id\": \"first\", \"embedding\": [1, 2, 3]}\n"
                + "{\"embedding\": [4, 5, 6.5], \"id\": \"second one\"}\n", "a.jsonl")
        let archive = folder.path + "/a.ark"
        let writer = try KaldiArchiveWriter(
            path: archive, scriptPath: folder.path + "/a.scp")
        _ = try writer.append(Array(values[..<3]), key: "first")
        _ = try writer.append(Array(values[3...]), key: "second")
        try writer.finish()
        for (path, second) in [(array, "second one"), (lines, "second one"), (archive, "second")] {
            let read = try StoredEmbeddings(contentsOf: path)
            #expect(read.ids == ["first", second])
            #expect(read.width == 3)
            #expect(read.values == values)
        }
    }

    @Test func whatIsWrongIsNamed() throws {
        let path = folder.path + "/b.npy"
        try NumPyFile.write([1, .nan, 3, 4], shape: [2, 2], to: path)
        #expect(message(path).contains("b.npy.ids.txt"))
        _ = try write("one\n", "b.npy.ids.txt")
        #expect(message(path).contains("expected a row for each of the 1 names"))
        _ = try write("one\none\n", "b.npy.ids.txt")
        #expect(message(path).contains("'one' has two embeddings"))
        _ = try write("one\ntwo\n", "b.npy.ids.txt")
        #expect(message(path).contains("the embedding of 'one' is not finite: value 1 is nan"))
        #expect(message(folder.path + "/absent.npy").contains("absent.npy"))
        for (text, word) in [
            ("", "no embeddings"), ("{\"id\": 1}\n", "c.jsonl:1: expected"),
            ("{\"id\": \"a\", \"embedding\": [1]}\nx\n", "c.jsonl:2: expected"),
            (
                "{\"id\": \"a\", \"embedding\": [1]}\n{\"id\": \"b\", \"embedding\": [1, 2]}\n",
                "the embedding of 'b' has 2 values, that of 'a' 1"
            ),
            ("{\"id\": \"a\", \"embedding\": [\"NaN\"]}\n", "is not finite"),
        ] {
            let text = message(try write(text, "c.jsonl"))
            #expect(text.contains(word), "\(text)")
        }
    }
}
