import ApusNN
import Foundation
import Testing

/// What PyTorch saved, in both of its formats, as `References/make_torch_checkpoint.py` wrote it.
@Suite struct TorchCheckpointTests {
    static let names = ["checkpoint.pt", "checkpoint-legacy.pt"]

    private func open(_ name: String) throws -> TorchCheckpoint {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        return try TorchCheckpoint(
            contentsOf: folder.appendingPathComponent("References/\(name)").path)
    }

    @Test(arguments: names)
    func tensorsOfEveryType(name: String) throws {
        let checkpoint = try open(name)
        let found = try checkpoint.values(of: checkpoint.content.tensors)
        let quarters = (0..<12).map { Float($0) / 4 }
        let expected: [String: ([Int], [Float])] = [
            "float64": ([2], [1.5, -2.25]), "float32": ([3, 4], quarters),
            "float16": ([5], [1.5, -0.0, 65504, 5.9604645e-8, .infinity]),
            "bfloat16": ([2], [1.5, -3]), "int64": ([2], [-5, 1_099_511_627_776]),
            "int32": ([2], [-5, 7]), "int16": ([2], [-5, 7]), "int8": ([2], [-5, 7]),
            "uint8": ([2], [250, 7]), "bool": ([2], [1, 0]),
            "transposed": (
                [4, 3], (0..<12).map { Float($0 % 3 * 4 + $0 / 3) / 4 }
            ),
            "view": ([2, 2], [5, 6, 9, 10].map { $0 / 4 }), "scalar": ([], [0.5]),
            "empty": ([0, 3], []), "parameter": ([1], [3]),
        ]
        #expect(Set(found.keys) == Set(expected.keys))
        for (name, (shape, values)) in expected {
            #expect(found[name] == TensorValues(shape: shape, values: values), "\(name)")
        }
        #expect(found["float16"]?.values[1].sign == .minus)
        let module = try #require(checkpoint.content["module"])
        #expect(Set(module.tensors.keys) == ["weight", "bias"])
        #expect(try checkpoint.values(of: module.tensors)["weight"]?.values == [1, 2])
    }

    @Test(arguments: names)
    func plainValues(name: String) throws {
        let content = try open(name).content
        for key in ["plain", "shared"] {
            guard case .list(let plain)? = content[key], plain.count == 13 else {
                Issue.record("\(key)")
                return
            }
            if case .none = plain[0] {} else { Issue.record("None") }
            #expect(plain[1...2].map(\.bool) == [true, false])
            #expect(
                plain[3...8].map(\.integer)
                    == [0, 255, 65535, -1, 2_147_483_648, -1_099_511_627_776])
            if case .bytes(let bytes) = plain[9] {
                #expect(bytes == [0, 0, 0, 0, 0, 0, 0, 0, 64])
            } else {
                Issue.record("2^70")
            }
            #expect(plain[10].double == 0.1 && plain[11].text == "héllo")
            if case .bytes(let bytes) = plain[12] {
                #expect(bytes == Array("ab".utf8))
            } else {
                Issue.record("bytes")
            }
        }
        guard case .dictionary(let ordered)? = content["ordered"],
            case .list(let tuple)? = content["tuple"], case .list(let inner) = tuple[1],
            case .list(let size)? = content["size"]
        else {
            Issue.record("containers")
            return
        }
        #expect(ordered.map(\.key.text) == ["b", "a"] && ordered.map(\.value.integer) == [1, 2])
        #expect(tuple.count == 3 && inner.map(\.integer) == [2, 3, 4, 5])
        #expect(size.map(\.integer) == [3, 4])
        #expect(content["namespace"]?["rate"]?.double == 1e-3)
        #expect(content["namespace"]?["name"]?.text == "x")
        #expect(content["device"]?.text == "cpu")
        #expect(content["dtype"]?.text == "torch.float16")
        #expect(content["missing"] == nil)
    }

    @Test(arguments: names)
    func everyTruncationIsAnError(name: String) throws {
        let whole = try Data(contentsOf: URL(fileURLWithPath: open(name).path))
        try withFolder { folder in
            let path = folder + "/cut.pt"
            for length in 0..<whole.count {
                try whole.prefix(length).write(to: URL(fileURLWithPath: path))
                #expect(throws: NNError.self, "\(length) bytes") {
                    let checkpoint = try TorchCheckpoint(contentsOf: path)
                    _ = try checkpoint.values(of: checkpoint.content.tensors)
                }
            }
        }
    }
}
