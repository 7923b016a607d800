import ApusNN
import Foundation
import Testing

/// Hostile and damaged checkpoints: each is an error that says why, nothing is executed, none traps.
@Suite struct HostileCheckpointTests {
    /// A pickle of protocol 2, by its opcodes.
    struct Pickle: Sendable {
        var bytes: [UInt8] = [0x80, 2]

        static func + (pickle: Pickle, code: String) -> Pickle {
            Pickle(bytes: pickle.bytes + Array(code.utf8))
        }
        static func + (pickle: Pickle, code: [UInt8]) -> Pickle {
            Pickle(bytes: pickle.bytes + code)
        }
        func text(_ text: String) -> Pickle {
            self + ([UInt8(ascii: "X")] + Self.little(text.utf8.count, 4) + Array(text.utf8))
        }
        func number(_ value: Int) -> Pickle { self + ([0x8A, 8] + Self.little(value, 8)) }
        func global(_ module: String, _ name: String) -> Pickle { self + "c\(module)\n\(name)\n" }
        func times(_ count: Int, _ code: [UInt8]) -> Pickle {
            self + Array(repeatElement(code, count: count).joined())
        }
        /// The storage "0" of float32.
        func storage(_ count: Int, type: String = "FloatStorage") -> Pickle {
            (self + "(").text("storage").global("torch", type).text("0").text("cpu").number(count)
                + "tQ"
        }
        /// A tensor of the storage "0".
        func tensor(count: Int, offset: Int = 0, shape: [Int], strides: [Int]) -> Pickle {
            var pickle = (global("torch._utils", "_rebuild_tensor_v2") + "(").storage(count)
                .number(offset)
            for sizes in [shape, strides] {
                pickle = sizes.reduce(pickle + "(") { $0.number($1) } + "t"
            }
            return pickle + [0x89] + "}tR"
        }

        static func little(_ value: Int, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
    }

    /// A ZIP archive of stored members; `overlap` has the list point both storages to the first one.
    static func archive(
        _ members: [(name: String, bytes: [UInt8])], method: Int = 0,
        overlap: Bool = false, size: Int? = nil
    ) -> Data {
        var (data, list) = (Data(), Data())
        var first: Int?
        for (name, bytes) in members {
            let offset = data.count
            let start = overlap && name.contains("data/") ? first ?? offset : offset
            if name.contains("data/") { first = first ?? offset }
            let sizes = Pickle.little(size ?? bytes.count, 4)
            let common =
                Pickle.little(0, 2) + Pickle.little(method, 2) + Pickle.little(0, 8) + sizes + sizes
                + Pickle.little(name.utf8.count, 2) + Pickle.little(0, 2)
            data.append(contentsOf: Pickle.little(0x0403_4B50, 4) + Pickle.little(20, 2) + common)
            data.append(contentsOf: Array(name.utf8) + bytes)
            list.append(contentsOf: Pickle.little(0x0201_4B50, 4) + Pickle.little(20, 2))
            list.append(contentsOf: Pickle.little(20, 2) + common + Pickle.little(0, 10))
            list.append(contentsOf: Pickle.little(start, 4) + Array(name.utf8))
        }
        let count = Pickle.little(members.count, 2)
        return data + list
            + Data(
                Pickle.little(0x0605_4B50, 4) + Pickle.little(0, 4) + count + count
                    + Pickle.little(list.count, 4) + Pickle.little(data.count, 4)
                    + Pickle.little(0, 2))
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var data: Data
        /// What the error says.
        var words: String

        init(_ name: String, _ data: Data, _ words: String) {
            (testDescription, self.data, self.words) = (name, data, words)
        }

        /// A pickle in an archive with a storage of four floats.
        init(_ name: String, _ pickle: Pickle, _ words: String) {
            self.init(
                name,
                HostileCheckpointTests.archive([
                    ("a/data.pkl", (pickle + ".").bytes),
                    ("a/data/0", [UInt8](repeating: 0, count: 16)),
                ]), words)
        }
    }

    private static let start = Pickle()

    static let cases: [Case] = [
        Case(
            "os.system in a reduce",
            start.global("os", "system").text("touch hacked") + [0x85] + "R", "it names os.system"),
        Case(
            "posix.system by STACK_GLOBAL", start.text("posix").text("system") + [0x93],
            "it names posix.system"),
        Case("builtins.eval", start.global("builtins", "eval"), "it names builtins.eval"),
        Case("INST", start + "(ios\nsystem\n", "the opcode 0x69"),
        Case("OBJ", start + "(o", "the opcode 0x6f"),
        Case("an extension", start + [0x82, 1], "the opcode 0x82"),
        Case(
            "a module's class", start.global("torch.nn.modules.linear", "Linear") + ")" + [0x81],
            "it names torch.nn.modules.linear.Linear"),
        Case(
            "a name with an escape", start.global("os\u{1B}[31m", "system"),
            "it names os?[31m.system"),
        Case("a list that holds itself", start + "]q\0h\0a", "holds itself"),
        Case("a dictionary that holds itself", start + "}q\0K\u{1}h\0s", "holds itself"),
        Case(
            "nested without end", start.times(5000, Array("]".utf8)).times(4999, Array("a".utf8)),
            "nested over 100 deep"),
        Case(
            "nested in tuples that were seen before",
            stride(from: 50, through: 3000, by: 50).reduce(
                (start + ")q\0").times(3000, [0x85, 0x94]) + "("
            ) { $0 + ([UInt8(ascii: "j")] + Pickle.little($1, 4)) } + "l", "nested over 100"),
        Case(
            "containers without end", start.times(500_000, Array("]0".utf8)),
            "more than 400000 containers"),
        Case(
            "a stack without end", start.times(1_100_000, Array("N".utf8)),
            "more than 1000000 elements"),
        Case(
            "a memo without end",
            (0..<450_000).reduce(into: start + "N") {
                $0.bytes += [UInt8(ascii: "r")] + Pickle.little($1, 4)
            }, "remembers more than 400000"),
        Case(
            "text of 2^63 bytes", start + [0x8D] + Pickle.little(.min, 8), "pickle has the size"),
        Case("text of 2^40 bytes", start + [0x8D] + Pickle.little(1 << 40, 8), "cut off"),
        Case("bytes of 4 GB", start + "B" + [0xFF, 0xFF, 0xFF, 0xFF], "cut off"),
        Case("nothing on the stack", start + "0", "malformed"),
        Case("a tuple without a mark", start + "t", "malformed"),
        Case("a mark as a value", start + "(", "malformed"),
        Case("recalled before", start + "h\u{5}", "recalls what it never remembered"),
        Case("a key without a value", start + "(Nd", "a key without a value"),
        Case("a storage by itself", start.storage(4), "a storage by itself"),
        Case("a type by itself", start.global("torch", "FloatStorage"), "a type or a storage"),
        Case("a call of text", start.text("x") + ")R", "calls what can't be called"),
        Case("a reference to no storage", start + "NQ", "no storage"),
        Case(
            "a storage of two types",
            start.storage(4).storage(4, type: "LongStorage"), "as two types"),
        Case(
            "a tensor by zero strides", start.tensor(count: 4, shape: [1 << 30], strides: [0]),
            "lies outside its storage"),
        Case(
            "a tensor beyond its storage", start.tensor(count: 4, shape: [4], strides: [2]),
            "lies outside its storage"),
        Case(
            "an offset beyond", start.tensor(count: 4, offset: 4, shape: [1], strides: [1]),
            "lies outside its storage"),
        Case(
            "sizes whose product overflows",
            start.tensor(count: 4, shape: [1 << 32, 1 << 32], strides: [1, 1]),
            "lies outside its storage"),
        Case(
            "strides that overflow",
            start.tensor(count: 4, shape: [3], strides: [.max]), "lies outside its storage"),
        Case("negative sizes", start.tensor(count: 4, shape: [-1], strides: [1]), "malformed"),
        Case(
            "a storage larger than the file",
            start.tensor(count: 1 << 40, shape: [1 << 40], strides: [1]), "missing or cut off"),
        Case(
            "a storage that overlaps the pickle",
            archive(
                [
                    ("a/data.pkl", (start + "N.").bytes), ("a/data/0", [0, 0, 0, 0]),
                    ("a/data/1", [0, 0, 0, 0]),
                ], overlap: true), "overlap"),
        Case(
            "a compressed member",
            archive([("a/data.pkl", (start + "N.").bytes)], method: 8), "is compressed, which"),
        Case(
            "a member beyond the file",
            archive([("a/data.pkl", (start + "N.").bytes)], size: 1 << 20), "outside"),
        Case(
            "a member twice",
            archive([("a/data.pkl", (start + "N.").bytes), ("a/data.pkl", [])]), "twice"),
        Case(
            "two pickles",
            archive([("a/data.pkl", (start + "N.").bytes), ("b/data.pkl", [])]), "more than one"),
        Case("an archive without a pickle", archive([("a/x", [1])]), "without data.pkl"),
        Case("an archive cut off", Data([0x50, 0x4B, 3, 4, 0, 0]), "not a ZIP archive"),
        Case("a pickle that isn't PyTorch's", Data((start + "N.").bytes), "no file of torch.save"),
        Case("text", Data("hello".utf8), "no file of torch.save"),
        Case("nothing", Data(), "no file of torch.save"),
    ]

    @Test(arguments: cases)
    func isAnErrorThatSaysWhy(hostile: Case) throws {
        try withFolder { folder in
            let path = folder + "/hostile.pt"
            try hostile.data.write(to: URL(fileURLWithPath: path))
            let error = #expect(throws: NNError.self) {
                let checkpoint = try TorchCheckpoint(contentsOf: path)
                guard case .tensor(let tensor) = checkpoint.content else { return }
                _ = try checkpoint.values(of: tensor)
            }
            guard case .notCheckpoint(let named, let reason) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(named == path)
            #expect(reason.contains(hostile.words), "\(reason)")
            #expect(!FileManager.default.fileExists(atPath: folder + "/hacked"))
        }
    }

    @Test func containersThatAreSharedAreReadOnce() throws {
        // Each list holds the one before twice: 2^60 elements, if they were written out.
        var pickle = Self.start + "]q\0"
        for index in 1...60 {
            let before = UInt8(index - 1), own = UInt8(index)
            pickle = pickle + [UInt8(ascii: "]"), UInt8(ascii: "h"), before, UInt8(ascii: "a")]
            pickle =
                pickle + [UInt8(ascii: "h"), before, UInt8(ascii: "a"), UInt8(ascii: "q"), own]
        }
        try withFolder { folder in
            let path = folder + "/shared.pt"
            try Self.archive([("a/data.pkl", (pickle + ".").bytes)])
                .write(to: URL(fileURLWithPath: path))
            guard case .list(let list) = try TorchCheckpoint(contentsOf: path).content else {
                Issue.record("no list")
                return
            }
            #expect(list.count == 2)
        }
    }

    @Test func tensorsThatShareAStorageAreNoLargerThanTheFile() throws {
        let count = 1 << 18
        var pickle = Self.start + "}("
        for index in 0..<64 {
            pickle = pickle.text("t\(index)").tensor(count: count, shape: [count], strides: [1])
        }
        pickle = pickle + "u"
        try withFolder { folder in
            let path = folder + "/shared.pt"
            try Self.archive([
                ("a/data.pkl", (pickle + ".").bytes),
                ("a/data/0", [UInt8](repeating: 0, count: 4 * count)),
            ]).write(to: URL(fileURLWithPath: path))
            let checkpoint = try TorchCheckpoint(contentsOf: path)
            #expect(checkpoint.content.tensors.count == 64)
            let error = #expect(throws: NNError.self) {
                try checkpoint.values(of: checkpoint.content.tensors)
            }
            #expect(error?.description.contains("67108864 bytes in a file of") == true)
        }
    }

    @Test func missingFileAndFolder() throws {
        try withFolder { folder in
            let path = folder + "/none.pt"
            #expect(throws: NNError.missingFile(path: path)) {
                try TorchCheckpoint(contentsOf: path)
            }
            #expect(throws: NNError.notCheckpoint(path: folder, reason: "it cannot be read")) {
                try TorchCheckpoint(contentsOf: folder)
            }
        }
    }
}
